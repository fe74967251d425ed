# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision a rollback goes to.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision

PREVIOUS = "previous"


class NoTarget(RecoveryError):
    """No revision fits the request; nothing was changed."""


def choose_target(subject: str, revisions: Sequence[Revision], to_revision: int) -> Revision:
    """Return the revision to go to. ``to_revision`` 0 means the previous one.

    ``revisions`` are in the order of their numbers. "Previous" is the second highest number, as
    in kubectl's ``pkg/polymorphichelpers/rollback.go``, whether or not it ever worked.
    Raises NoTarget.
    """
    if to_revision == 0:
        if len(revisions) < 2:
            raise NoTarget(
                subject,
                f"has no earlier revision to go back to ({_have(revisions)})",
                "Deploy a good version instead",
            )
        return revisions[-2]
    for revision in revisions:
        if revision.number == to_revision:
            return revision
    raise NoTarget(
        subject,
        f"revision {to_revision} is not in its history ({_have(revisions)})",
        "Choose one of those",
    )


def _have(revisions: Sequence[Revision]) -> str:
    return "have " + (", ".join(str(revision.number) for revision in revisions) or "none")
