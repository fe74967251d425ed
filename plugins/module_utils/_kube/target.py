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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import STATEFUL_SET
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    BAD,
    GOOD,
    images_of,
    is_restart_of,
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
    is known not to help. ``last_good`` is the newest that is marked good, else the newest that may
    have worked. Raises NoTarget.
    """
    if request.to_revision:
        return _numbered(subject, workload, revisions, request.to_revision)
    if len(revisions) < 2:
        raise NoTarget(
            subject,
            f"has no earlier revision to go back to ({_have(revisions)})",
            "Deploy a good version instead",
        )
    if request.target == LAST_GOOD:
        return _last_good(subject, workload, revisions)
    return _previous(subject, workload, revisions)


def _numbered(
    subject: str, workload: Mapping[str, t.Any], revisions: Sequence[Revision], number: int
) -> Choice:
    for revision in revisions:
        if revision.number == number:
            why = _known_not_to_help(revision, workload, revisions)
            return Choice(revision, caution=f"revision {number} {why}" if why else "")
    raise NoTarget(
        subject,
        f"revision {number} is not in its history ({_have(revisions)})",
        "Choose one of those",
    )


def _previous(subject: str, workload: Mapping[str, t.Any], revisions: Sequence[Revision]) -> Choice:
    previous = revisions[-2]
    why = _known_not_to_help(previous, workload, revisions)
    if why:
        raise NoTarget(
            subject,
            f"revision {previous.number}, the one before, {why}",
            "Use target last_good, or name it with to_revision",
        )
    caution = _caution_of_images(previous, workload)
    return Choice(previous, caution=f"{caution}. Otherwise use target last_good" if caution else "")


def _last_good(
    subject: str, workload: Mapping[str, t.Any], revisions: Sequence[Revision]
) -> Choice:
    """What runs now is what has to go, even if it is marked good: it seemed so at the time."""
    others = [r for r in reversed(revisions) if not is_template_of(r, workload)]
    objections = [(r, _objection(r, workload, revisions)) for r in others]
    eligible = [revision for revision, why in objections if not why]
    for revision in eligible:
        if revision.mark == GOOD:
            return Choice(revision, MARKED_GOOD, _caution_of_images(revision, workload))
    if eligible:
        newest = eligible[0]
        caution = f"revision {newest.number} is unproven: nobody marked it good"
        return Choice(newest, UNPROVEN, caution)
    considered = "; ".join(f"revision {revision.number} {why}" for revision, why in objections)
    raise NoTarget(
        subject,
        f"no revision can be taken for good ({considered or _have(revisions)})",
        "Name one with to_revision if you know better, or deploy a good version",
    )


def _known_not_to_help(
    revision: Revision, workload: Mapping[str, t.Any], revisions: Sequence[Revision]
) -> str:
    """Why going to a revision brings back what somebody wants to get rid of; else nothing.

    A restart makes a revision of its own, with the same images and settings under a new number.
    """
    if revision.mark == BAD:
        return f"is {_marked_bad(revision)}"
    if is_template_of(revision, workload):
        return ""
    if is_restart_of(revision.template, workload["spec"]["template"]):
        return "is what runs now, but for a restart"
    for bad in revisions:
        if bad.mark == BAD and is_restart_of(revision.template, bad.template):
            return f"is, but for a restart, revision {bad.number}, which is {_marked_bad(bad)}"
    return ""


def _objection(
    revision: Revision, workload: Mapping[str, t.Any], revisions: Sequence[Revision]
) -> str:
    """Why a revision cannot be taken for one that ran well; nothing where it can.

    A good mark answers all but what is known not to help. Without one there is only what the
    history shows, which is no health, but this: what was left by going back has a successor that
    is older than itself, what does not start has pods of which none is available, and what was
    replaced before it took over has a predecessor that still serves. A bad mark speaks against
    older revisions with the same images, too: they differ by what was tried against the trouble.
    """
    why = _known_not_to_help(revision, workload, revisions)
    if why or revision.mark == GOOD:
        return why
    if revision.images == images_of(workload["spec"]["template"]):
        return "has the images that run now"
    later = [r for r in revisions if r.number > revision.number]
    for bad in later:
        if bad.mark == BAD and bad.images == revision.images:
            return f"has the images of revision {bad.number}, which is {_marked_bad(bad)}"
    if later and later[0].created < revision.created:
        return f"was left by going back to what is now revision {later[0].number}"
    if revision.replicas and not revision.available:
        return "has pods of which none is available"
    serving = _last_that_took_over(workload, revisions)
    if serving and serving.number < revision.number and not revision.available:
        return f"never took over from revision {serving.number}"
    return ""


def _last_that_took_over(
    workload: Mapping[str, t.Any], revisions: Sequence[Revision]
) -> Revision | None:
    """The newest revision before the present that is seen to serve while this is rolled out.

    Deployment: its ReplicaSet has available pods. StatefulSet: ``status.currentRevision``, which
    its controller moves when a rolling update is complete (completeRollingUpdate in Kubernetes'
    ``pkg/controller/statefulset/stateful_set_utils.go``). A DaemonSet keeps nothing of the kind.
    """
    others = [r for r in revisions if not is_template_of(r, workload)]
    if workload["kind"] == STATEFUL_SET.name:
        name = (workload.get("status") or {}).get("currentRevision")
        strategy = workload["spec"].get("updateStrategy") or {}
        # With OnDelete it is never moved.
        is_kept = strategy.get("type") != "OnDelete"
        return next((r for r in others if is_kept and r.name == name), None)
    return next((r for r in reversed(others) if r.available), None)


def _caution_of_images(revision: Revision, workload: Mapping[str, t.Any]) -> str:
    if revision.images != images_of(workload["spec"]["template"]):
        return ""
    return (
        f"revision {revision.number} has the images that run now, so it helps only where a "
        "setting is the cause"
    )


def _marked_bad(revision: Revision) -> str:
    return "marked bad" + (f" by incident {revision.incident}" if revision.incident else "")


def _have(revisions: Sequence[Revision]) -> str:
    return "have " + (", ".join(str(revision.number) for revision in revisions) or "none")
