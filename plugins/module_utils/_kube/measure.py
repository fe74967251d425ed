# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a workload in numbers: its rollout, restarts and OOM kills.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import threading
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import (
    SHORTEST_PATIENCE_SECONDS,
    look_once,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    KINDS,
    collection_path,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    COMPLETE,
    FAILED,
    STALLED,
    View,
    rollout_status,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
        WorkloadReference,
    )

OOM_KILLED = "OOMKilled"
CRASH_LOOP = "CrashLoopBackOff"
# Several measures of one workload share what was read for the first of them.
SECONDS_A_VIEW_IS_FRESH = 0.5
SECONDS_TO_TELL = 1.0


@dataclasses.dataclass(frozen=True)
class Measured:
    """A number, or None where there is none, whose it is, and what it means in words."""

    labels: Mapping[str, str]
    number: int | None
    detail: str


class Gauge:
    """Reads workloads for those who measure them, side by side on threads."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._locks: dict[WorkloadReference, threading.Lock] = {}
        self._views: dict[WorkloadReference, tuple[float, View]] = {}

    def measure(
        self, what: str, reference: WorkloadReference, within: int, seconds: float
    ) -> list[Measured]:
        """What ``MEASURES`` has under this name, of the workload as it is now.

        :param within: how many seconds ago the end of a container still counts.
        :param seconds: time limit.

        Raises RecoveryError where the workload does not exist or cannot be read.
        """
        view = self._view(reference, time.monotonic() + seconds)
        since = self._client.now() - datetime.timedelta(seconds=within)
        return MEASURES[what](view, since)

    def _view(self, reference: WorkloadReference, deadline: float) -> View:
        with self._lock:
            lock = self._locks.setdefault(reference, threading.Lock())
        with lock:
            read_at, view = self._views.get(reference, (0.0, None))
            if view is None or self._clock() - read_at > SECONDS_A_VIEW_IS_FRESH:
                view = self._read(reference, deadline)
                self._views[reference] = (self._clock(), view)
            return view

    def _read(self, reference: WorkloadReference, deadline: float) -> View:
        workloads, _version = self._client.list_objects(
            collection_path(KINDS[reference.kind].plural, reference.namespace),
            subject=str(reference),
            field_selector=f"metadata.name={reference.name}",
            patience=_patience(deadline),
        )
        live = [{**workload, "kind": reference.kind} for workload in workloads]
        views = look_once(self._client, live, lambda view: view, patience=_patience(deadline))
        for view in views.values():
            if not view.is_deleted:
                return view
        raise RecoveryError(
            str(reference), "there is no such object", "Check kind, namespace and name"
        )


def _patience(deadline: float) -> float:
    """Seconds to try again, such that there is time left to tell of the trouble."""
    left = remaining(deadline)
    return max(left - SECONDS_TO_TELL, left / 2, SHORTEST_PATIENCE_SECONDS)


def measured_rollout(view: View, _since: datetime.datetime) -> list[Measured]:
    """0 where the rollout is complete, 1 where it came to a bad end, no number in between."""
    status = rollout_status(view)
    numbers = {COMPLETE: 0, FAILED: 1, STALLED: 1}
    return [Measured({}, numbers.get(status.verdict), f"{status.verdict}: {status.message}")]


def measured_restarts(view: View, since: datetime.datetime) -> list[Measured]:
    """How often each container was started again, 0 where the last time was before ``since``.

    One that waits for its next start in a crash loop counts however long it waits.
    """
    measured = []
    for labels, status in _containers(view):
        count = int(status.get("restartCount") or 0)
        waiting = ((status.get("state") or {}).get("waiting") or {}).get("reason")
        ended = next((end for end in _ends(status) if end["finished"] >= since), None)
        recent = bool(ended) or waiting == CRASH_LOOP
        told = ended["told"] if ended else waiting or ""
        measured.append(Measured(labels, count if recent else 0, told if recent else ""))
    return measured


def measured_oom_kills(view: View, since: datetime.datetime) -> list[Measured]:
    """1 for each container that ended for want of memory not before ``since``, else 0."""
    measured = []
    for labels, status in _containers(view):
        killed = [
            end["told"]
            for end in _ends(status)
            if end["reason"] == OOM_KILLED and end["finished"] >= since
        ]
        measured.append(Measured(labels, int(bool(killed)), killed[0] if killed else ""))
    return measured


MEASURES: dict[str, Callable[[View, datetime.datetime], list[Measured]]] = {
    "rollout": measured_rollout,
    "restarts": measured_restarts,
    "oom_kills": measured_oom_kills,
}


def _containers(view: View) -> Iterator[tuple[dict[str, str], Mapping[str, t.Any]]]:
    """Every container of the pods that are to stay, init containers included."""
    for pod in view.pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        status = pod.get("status") or {}
        for key in ("initContainerStatuses", "containerStatuses"):
            for container in status.get(key) or []:
                yield {"pod": pod["metadata"]["name"], "container": container["name"]}, container


def _ends(status: Mapping[str, t.Any]) -> Iterator[dict[str, t.Any]]:
    """How a container ended, the newest end first: the kubelet tells of two at most."""
    for key in ("state", "lastState"):
        ended = (status.get(key) or {}).get("terminated")
        if ended and ended.get("finishedAt"):
            reason = str(ended.get("reason") or "Error")
            yield {
                "finished": datetime.datetime.fromisoformat(
                    ended["finishedAt"].replace("Z", "+00:00")
                ),
                "reason": reason,
                "told": f"last ended with {reason}, exit code {ended.get('exitCode')}",
            }
