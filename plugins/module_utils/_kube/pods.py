# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods belong to a revision, and what keeps them from being ready.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    KINDS,
    STATEFUL_SET,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    CONTROLLER_REVISION_HASH,
    Revision,
    controller_uid,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What the kubelet says of a container that will not start by waiting longer
# (Kubernetes' pkg/kubelet/container/sync_result.go and pkg/kubelet/images/types.go).
# ErrImagePull is not among them: it turns into ImagePullBackOff when it happens again.
HOPELESS_REASONS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
ORDINARY_WAITING = frozenset({"ContainerCreating", "PodInitializing"})


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why something is not ready. ``pod`` and ``container`` are empty for the workload itself."""

    pod: str
    container: str
    reason: str
    message: str

    @property
    def is_hopeless(self) -> bool:
        return self.reason in HOPELESS_REASONS

    def __str__(self) -> str:
        where = "/".join(part for part in (self.pod, self.container) if part)
        what = f"{self.reason}: {self.message}" if self.message else self.reason
        return f"{where}: {what}" if where else what

    def as_result(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def pods_of_revision(
    workload: Mapping[str, t.Any], revision: Revision, pods: Iterable[Mapping[str, t.Any]]
) -> list[Mapping[str, t.Any]]:
    """The pods that run ``revision``, by owner UID and by the controller's own label."""
    if KINDS[workload["kind"]].keeps_replica_sets:
        return [pod for pod in pods if controller_uid(pod) == revision.uid]
    # A StatefulSet labels its pods with the ControllerRevision's name, a DaemonSet with its hash.
    label = revision.name if workload["kind"] == STATEFUL_SET.name else revision.hash
    return [
        pod
        for pod in pods
        if controller_uid(pod) == workload["metadata"]["uid"]
        and (pod["metadata"].get("labels") or {}).get(CONTROLLER_REVISION_HASH) == label
    ]


def is_ready(pod: Mapping[str, t.Any]) -> bool:
    return _has_condition(pod, "Ready", "True")


def ready_count(pods: Iterable[Mapping[str, t.Any]]) -> int:
    return sum(1 for pod in pods if is_ready(pod))


def reasons_of(pods: Iterable[Mapping[str, t.Any]]) -> list[Reason]:
    """What keeps these pods from being ready, the hopeless ones first."""
    found = [reason for pod in pods for reason in _reasons_of_pod(pod)]
    return sorted(found, key=lambda reason: not reason.is_hopeless)


def _reasons_of_pod(pod: Mapping[str, t.Any]) -> Iterator[Reason]:
    if pod["metadata"].get("deletionTimestamp") or is_ready(pod):
        return
    name = pod["metadata"]["name"]
    status = pod.get("status") or {}
    if status.get("reason"):
        yield Reason(name, "", status["reason"], _short(status.get("message")))
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield Reason(
                name, "", condition.get("reason", "NotScheduled"), _short(condition.get("message"))
            )
    for container in status.get("initContainerStatuses") or []:
        if not (container.get("state") or {}).get("running"):
            yield from _reasons_of_container(name, container)
    for container in status.get("containerStatuses") or []:
        yield from _reasons_of_container(name, container)


def _reasons_of_container(pod: str, status: Mapping[str, t.Any]) -> Iterator[Reason]:
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    terminated = state.get("terminated") or {}
    if waiting and waiting.get("reason") not in ORDINARY_WAITING:
        message = _short(waiting.get("message"))
        ended = _how_it_ended((status.get("lastState") or {}).get("terminated"))
        text = "; ".join(part for part in (ended, message) if part)
        yield Reason(pod, status["name"], waiting.get("reason") or "Waiting", text)
    elif terminated and terminated.get("exitCode"):
        yield Reason(
            pod, status["name"], terminated.get("reason") or "Error", _how_it_ended(terminated)
        )
    elif state.get("running") and not status.get("ready"):
        ended = _how_it_ended((status.get("lastState") or {}).get("terminated"))
        text = "its readiness probe does not succeed" + (f"; {ended}" if ended else "")
        yield Reason(pod, status["name"], "NotReady", text)


def _how_it_ended(terminated: Mapping[str, t.Any] | None) -> str:
    if not terminated:
        return ""
    reason = terminated.get("reason") or "Error"
    message = _short(terminated.get("message"))
    text = f"last ended with {reason}, exit code {terminated.get('exitCode')}"
    return f"{text}: {message}" if message else text


def _has_condition(pod: Mapping[str, t.Any], kind: str, status: str) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == kind and c["status"] == status for c in conditions)


def _short(message: str | None) -> str:
    text = " ".join((message or "").split())
    return text if len(text) <= 300 else text[:297] + "..."
