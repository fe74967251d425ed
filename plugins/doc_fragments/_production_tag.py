# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tag is in production. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  from_tag:
    description:
      - The tag that is in production, such as V(v1.2.3).
      - M(oncall.recovery.git_hotfix_pick) and M(oncall.recovery.git_hotfix_finish) use it in check
        mode alone, to try the hotfix before it is started.
      - Excludes O(from_pattern).
    type: str
  from_pattern:
    description:
      - Take the newest tag that matches this pattern and is reachable, such as V(v1.*).
      - Newest is meant by version. A tag that is reachable is followed to the patches that were
        made from it and not merged yet.
      - Excludes O(from_tag).
    type: str
  reachable_from:
    description:
      - The branch of the remote that the tag must be reachable from. Without it, the remote's
        default branch.
    type: str
  tag_format:
    description:
      - How a version is written as a tag, with C({version}) in the place of the version, such as
        V(v{version}) or V(web/{version}). Without it, as in the production tag.
    type: str
"""
