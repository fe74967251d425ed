# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``kubectl get``, ``describe``, ``logs``, ``top`` and ``rollout status`` tell, at once.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    autoscalers_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.place import (
    PODS,
    REVISIONS,
    Place,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    group_by_place,
    reference_to,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage import (
    changes,
    commands,
    events,
    findings,
    history,
    logs,
    nodes,
    pods,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.gathering import (
    ABSENT,
    LATE,
    READ,
    Gatherer,
    Source,
    is_unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.reading import Reading

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.gathering import (
        Asked,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.request import (
        TriageRequest,
    )

    Object = Mapping[str, t.Any]
    Data = dict[str, t.Any]

# So much of the budget is kept for putting together what was read.
SECONDS_TO_TELL = 0.5
THREADS = 8
MOST_BUSY_NODES = 3


@dataclasses.dataclass(frozen=True)
class Described:
    """The first half of the result: what lists alone tell."""

    workloads: list[Data]
    pods: list[Data]
    nodes: list[Data]


def triage(client: Client, request: TriageRequest) -> dict[str, t.Any]:
    """Read everything side by side, as far as the budget goes, and say what it comes to.

    Raises RecoveryError only where the API server cannot be reached, or lets nobody in.
    """
    started = time.monotonic()
    seconds = max(request.budget - SECONDS_TO_TELL, request.budget / 2)
    gatherer = Gatherer(started + seconds, THREADS)
    reading = Reading(client, request, gatherer)
    views = _views(reading)
    reading.raise_where(_is_lost)
    now = client.now()
    described = _describe(reading, views)
    asked_logs = _ask_for_logs(client, request, gatherer, described)
    asked_commands = _ask_for_commands(client, request, gatherer, described)
    _find_neighbours(reading, described)
    seen = _see(reading, request, views, described, now)
    seen = dataclasses.replace(seen, logs=[log for a in asked_logs if (log := a.answer(None))])
    ran = [result for a in asked_commands if (result := a.answer(None))]
    sources = gatherer.finish()
    return {
        "changed": False,
        "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "findings": findings.findings_of(seen),
        "workloads": described.workloads,
        "missing": list(seen.missing),
        "pods": described.pods[: pods.MOST_PODS],
        "pods_left_out": max(0, len(described.pods) - pods.MOST_PODS),
        "events": list(seen.events),
        "logs": [log.as_result() for log in seen.logs],
        "nodes": described.nodes,
        "autoscalers": list(seen.autoscalers),
        "changes": list(seen.changes),
        "config_maps": changes.kept_config_maps(views, reading.config_maps.answer([])),
        "exec": ran,
        "sources": [source.as_result() for source in sources],
        "complete": all(source.outcome in (READ, ABSENT) for source in sources),
        "duration": round(time.monotonic() - started, 3),
    }


def _is_lost(source: Source) -> bool:
    """Without the workloads there is nothing to look at."""
    return source.outcome == LATE or is_unreachable(source)


def _views(reading: Reading) -> list[View]:
    """The workloads with what belongs to them, as far as it could be read."""
    found = reading.workloads()
    views = []
    for (kind, namespace), members in group_by_place(found).items():
        place = Place(kind, members, with_pods=True)
        place.replace_all(PODS, reading.pods(namespace))
        place.replace_all(REVISIONS, reading.revisions(kind, namespace))
        views += [place.view(uid) for uid in place.workloads]
    return sorted(views, key=lambda view: reference_to(view.workload))


def _describe(reading: Reading, views: Sequence[View]) -> Described:
    autoscalers = reading.autoscalers.answer([])
    workloads = []
    for view in views:
        namespace = view.workload["metadata"]["namespace"]
        here = [a for a in autoscalers if a["metadata"]["namespace"] == namespace]
        workloads.append(history.described_workload(view, here))
    usage = pods.usage_by_pod(reading.pod_metrics.answer([]))
    found = pods.described_pods(views, usage)
    names = {pod["node"] for pod in found}
    described = nodes.described_nodes(
        reading.nodes.answer([]), reading.node_metrics.answer([]), names
    )
    return Described(workloads, found, described)


def _ask_for_logs(
    client: Client, request: TriageRequest, gatherer: Gatherer, described: Described
) -> list[Asked[logs.Log]]:
    wanted = logs.wanted_logs(described.pods) if request.log_lines else []
    return [
        gatherer.ask(str(one), functools.partial(logs.read_log, client, one, request.log_lines))
        for one in wanted
    ]


def _ask_for_commands(
    client: Client, request: TriageRequest, gatherer: Gatherer, described: Described
) -> list[Asked[Data]]:
    places = commands.places_for(described.pods) if request.commands else []
    return [
        gatherer.ask(
            f"{' '.join(command)} in {place.namespace}/{place.pod}",
            functools.partial(commands.run_command, client, place, command),
        )
        for place in places
        for command in request.commands
    ]


def _find_neighbours(reading: Reading, described: Described) -> None:
    """For the busiest nodes, what else runs there; asked only where a node is busy."""
    busy = [node for node in described.nodes if (node["cpu_share"] or 0.0) >= nodes.BUSY_SHARE]
    ours = {(pod["namespace"], pod["name"]): pod["workload"] for pod in described.pods}
    asked = [(node, *reading.neighbours(node["name"])) for node in busy[:MOST_BUSY_NODES]]
    for node, asked_pods, asked_metrics in asked:
        usage = pods.usage_by_pod(asked_metrics.answer([]))
        node["busiest"] = nodes.busiest_pods(node, asked_pods.answer([]), usage, ours)


def _see(
    reading: Reading,
    request: TriageRequest,
    views: Sequence[View],
    described: Described,
    now: datetime.datetime,
) -> findings.Seen:
    window, autoscalers = request.window, reading.autoscalers.answer([])
    found = [
        *changes.rollout_changes(described.workloads, now, window),
        *changes.configuration_changes(
            views,
            reading.config_maps.answer([]),
            reading.secrets.answer([]),
            request.baseline,
            now,
            window,
        ),
        *changes.autoscaler_changes(views, autoscalers, now, window),
    ]
    return findings.Seen(
        workloads=described.workloads,
        missing=reading.missing(),
        pods=described.pods,
        events=events.described_events(reading.events.answer([]), _uids(views), now, window),
        logs=[],
        nodes=described.nodes,
        autoscalers=[_autoscaler(a) for a in autoscalers if _is_of(a, views)],
        changes=sorted(found, key=lambda change: str(change["at"]), reverse=True),
    )


def _uids(views: Sequence[View]) -> set[str]:
    """Of the workloads, their revisions and their pods: whom events are about."""
    uids = set()
    for view in views:
        uids.add(view.workload["metadata"]["uid"])
        uids.update(revision.uid for revision in view.revisions)
        uids.update(pod["metadata"]["uid"] for pod in view.pods)
    return uids


def _is_of(autoscaler: Object, views: Sequence[View]) -> bool:
    namespace = autoscaler["metadata"]["namespace"]
    return any(
        view.workload["metadata"]["namespace"] == namespace
        and autoscalers_of(view.workload, [autoscaler])
        for view in views
    )


def _autoscaler(autoscaler: Object) -> Data:
    spec, status = autoscaler["spec"], autoscaler.get("status") or {}
    return {
        "namespace": autoscaler["metadata"]["namespace"],
        "name": autoscaler["metadata"]["name"],
        "target": {key: spec["scaleTargetRef"].get(key, "") for key in ("kind", "name")},
        "min_replicas": spec.get("minReplicas", 1),
        "max_replicas": spec["maxReplicas"],
        "current_replicas": status.get("currentReplicas", 0),
        "desired_replicas": status.get("desiredReplicas", 0),
    }
