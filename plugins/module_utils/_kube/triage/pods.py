# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods as ``kubectl get`` and ``describe`` would tell of them, as plain data.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import (
    is_ready,
    pods_of_revision,
    reasons_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import reference_to
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.quantity import (
    number_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.times import short

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

    Object = Mapping[str, t.Any]
    Usage = Mapping[tuple[str, str], Mapping[str, t.Any]]

MOST_PODS = 100
FINISHED = ("Succeeded", "Failed")


def described_pods(views: Iterable[View], usage: Usage) -> list[dict[str, t.Any]]:
    """All pods of these workloads, those in trouble first.

    ``usage`` is what the metrics API says of a pod's containers, by namespace and name.
    """
    found = [_described(pod, view, usage) for view in views for pod in view.pods]
    return sorted(found, key=lambda pod: (pod["ready"], -pod["restarts"], pod["name"]))


def usage_by_pod(metrics: Iterable[Object]) -> dict[tuple[str, str], dict[str, t.Any]]:
    """PodMetrics by namespace and name, and in them the containers' usage by name."""
    return {
        (item["metadata"]["namespace"], item["metadata"]["name"]): {
            container["name"]: container.get("usage") or {}
            for container in item.get("containers") or []
        }
        for item in metrics
    }


def _described(pod: Object, view: View, usage: Usage) -> dict[str, t.Any]:
    metadata, status = pod["metadata"], pod.get("status") or {}
    ready = _condition(status, "Ready")
    containers = list(_containers(pod, usage.get((metadata["namespace"], metadata["name"]), {})))
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "workload": reference_to(view.workload).as_result(),
        "revision": _revision_of(pod, view),
        "node": pod["spec"].get("nodeName", ""),
        "phase": status.get("phase", ""),
        "ready": is_ready(pod),
        "terminating": bool(metadata.get("deletionTimestamp")),
        "created": metadata["creationTimestamp"],
        "ready_since": ready.get("lastTransitionTime") if is_ready(pod) else None,
        "unready_since": None if is_ready(pod) else ready.get("lastTransitionTime"),
        "restarts": sum(container["restarts"] for container in containers),
        "reasons": [
            {**reason.as_result(), "message": short(reason.message)} for reason in reasons_of([pod])
        ],
        "containers": containers,
    }


def _revision_of(pod: Object, view: View) -> int | None:
    for revision in view.revisions:
        if pods_of_revision(view.workload, revision, [pod]):
            return revision.number
    return None


def _containers(pod: Object, usage: Mapping[str, t.Any]) -> Iterable[dict[str, t.Any]]:
    status = pod.get("status") or {}
    for key, statuses in (
        ("initContainers", status.get("initContainerStatuses")),
        ("containers", status.get("containerStatuses")),
    ):
        known = {one["name"]: one for one in statuses or []}
        for container in pod["spec"].get(key) or []:
            one = known.get(container["name"], {})
            yield {
                **_state(one),
                "name": container["name"],
                "image": container.get("image", ""),
                "init": key == "initContainers",
                "ready": bool(one.get("ready")),
                "restarts": int(one.get("restartCount") or 0),
                "usage": usage_against_limits(container, usage.get(container["name"], {})),
            }


def _state(status: Object) -> dict[str, t.Any]:
    state = status.get("state") or {}
    name = next(iter(state), "")
    inside = state.get(name) or {}
    last = (status.get("lastState") or {}).get("terminated")
    return {
        "state": name,
        "reason": inside.get("reason") or "",
        "message": short(inside.get("message")),
        "exit_code": inside.get("exitCode"),
        "started": inside.get("startedAt"),
        "finished": inside.get("finishedAt"),
        "last": _ended(last) if last else None,
    }


def _ended(last: Object) -> dict[str, t.Any]:
    return {
        "reason": last.get("reason") or "Error",
        "exit_code": last.get("exitCode"),
        "message": short(last.get("message")),
        "started": last.get("startedAt"),
        "finished": last.get("finishedAt"),
    }


def usage_against_limits(container: Object, usage: Object) -> dict[str, float | None]:
    """CPU in cores and memory in bytes, and each as a share of its limit, where there is one."""
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    told: dict[str, float | None] = {}
    for name in ("cpu", "memory"):
        used, limit = number_of(usage.get(name)), number_of(limits.get(name))
        told[name] = used
        told[f"{name}_limit"] = limit
        told[f"{name}_request"] = number_of(requests.get(name))
        told[f"{name}_share"] = round(used / limit, 3) if used is not None and limit else None
    return told


def _condition(status: Object, kind: str) -> Object:
    conditions: Sequence[Object] = status.get("conditions") or []
    return next((c for c in conditions if c["type"] == kind), {})
