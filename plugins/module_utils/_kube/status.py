# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the rollouts of several workloads, now or once each has come to an end.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import (
    Followed,
    follow,
    look_once,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.marking import mark_revision
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    BAD,
    GOOD,
    VERDICT_LABEL,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    COMPLETE,
    FAILED,
    PAUSED,
    PROGRESSING,
    STALLED,
    SUPERSEDED,
    RolloutStatus,
    View,
    rollout_status,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    find_workloads,
    reference_to,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

BAD_VERDICTS = (FAILED, STALLED, SUPERSEDED)


@dataclasses.dataclass(frozen=True)
class StatusRequest:
    """``revision`` is the number to wait for; ``wait_seconds`` 0 looks once.

    ``mark_good`` marks the revision of every complete rollout; ``dry_run`` has the server only
    try that.
    """

    revision: int | None = None
    fail_fast: bool = True
    wait_seconds: float = 0.0
    mark_good: bool = False
    dry_run: bool = False


@dataclasses.dataclass(frozen=True)
class WorkloadStatus:
    """One workload's rollout; ``status`` is None where there is no such workload.

    ``trouble`` is what kept the status from being newer. ``marked`` is the mark that its revision
    got now, ``warning`` why it got none.
    """

    reference: WorkloadReference
    status: RolloutStatus | None
    is_timed_out: bool = False
    seconds: float = 0.0
    trouble: str = ""
    marked: str = ""
    warning: str = ""

    @property
    def verdict(self) -> str:
        return self.status.verdict if self.status else FAILED

    @property
    def message(self) -> str:
        if self.status is None:
            return self.reference.absence
        if self.is_timed_out:
            late = f"not complete after {self.seconds:.0f} s"
            told = f"{self.reference}: {late}: {self.status.message}"
            if not self.trouble:
                return told
            return f"{told}, as far as is known; of late there was trouble: {self.trouble}"
        return f"{self.reference}: {self.status.verdict}: {self.status.message}"

    def as_result(self) -> dict[str, t.Any]:
        status = self.status.as_result() if self.status else {"verdict": FAILED, "reasons": []}
        return {
            **self.reference.as_result(),
            **status,
            "message": self.message,
            "timed_out": self.is_timed_out,
            "marked": self.marked or None,
            "duration": round(self.seconds, 3),
        }


@dataclasses.dataclass(frozen=True)
class StatusResult:
    """All workloads of one call. ``waited`` makes a paused rollout a failure, too."""

    workloads: Sequence[WorkloadStatus]
    waited: bool

    @property
    def failure(self) -> str:
        """One message about every rollout that did not come to a good end; nothing if none."""
        bad = [w for w in self.workloads if self._is_bad(w)]
        if not bad:
            return ""
        told = "; ".join(workload.message for workload in bad[:3])
        more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
        if len(self.workloads) == 1:
            return told
        return f"{len(bad)} of {len(self.workloads)} rollouts are not complete: {told}{more}"

    @property
    def warnings(self) -> list[str]:
        return [workload.warning for workload in self.workloads if workload.warning]

    def as_result(self) -> dict[str, t.Any]:
        names = (COMPLETE, PROGRESSING, STALLED, FAILED, PAUSED, SUPERSEDED)
        verdicts = [workload.verdict for workload in self.workloads]
        return {
            "changed": any(workload.marked for workload in self.workloads),
            "workloads": [workload.as_result() for workload in self.workloads],
            "summary": {"total": len(verdicts), **{name: verdicts.count(name) for name in names}},
        }

    def _is_bad(self, workload: WorkloadStatus) -> bool:
        if workload.is_timed_out or workload.verdict in BAD_VERDICTS:
            return True
        return self.waited and workload.verdict == PAUSED


def read_status(client: Client, selection: Selection, request: StatusRequest) -> StatusResult:
    """Judge the selected rollouts, after waiting for their end where the request says so.

    Raises RecoveryError where nothing can be read, or where selectors match nothing.
    """
    found = find_workloads(client, selection)

    def judge(view: View) -> RolloutStatus:
        return rollout_status(view, pinned_revision=request.revision, fail_fast=request.fail_fast)

    if request.wait_seconds:
        followed = follow(
            client,
            found.workloads,
            lambda view: ((status := judge(view)), status.is_final),
            seconds=request.wait_seconds,
        )
    else:
        judged = look_once(client, found.workloads, judge)
        followed = {uid: Followed(status, True, 0.0) for uid, status in judged.items()}
    present = [
        _workload_status(reference_to(w), followed[w["metadata"]["uid"]], request)
        for w in found.workloads
    ]
    if request.mark_good:
        present = client.side_by_side(lambda status: _mark_good(client, status, request), present)
    absent = [WorkloadStatus(reference, None) for reference in found.missing]
    return StatusResult([*present, *absent], waited=bool(request.wait_seconds))


def _mark_good(client: Client, found: WorkloadStatus, request: StatusRequest) -> WorkloadStatus:
    """Mark a complete rollout's revision. A bad mark stays: complete is less than it takes.

    Complete can also mean no pods: of a workload with 0 replicas, of a DaemonSet whose nodes are
    gone, of a StatefulSet whose partition holds the revision back.
    """
    status = found.status
    revision = status.revision if status else None
    if not status or found.verdict != COMPLETE or not revision or revision.mark == GOOD:
        return found
    subject = f"revision {revision.number} of {found.reference}"
    if revision.mark == BAD:
        warning = f"{subject}: marked bad, and stays so. Remove the label {VERDICT_LABEL} first"
        return dataclasses.replace(found, warning=warning)
    if not status.counts.updated:
        warning = (
            f"{subject}: no pod runs it, so nothing shows that it works. It is not marked good"
        )
        return dataclasses.replace(found, warning=warning)
    try:
        mark_revision(client, found.reference, revision, GOOD, dry_run=request.dry_run)
    except RecoveryError as error:
        return dataclasses.replace(found, warning=f"{error.message}. It could not be marked good")
    return dataclasses.replace(found, marked=GOOD)


def _workload_status(
    reference: WorkloadReference,
    followed: Followed[RolloutStatus],
    request: StatusRequest,
) -> WorkloadStatus:
    if followed.judgement is None:
        told = f" ({followed.trouble})" if followed.trouble else ""
        raise RecoveryError(
            str(reference),
            f"its state could not be read within {request.wait_seconds:.0f} s{told}",
            "Run again, with a higher wait_timeout",
        )
    timed_out = not followed.is_final
    seconds = request.wait_seconds if timed_out else followed.seconds
    return WorkloadStatus(reference, followed.judgement, timed_out, seconds, followed.trouble)
