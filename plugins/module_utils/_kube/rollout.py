# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What state a rollout is in: a pure function of the workload, its revisions and its pods.

The counts that make a rollout complete are those of ``kubectl rollout status``
(kubectl's ``pkg/polymorphichelpers/rollout_status.go``). Unlike kubectl, it looks at the pods,
knows paused rollouts, and does not call a StatefulSet complete on the ready pods of an old
revision.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    STATEFUL_SET,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import (
    Reason,
    pods_of_revision,
    reasons_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    Revision,
    current_revision,
    is_observed,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPLETE = "complete"
PROGRESSING = "progressing"
STALLED = "stalled"
FAILED = "failed"
PAUSED = "paused"
SUPERSEDED = "superseded"

MOST_REASONS = 10


@dataclasses.dataclass(frozen=True)
class View:
    """A workload and what belongs to it, at one moment. ``workload`` is the last one seen."""

    workload: Mapping[str, t.Any]
    revisions: Sequence[Revision]
    pods: Sequence[Mapping[str, t.Any]]
    is_deleted: bool = False


@dataclasses.dataclass(frozen=True)
class Counts:
    """Numbers of pods: wanted, existing, of the newest revision, ready and available."""

    desired: int
    total: int
    updated: int
    ready: int
    available: int


@dataclasses.dataclass(frozen=True)
class RolloutStatus:
    """The verdict on a rollout, in a word and a sentence, and what it rests on."""

    verdict: str
    message: str
    counts: Counts
    revision: Revision | None
    reasons: tuple[Reason, ...]

    @property
    def is_final(self) -> bool:
        """False where waiting longer can change the verdict by itself."""
        return self.verdict != PROGRESSING

    def as_result(self) -> dict[str, t.Any]:
        return {
            "verdict": self.verdict,
            "message": self.message,
            "counts": dataclasses.asdict(self.counts),
            "revision": self.revision.number if self.revision else None,
            "hash": self.revision.hash if self.revision else None,
            "images": self.revision.images if self.revision else {},
            "reasons": [reason.as_result() for reason in self.reasons[:MOST_REASONS]],
            "reasons_left_out": max(0, len(self.reasons) - MOST_REASONS),
        }


def rollout_status(
    view: View, *, pinned_revision: int | None = None, fail_fast: bool = True
) -> RolloutStatus:
    """Judge a rollout.

    ``pinned_revision``: the revision number that the caller waits for; another one that runs
    instead makes the verdict ``superseded``. ``fail_fast``: a pod of the newest revision that
    cannot start (see HOPELESS_REASONS) makes it ``failed`` at once.
    """
    workload = view.workload
    counts = counts_of(workload)
    current = current_revision(workload, view.revisions)
    reasons = workload_reasons(workload)
    if current and is_observed(workload):
        reasons += reasons_of(pods_of_revision(workload, current, view.pods))

    verdict, message = _verdict(view, current, counts, reasons, pinned_revision, fail_fast)
    shown = () if verdict == COMPLETE else tuple(reasons)
    return RolloutStatus(verdict, message, counts, current, shown)


def _verdict(
    view: View,
    current: Revision | None,
    counts: Counts,
    reasons: Sequence[Reason],
    pinned_revision: int | None,
    fail_fast: bool,
) -> tuple[str, str]:
    workload = view.workload
    if view.is_deleted:
        return FAILED, "the object has been deleted"
    if not is_observed(workload):
        return PROGRESSING, "its controller has not yet seen the newest change"
    if pinned_revision and current and current.number != pinned_revision:
        return SUPERSEDED, f"revision {current.number} runs instead of revision {pinned_revision}"
    missing = _what_is_missing(workload, counts)
    if current and not missing:
        return COMPLETE, _completeness(workload, counts, current.number)
    if workload["spec"].get("paused"):
        return PAUSED, "the rollout is paused; resume it with: kubectl rollout resume"
    if _waits_for_deletes(workload):
        return PAUSED, f"its update strategy is OnDelete, so someone must delete pods: {missing}"
    hopeless = [reason for reason in reasons if reason.is_hopeless]
    if fail_fast and hopeless:
        return FAILED, str(hopeless[0])
    if _deadline_exceeded(workload):
        return STALLED, f"no progress within its progress deadline: {missing}"
    return PROGRESSING, missing or "its controller has not yet made the newest revision"


def counts_of(workload: Mapping[str, t.Any]) -> Counts:
    """The controller's own counts, under one set of names for the three kinds."""
    status = workload.get("status") or {}
    if workload["kind"] == DAEMON_SET.name:
        return Counts(
            desired=status.get("desiredNumberScheduled", 0),
            total=status.get("currentNumberScheduled", 0),
            updated=status.get("updatedNumberScheduled", 0),
            ready=status.get("numberReady", 0),
            available=status.get("numberAvailable", 0),
        )
    # StatefulSets have availableReplicas since Kubernetes 1.22 only.
    ready = status.get("readyReplicas", 0)
    knows_available = workload["kind"] == DEPLOYMENT.name
    return Counts(
        desired=workload["spec"].get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=ready,
        available=status.get("availableReplicas", 0 if knows_available else ready),
    )


def _what_is_missing(workload: Mapping[str, t.Any], counts: Counts) -> str:
    """Nothing where the rollout is complete by its counts, else what it still waits for."""
    wanted = counts.desired
    if workload["kind"] == STATEFUL_SET.name:
        wanted = max(0, wanted - partition_of(workload))
    if counts.updated < wanted:
        return f"{counts.updated} of {wanted} pods run the newest revision"
    if workload["kind"] == DEPLOYMENT.name and counts.total > counts.updated:
        return f"{counts.total - counts.updated} old pods have not yet ended"
    if counts.available < counts.desired:
        return f"{counts.available} of {counts.desired} pods are available"
    return ""


def _completeness(workload: Mapping[str, t.Any], counts: Counts, number: int) -> str:
    if (
        workload["kind"] == STATEFUL_SET.name
        and partition_of(workload)
        and counts.updated < counts.desired
    ):
        pods = f"{counts.updated} of {counts.desired} pods"
        return f"{pods} run revision {number}, as its partition wants"
    return f"all {counts.desired} pods run revision {number}"


def partition_of(workload: Mapping[str, t.Any]) -> int:
    """The ordinal below which a StatefulSet keeps its pods as they are; 0 where there is none."""
    strategy = workload["spec"].get("updateStrategy") or {}
    return int((strategy.get("rollingUpdate") or {}).get("partition") or 0)


def _waits_for_deletes(workload: Mapping[str, t.Any]) -> bool:
    return (workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"


def _condition(workload: Mapping[str, t.Any], kind: str) -> Mapping[str, t.Any]:
    conditions = (workload.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c["type"] == kind), {})


def _deadline_exceeded(workload: Mapping[str, t.Any]) -> bool:
    """Only Deployments have a progress deadline; the other kinds end with the caller's time."""
    return bool(_condition(workload, "Progressing").get("reason") == "ProgressDeadlineExceeded")


def is_deadline_of_earlier_rollout(before: Mapping[str, t.Any], after: Mapping[str, t.Any]) -> bool:
    """Whether the passed deadline of ``after`` is still what the controller said of ``before``.

    Where a Deployment gets the template of a ReplicaSet that is there, the controller keeps its
    condition until it sees progress: ``getNewReplicaSet`` of
    https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/sync.go
    """
    return _deadline_exceeded(after) and _condition(before, "Progressing") == _condition(
        after, "Progressing"
    )


def workload_reasons(workload: Mapping[str, t.Any]) -> list[Reason]:
    """Conditions that no pod shows, such as a quota that lets no pod be made."""
    failure = _condition(workload, "ReplicaFailure")
    if failure.get("status") != "True":
        return []
    return [Reason("", "", failure.get("reason", "ReplicaFailure"), failure.get("message", ""))]
