# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about pods: those of one workload that fail alike are one finding.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.finding import (
    Finding,
    counted,
    name_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.grouping import ERROR

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.logs import Log

    Data = Mapping[str, t.Any]

IMAGE = (
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
)
START = ("CreateContainerError", "RunContainerError")
OOM_KILLED = "OOMKilled"
# Between two waits it has just ended, and is no other thing for that.
LEAST_RESTARTS_OF_A_LOOP = 2

# Of one pod, and of several.
WORDS = {
    "image_missing": ("cannot get its image", "cannot get their image"),
    "config_missing": (
        "lacks a ConfigMap, a Secret or a key",
        "lack a ConfigMap, a Secret or a key",
    ),
    "cannot_start": ("cannot be started", "cannot be started"),
    "oom_killed": ("was killed for want of memory", "were killed for want of memory"),
    "crash_loop": ("crashes again and again", "crash again and again"),
    "container_exited": ("ended with an error", "ended with an error"),
    "not_ready": ("runs and is not ready", "run and are not ready"),
    "unschedulable": ("finds no node", "find no node"),
}


def pod_findings(
    pods: Sequence[Data], events: Sequence[Data], logs: Sequence[Log]
) -> Iterator[Finding]:
    """One finding for each way in which pods of a workload's revision fail."""
    groups: dict[tuple[t.Any, ...], list[tuple[Data, str]]] = {}
    for pod in pods:
        for kind, container, told in _troubles(pod):
            key = (kind, name_of(pod["workload"]), pod["revision"], container)
            groups.setdefault(key, []).append((pod, told))
    for (kind, subject, revision, container), members in groups.items():
        first, names = members[0][0], {pod["name"] for pod, _told in members}
        where = f" (container {container})" if container else ""
        of = f" of revision {revision}" if revision is not None else ""
        finding = Finding(
            kind,
            f"{subject}: {counted(len(names), 'pod')}{of} {WORDS[kind][len(names) > 1]}{where}",
            subject,
            first["workload"],
            evidence=[f"{pod['name']}: {told}" for pod, told in members[:2]],
            count=len(names),
            since=str(first["unready_since"] or ""),
        )
        finding.evidence += _said_in_logs(names, container, logs)
        finding.evidence += _noted(names, events)
        yield finding
    yield from _probes(pods, events)


def _troubles(pod: Data) -> Iterator[tuple[str, str, str]]:
    """Type of finding, container (or nothing), and what is told."""
    if pod["terminating"]:
        return
    for container in pod["containers"]:
        yield from _container_troubles(container)
    for reason in pod["reasons"]:
        if reason["reason"] == "Unschedulable":
            yield "unschedulable", "", reason["message"]
        elif reason["reason"] == "NotReady" and reason["container"]:
            yield "not_ready", reason["container"], reason["message"]


def _container_troubles(container: Data) -> Iterator[tuple[str, str, str]]:
    name, reason, last = container["name"], container["reason"], container["last"] or {}
    waits = container["state"] == "waiting"
    message = f"{reason}: {container['message']}".rstrip(": ")
    ended = _how_it_ended(last, container["restarts"]) if last else message
    if waits and reason in IMAGE:
        yield "image_missing", name, f"{message} ({container['image']})"
    elif waits and reason == "CreateContainerConfigError":
        yield "config_missing", name, message
    elif waits and reason in START:
        yield "cannot_start", name, message
    elif OOM_KILLED in (reason, last.get("reason")):
        yield "oom_killed", name, f"{ended}{_memory(container)}"
    elif container["exit_code"] and container["restarts"] >= LEAST_RESTARTS_OF_A_LOOP:
        yield (
            "crash_loop",
            name,
            _how_it_ended({**container, "reason": reason}, container["restarts"]),
        )
    elif waits and reason == "CrashLoopBackOff":
        yield "crash_loop", name, ended
    elif container["state"] == "terminated" and container["exit_code"]:
        yield "container_exited", name, f"{reason}, exit code {container['exit_code']}"
    elif container["restarts"] and last.get("exit_code"):
        yield "container_exited", name, ended


def _how_it_ended(last: Data, restarts: int) -> str:
    told = f"{last['reason']}, exit code {last['exit_code']}, {counted(restarts, 'restart')}"
    if last.get("finished"):
        told = f"{told}, the last at {last['finished']}"
    return f"{told}: {last['message']}" if last.get("message") else told


def _memory(container: Data) -> str:
    limit = container["usage"]["memory_limit"]
    return f", limit {limit / 2**20:.0f} MiB" if limit else ""


def _said_in_logs(names: set[str], container: str, logs: Iterable[Log]) -> Iterator[str]:
    """The first error of a log of these pods, the first and the last line of it."""
    for log in logs:
        if log.wanted.pod in names and log.wanted.container == container:
            for group in log.groups[:1]:
                if group.level == ERROR:
                    lines = group.text.splitlines()
                    last = f" ... {lines[-1].strip()}" if len(lines) > 1 else ""
                    yield f"its log, {counted(group.count, 'time')}: {lines[0]}{last}"


def _noted(names: set[str], events: Iterable[Data]) -> Iterator[str]:
    """The newest warning about one of these pods."""
    warnings = [e for e in events if e["type"] == "Warning" and e["name"] in names]
    for event in warnings[-1:]:
        yield f"event {event['reason']} ({counted(event['count'], 'time')}): {event['message']}"


def _probes(pods: Sequence[Data], events: Iterable[Data]) -> Iterator[Finding]:
    """Probes that fail, of pods that are not ready."""
    unready = {pod["name"]: pod for pod in pods if not pod["ready"] and not pod["terminating"]}
    told: dict[str, list[Data]] = {}
    for event in events:
        if event["reason"] == "Unhealthy" and event["name"] in unready:
            subject = name_of(unready[event["name"]]["workload"])
            told.setdefault(subject, []).append(event)
    for subject, noted in told.items():
        names = {event["name"] for event in noted}
        yield Finding(
            "probe_failing",
            f"{subject}: probes of {counted(len(names), 'pod')} fail",
            subject,
            unready[noted[0]["name"]]["workload"],
            evidence=[f"{event['name']}: {event['message']}" for event in noted[-3:]],
            count=len(names),
            since=noted[0]["at"],
        )
