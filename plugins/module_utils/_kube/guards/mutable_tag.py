# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: a tag that is moved from release to release brings the bad image back under its name.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    WARN,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import images_of

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def ask(case: Case) -> Answer:
    """A tag without a digit (``latest``, ``stable``, ``main``) names a stream, not a version.

    Where all images stay the same by name and one has such a tag, the rollback would fetch what
    runs now.
    """
    movable = sorted(image for image in case.target.images.values() if _is_movable(image))
    told = ", ".join(movable)
    if not movable:
        return PASS, "no image of the target has a tag that is moved from release to release"
    if case.target.images == images_of(case.workload["spec"]["template"]):
        return BLOCK, (
            f"the target names the same image as now, by a tag that is moved: {told}. "
            "Deploy the good version by its digest"
        )
    return WARN, f"the tag may have been moved since the target ran: {told}. Use digests"


def _is_movable(image: str) -> bool:
    """Grammar: [registry[:port]/]path[:tag][@digest], as in distribution's reference package."""
    if "@" in image:
        return False
    _path, _colon, tag = image.rpartition("/")[2].partition(":")
    return not any(character.isdigit() for character in tag)


GUARD = Guard("mutable_tag", ask)
