# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision a rollback goes to.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    BAD,
    GOOD,
    images_of,
    is_template_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision

PREVIOUS, LAST_GOOD = "previous", "last_good"
# What speaks for a target that was chosen as the last good one.
MARKED_GOOD, UNPROVEN = "good", "unproven"


class NoTarget(RecoveryError):
    """No revision fits the request; nothing was changed."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """The target. ``proof`` is ``good``, ``unproven`` or, where none was asked for, empty.

    ``caution`` is what a person should know about it, or empty.
    """

    revision: Revision
    proof: str = ""
    caution: str = ""


def choose_target(
    subject: str,
    workload: Mapping[str, t.Any],
    revisions: Sequence[Revision],
    request: UndoRequest,
) -> Choice:
    """Choose among ``revisions``, which are in the order of their numbers.

    A number that is asked for is taken as it is. ``previous`` is the second highest number, as
    in kubectl's ``pkg/polymorphichelpers/rollback.go``, whether or not it ever worked, unless it
    is marked bad. ``last_good`` is the newest that is marked good, else the newest that may have
    worked. Raises NoTarget.
    """
    if request.to_revision:
        return _numbered(subject, revisions, request.to_revision)
    if len(revisions) < 2:
        raise NoTarget(
            subject,
            f"has no earlier revision to go back to ({_have(revisions)})",
            "Deploy a good version instead",
        )
    if request.target == LAST_GOOD:
        return _last_good(subject, workload, revisions)
    return _previous(subject, workload, revisions)


def _numbered(subject: str, revisions: Sequence[Revision], number: int) -> Choice:
    for revision in revisions:
        if revision.number == number:
            caution = f"revision {number} is {_marked_bad(revision)}"
            return Choice(revision, caution=caution if revision.mark == BAD else "")
    raise NoTarget(
        subject,
        f"revision {number} is not in its history ({_have(revisions)})",
        "Choose one of those",
    )


def _previous(subject: str, workload: Mapping[str, t.Any], revisions: Sequence[Revision]) -> Choice:
    previous = revisions[-2]
    if previous.mark == BAD:
        raise NoTarget(
            subject,
            f"revision {previous.number}, the one before, is {_marked_bad(previous)}",
            "Use target last_good, or name it with to_revision",
        )
    same = previous.images == images_of(workload["spec"]["template"])
    caution = (
        f"revision {previous.number} has the images that run now, so it helps only where a "
        "setting is the cause. Otherwise use target last_good"
    )
    return Choice(previous, caution=caution if same else "")


def _last_good(
    subject: str, workload: Mapping[str, t.Any], revisions: Sequence[Revision]
) -> Choice:
    """What runs now is what has to go, even if it is marked good: it seemed so at the time."""
    others = [r for r in reversed(revisions) if not is_template_of(r, workload)]
    for revision in others:
        if revision.mark == GOOD:
            return Choice(revision, MARKED_GOOD)
    objections = {r.number: _objection(r, workload, revisions) for r in others}
    for revision in others:
        if not objections[revision.number]:
            caution = f"revision {revision.number} is unproven: nobody marked it good"
            return Choice(revision, UNPROVEN, caution)
    considered = "; ".join(f"revision {number} {why}" for number, why in objections.items())
    raise NoTarget(
        subject,
        f"no revision can be taken for good ({considered or _have(revisions)})",
        "Name one with to_revision if you know better, or deploy a good version",
    )


def _objection(
    revision: Revision, workload: Mapping[str, t.Any], revisions: Sequence[Revision]
) -> str:
    """Why an unmarked revision cannot be taken for one that ran well; nothing where it can.

    The history shows no health, only this: what was left by going back has a successor that is
    older than itself, and what does not start has pods of which none is available.
    """
    if revision.mark == BAD:
        return f"is {_marked_bad(revision)}"
    if revision.images == images_of(workload["spec"]["template"]):
        return "has the images that run now"
    successor = next((r for r in revisions if r.number > revision.number), None)
    if successor and successor.created < revision.created:
        return f"was left by going back to what is now revision {successor.number}"
    if revision.replicas and not revision.available:
        return "has pods of which none is available"
    return ""


def _marked_bad(revision: Revision) -> str:
    return "marked bad" + (f" by incident {revision.incident}" if revision.incident else "")


def _have(revisions: Sequence[Revision]) -> str:
    return "have " + (", ".join(str(revision.number) for revision in revisions) or "none")
