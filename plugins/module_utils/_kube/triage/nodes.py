# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes that pods run on: their conditions, how busy they are, and what keeps them so.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.quantity import (
    number_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.times import short

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    Object = Mapping[str, t.Any]

# Conditions that are bad where they are true; Ready is bad where it is not.
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
BUSY_SHARE = 0.8
MOST_BUSIEST = 3
# What takes less than this share of a node is no neighbour worth telling of.
LEAST_SHARE = 0.2


def described_nodes(
    nodes: Iterable[Object], metrics: Iterable[Object], names: Collection[str]
) -> list[dict[str, t.Any]]:
    """The nodes of these names, those in trouble first."""
    usage = {item["metadata"]["name"]: item.get("usage") or {} for item in metrics}
    found = [
        _described(node, usage.get(node["metadata"]["name"], {}))
        for node in nodes
        if node["metadata"]["name"] in names
    ]
    return sorted(found, key=lambda node: (not node["troubles"], -(node["cpu_share"] or 0.0)))


def busiest_pods(
    node: Mapping[str, t.Any],
    pods: Iterable[Object],
    usage: Mapping[tuple[str, str], Mapping[str, Object]],
    workloads: Mapping[tuple[str, str], Mapping[str, str]],
) -> list[dict[str, t.Any]]:
    """Pods on a node that take much of its CPU, the busiest first.

    ``workloads`` are those of the pods that were asked about, by the pod's namespace and name.
    """
    found = []
    for pod in pods:
        metadata = pod["metadata"]
        key = metadata["namespace"], metadata["name"]
        if pod["spec"].get("nodeName") != node["name"]:
            continue
        used = sum(number_of(one.get("cpu")) or 0.0 for one in usage.get(key, {}).values())
        share = used / node["cpu_allocatable"] if node["cpu_allocatable"] else 0.0
        if share >= LEAST_SHARE:
            status = pod.get("status") or {}
            found.append(
                {
                    "namespace": key[0],
                    "name": key[1],
                    "cpu_share": round(share, 3),
                    "started": status.get("startTime") or metadata["creationTimestamp"],
                    "workload": workloads.get(key),
                }
            )
    return sorted(found, key=lambda one: -one["cpu_share"])[:MOST_BUSIEST]


def _described(node: Object, usage: Object) -> dict[str, t.Any]:
    status = node.get("status") or {}
    allocatable = status.get("allocatable") or {}
    conditions = status.get("conditions") or []
    told: dict[str, t.Any] = {
        "name": node["metadata"]["name"],
        "troubles": [trouble for c in conditions if (trouble := _trouble(c))],
        "unschedulable": bool(node["spec"].get("unschedulable")),
        "busiest": [],
    }
    for name in ("cpu", "memory"):
        used, room = number_of(usage.get(name)), number_of(allocatable.get(name))
        told[f"{name}_allocatable"] = room
        told[f"{name}_share"] = round(used / room, 3) if used is not None and room else None
    return told


def _trouble(condition: Object) -> str:
    kind, status = condition["type"], condition["status"]
    is_bad = status == "True" if kind in PRESSURES else kind == "Ready" and status != "True"
    if not is_bad:
        return ""
    what = kind if kind in PRESSURES else f"Ready is {status}"
    since = condition.get("lastTransitionTime")
    return short(f"{what} since {since}: {condition.get('message') or ''}").rstrip(": ")
