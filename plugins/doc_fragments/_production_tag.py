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
      - Excludes O(from_pattern) and O(from_running).
    type: str
  from_pattern:
    description:
      - Take the newest tag that matches this pattern and is reachable, such as V(v1.*).
      - Newest is meant by version. A tag that is reachable is followed to the patches that were
        made from it and not merged yet.
      - Excludes O(from_tag) and O(from_running).
    type: str
  from_running:
    description:
      - Take the tag of what runs in production, as its image and annotations name it.
      - Each of them may name a tag on the remote; what names none is left out. If they name
        different commits, the module fails.
      - Excludes O(from_tag) and O(from_pattern).
    type: dict
    suboptions:
      image:
        description:
          - Its image, such as V(registry.example/web:1.2.3). The image's tag has to be a tag of the
            repository, the version in one such as V(1.2.3) for V(v1.2.3), or the beginning of the
            name of its commit.
        type: str
      version:
        description:
          - Its version or tag, such as the annotation C(org.opencontainers.image.version) says.
        type: str
      revision:
        description:
          - The commit that it was built from, such as the annotation
            C(org.opencontainers.image.revision) says.
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
