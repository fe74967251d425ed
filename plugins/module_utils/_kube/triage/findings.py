# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a triage found, the most telling first: one small function for each kind of evidence.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.finding import (
    Finding,
    counted,
    in_order,
    name_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.grouping import ERROR
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.nodes import BUSY_SHARE
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.pod_findings import (
    pod_findings,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.logs import Log

    Data = Mapping[str, t.Any]

NEAR_LIMIT_SHARE = 0.9
MOST_CHANGES = 5
MOST_GROUPS_OF_A_LOG = 3


@dataclasses.dataclass(frozen=True)
class Seen:
    """All that was read, in the shapes of the result."""

    workloads: Sequence[Data]
    missing: Sequence[Mapping[str, str]]
    pods: Sequence[Data]
    events: Sequence[Data]
    logs: Sequence[Log]
    nodes: Sequence[Data]
    autoscalers: Sequence[Data]
    changes: Sequence[Data]


def findings_of(seen: Seen) -> list[dict[str, t.Any]]:
    """All findings as they are returned."""
    found = [finding for find in FINDERS for finding in find(seen)]
    return [finding.as_result() for finding in in_order(found)]


def _missing(seen: Seen) -> Iterator[Finding]:
    for reference in seen.missing:
        subject = name_of(reference)
        yield Finding("missing", f"{subject} does not exist", subject, reference)


def _rollouts(seen: Seen) -> Iterator[Finding]:
    for workload in seen.workloads:
        subject = name_of(workload)
        reference = {key: workload[key] for key in ("kind", "namespace", "name")}
        reasons = [
            f"{reason['pod']}: {reason['reason']}: {reason['message']}".strip(": ")
            for reason in workload["reasons"]
        ]
        if workload["verdict"] in ("failed", "stalled"):
            yield Finding(
                "rollout_failed",
                f"{subject}: rollout {workload['verdict']}: {workload['message']}",
                subject,
                reference,
                evidence=reasons,
            )
        # What no pod shows, such as a quota that lets none be made.
        for reason in workload["reasons"]:
            if not reason["pod"]:
                yield Finding(
                    "quota",
                    f"{subject} gets no more pods: {reason['reason']}",
                    subject,
                    reference,
                    evidence=[reason["message"]],
                )
        if workload["paused"]:
            yield Finding(
                "paused",
                f"{subject}: its rollout is paused",
                subject,
                reference,
                evidence=[f"resume it with: kubectl rollout resume {workload['kind']}"],
            )


def _pods(seen: Seen) -> Iterator[Finding]:
    yield from pod_findings(seen.pods, seen.events, seen.logs)


def _usage(seen: Seen) -> Iterator[Finding]:
    for name, what in (("memory", "memory"), ("cpu", "CPU")):
        near: dict[tuple[str, str], list[tuple[Data, str]]] = {}
        for pod in seen.pods:
            for container in pod["containers"]:
                share = container["usage"][f"{name}_share"]
                if share is not None and share >= NEAR_LIMIT_SHARE:
                    key = (name_of(pod["workload"]), container["name"])
                    told = f"{pod['name']}: {share:.0%} of its limit"
                    near.setdefault(key, []).append((pod, told))
        for (subject, container_name), members in near.items():
            yield Finding(
                f"{name}_near_limit",
                f"{subject}: {counted(len(members), 'pod')} near the {what} limit of "
                f"{container_name}",
                subject,
                members[0][0]["workload"],
                evidence=[told for _pod, told in members],
                count=len(members),
            )


def _nodes(seen: Seen) -> Iterator[Finding]:
    for node in seen.nodes:
        subject = f"Node {node['name']}"
        if node["troubles"]:
            yield Finding(
                "node_trouble",
                f"{subject}: {node['troubles'][0]}",
                subject,
                evidence=list(node["troubles"]),
            )
        if (node["cpu_share"] or 0.0) >= BUSY_SHARE:
            busiest = [
                f"{pod['namespace']}/{pod['name']} takes {pod['cpu_share']:.0%}, since "
                f"{pod['started']}"
                for pod in node["busiest"]
            ]
            yield Finding(
                "node_busy",
                f"{subject} uses {node['cpu_share']:.0%} of its CPU",
                subject,
                evidence=busiest,
            )


def _autoscalers(seen: Seen) -> Iterator[Finding]:
    for autoscaler in seen.autoscalers:
        most = autoscaler["max_replicas"]
        if autoscaler["desired_replicas"] >= most > 0:
            subject = f"HorizontalPodAutoscaler {autoscaler['namespace']}/{autoscaler['name']}"
            yield Finding(
                "autoscaler_at_limit",
                f"{subject} is at its limit of {most} pods",
                subject,
                {"namespace": autoscaler["namespace"], **autoscaler["target"]},
            )


def _logs(seen: Seen) -> Iterator[Finding]:
    for log in seen.logs:
        where = f"{log.wanted.pod}/{log.wanted.container}"
        for kind, groups in (
            ("credentials_refused", [group for group in log.groups if group.is_refusal]),
            ("errors_in_log", [group for group in log.groups if group.level == ERROR]),
        ):
            if groups:
                first = groups[0].text.splitlines()
                told = first[0] if len(first) == 1 else f"{first[0]} ... {first[-1].strip()}"
                yield Finding(
                    kind,
                    f"{where}: {told[:200]}",
                    f"Pod {log.wanted.namespace}/{log.wanted.pod}",
                    log.wanted.workload,
                    evidence=[
                        f"{counted(g.count, 'time')}: {g.text}"
                        for g in groups[:MOST_GROUPS_OF_A_LOG]
                    ],
                    count=sum(group.count for group in groups),
                )


def _changes(seen: Seen) -> Iterator[Finding]:
    for change in seen.changes[:MOST_CHANGES]:
        subject = name_of(change)
        yield Finding(
            "change",
            f"{subject}: {change['what']} at {change['at']}",
            subject,
            next(iter(change["workloads"]), None),
            evidence=["\n".join(change["diff"])] if change["diff"] else [],
            since=change["at"],
        )


FINDERS: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    _missing,
    _pods,
    _rollouts,
    _logs,
    _nodes,
    _usage,
    _autoscalers,
    _changes,
)
