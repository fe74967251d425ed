# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which logs to read, and what they say: those of what fails, and one of what does not beside it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import quote

from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import object_path
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.grouping import (
    Group,
    group_lines,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Pod = Mapping[str, t.Any]

MOST_LOGS = 12
MOST_BYTES = 256 * 1024
THROWN_AWAY = "unable to retrieve container logs for"
NEVER_STARTED = frozenset({"ContainerCreating", "PodInitializing"})


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One log. ``previous`` asks for that of the container before it was started again."""

    namespace: str
    pod: str
    container: str
    previous: bool
    is_failing: bool
    workload: Mapping[str, str]

    def __str__(self) -> str:
        return f"log of {self.namespace}/{self.pod}/{self.container}"


@dataclasses.dataclass(frozen=True)
class Log:
    """What a log said in its last lines."""

    wanted: Wanted
    lines: int
    groups: list[Group]

    def as_result(self) -> dict[str, t.Any]:
        return {
            "namespace": self.wanted.namespace,
            "pod": self.wanted.pod,
            "container": self.wanted.container,
            "previous": self.wanted.previous,
            "failing": self.wanted.is_failing,
            "workload": dict(self.wanted.workload),
            "lines": self.lines,
            "groups": [group.as_result() for group in self.groups],
        }


def wanted_logs(pods: Iterable[Pod]) -> list[Wanted]:
    """One log for each way in which a workload's revision fails, and a good one beside it."""
    failing: dict[t.Any, Wanted] = {}
    healthy: dict[t.Any, Wanted] = {}
    for pod in pods:
        for container in pod["containers"]:
            workload = tuple(pod["workload"].values())
            how = _how_it_fails(pod, container)
            if how and _has_started(container):
                key = (workload, pod["revision"], container["name"], how)
                failing.setdefault(key, _wanted(pod, container, is_failing=True))
            elif not how and container["state"] == "running":
                key = (workload, pod["revision"], container["name"], how)
                healthy.setdefault(key, _wanted(pod, container, is_failing=False))
    return [*failing.values(), *healthy.values()][:MOST_LOGS]


def read_log(client: Client, wanted: Wanted, lines: int, patience: float) -> Log:
    """Its last lines, grouped. Raises RecoveryError."""
    try:
        text = _read(client, wanted, lines, patience, previous=wanted.previous)
    except ApiError as error:
        if not wanted.previous or error.status != 400:
            raise
        text = THROWN_AWAY
    # The kubelet has thrown the container away that ran before, and says so in one of two ways.
    if wanted.previous and text.startswith(THROWN_AWAY):
        text = _read(client, wanted, lines, patience, previous=False)
    return Log(wanted, len(text.splitlines()), group_lines(text))


def _read(client: Client, wanted: Wanted, lines: int, patience: float, *, previous: bool) -> str:
    query: dict[str, t.Any] = {
        "container": wanted.container,
        "tailLines": lines,
        "limitBytes": MOST_BYTES,
    }
    if previous:
        query["previous"] = "true"
    path = f"{object_path('pods', wanted.namespace, quote(wanted.pod), '/api/v1')}/log"
    return client.get_text(path, subject=str(wanted), query=query, patience=patience)


def _how_it_fails(pod: Pod, container: Mapping[str, t.Any]) -> str:
    if container["state"] == "terminated" and container["init"] and not container["exit_code"]:
        return ""
    last = container["last"] or {}
    if container["state"] != "running":
        return str(container["reason"] or container["state"] or "unknown")
    if container["restarts"] and last.get("exit_code"):
        return str(last["reason"])
    return "" if container["ready"] or container["init"] else "NotReady"


def _has_started(container: Mapping[str, t.Any]) -> bool:
    return bool(container["last"] or container["started"])


def _wanted(pod: Pod, container: Mapping[str, t.Any], *, is_failing: bool) -> Wanted:
    return Wanted(
        pod["namespace"],
        pod["name"],
        container["name"],
        # Of one that does not run, the last log is that of the run that failed.
        previous=is_failing and container["state"] == "running" and bool(container["last"]),
        is_failing=is_failing,
        workload=pod["workload"],
    )
