# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback of many that is cut short, by the API server's death or its own, and run again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster import Cluster, down, providers, up
from tests.cluster.debian.provider import DebianProvider
from tests.cluster.kubectl import kubectl

from .support.modules import Answer, run_module
from .support.playbooks import command, environment
from .support.workloads import Workload, deploy_all, wait_until

# A cluster of its own: the others need their API server.
NAME = "convergence"
AT_ONCE = 2
SIZE = 100
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if not isinstance(providers.choose(), DebianProvider):
        pytest.skip("needs provider debian, whose API server is a process of this machine")
    down(NAME)
    yield up(NAME, node=False)
    down(NAME)


@pytest.fixture
def fleet(cluster: Cluster, request: pytest.FixtureRequest) -> list[Workload]:
    """Deployments without pods that went from version 1 to 2, in a namespace of their own."""
    namespace = f"fleet-{abs(hash(request.node.name)) % 10**6}"
    kubectl(cluster.kubeconfig, "create", "namespace", namespace)
    members = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"web-{n:03}") for n in range(SIZE)
    ]
    deploy_all(members, "1", "2")
    return members


class AuditTail:
    """Successful changes of Deployments by the collection, counted since it was made."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        assert cluster.audit_log is not None
        self._log = cluster.audit_log
        self._start = self._log.stat().st_size
        self._namespace = namespace

    def changes(self) -> list[str]:
        """Names of the Deployments, one for each change."""
        names = []
        with self._log.open("rb") as stream:
            stream.seek(self._start)
            for line in stream:
                if not line.endswith(b"\n") or b'"patch"' not in line:
                    continue
                entry = json.loads(line)
                what = entry["objectRef"]
                ours = "oncall.recovery" in entry.get("userAgent", "")
                is_done = entry.get("responseStatus", {}).get("code") == 200
                place = (what["resource"], what.get("namespace"))
                if ours and is_done and place == ("deployments", self._namespace):
                    names.append(what["name"])
        return names

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.changes()) < count and time.monotonic() < deadline:
            time.sleep(0.01)


def settled_revisions(fleet: list[Workload]) -> list[dict[int, str]]:
    """Revisions of all members once the controllers have seen their templates."""

    def are_settled() -> bool:
        listed = fleet[0].list_all()
        return all(member.is_settled(listed) for member in fleet)

    wait_until(are_settled, "the controllers have caught up", PATIENCE_SECONDS)
    listed = fleet[0].list_all()
    return [member.revisions_among(listed) for member in fleet]


def marked_bad(fleet: list[Workload]) -> int:
    found = fleet[0].kubectl("get", "rs", "-loncall.recovery/verdict=bad", "--output=name")
    return len(found.split())


def test_api_server_that_dies_in_the_middle_leaves_nothing_undone_twice(
    cluster: Cluster, fleet: list[Workload]
) -> None:
    audit = AuditTail(cluster, fleet[0].namespace)
    selected = {
        "namespace": fleet[0].namespace,
        "label_selectors": ["suite=workloads"],
        "incident": "INC-1",
        "wait": False,
        "concurrency": 2,
    }

    def kill_in_the_middle() -> int:
        audit.wait_for(SIZE // 3)
        cluster.stop_apiserver()
        killed_after = len(audit.changes())
        cluster.start_apiserver()
        return killed_after

    with ThreadPoolExecutor(1) as other:
        killer = other.submit(kill_in_the_middle)
        answer = run_module("k8s_rollout_undo", cluster.kubeconfig, **selected)
        killed_after = killer.result()

    assert SIZE // 3 <= killed_after < SIZE
    for workload in answer.result["workloads"]:
        assert workload["outcome"] in ("rolled_back", "failed")
    if answer.failed:
        assert cluster.api_server in answer.message
    again = run_module("k8s_rollout_undo", cluster.kubeconfig, **selected)
    assert not again.failed, again.message
    assert settled_revisions(fleet) == [{2: "2", 3: "1"}] * SIZE
    assert marked_bad(fleet) == SIZE


def test_playbook_that_is_killed_and_run_again_converges_and_does_nothing_twice(
    cluster: Cluster, fleet: list[Workload], tmp_path: Path
) -> None:
    audit = AuditTail(cluster, fleet[0].namespace)
    variables = {
        "recovery_kubeconfig": str(cluster.kubeconfig),
        "rollback_namespace": fleet[0].namespace,
        "rollback_label_selectors": ["suite=workloads"],
        "rollback_incident": "INC-2",
        "rollback_concurrency": AT_ONCE,
        "rollback_lock_duration": 8,
        "rollback_lock_wait": 60,
        "rollback_wait": False,
    }
    first = start_playbook(variables, tmp_path)
    audit.wait_for(SIZE // 3)
    kill_all(first.pid)
    first.communicate()
    time.sleep(0.5)
    done_by_the_first = audit.changes()
    assert SIZE // 3 <= len(done_by_the_first) < SIZE

    second = start_playbook(variables, tmp_path)
    output, _errors = second.communicate(timeout=180)

    assert second.returncode == 0, output[-3000:]
    assert settled_revisions(fleet) == [{2: "2", 3: "1"}] * SIZE
    assert marked_bad(fleet) == SIZE
    names = audit.changes()
    # What was under way when the run was killed may be done, and yet have no answer in the log.
    assert SIZE - AT_ONCE <= len(names) == len(set(names)) <= SIZE


def kill_all(pid: int) -> None:
    """Kill a process and all that came of it; Ansible's workers have sessions of their own."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    for member in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def start_playbook(variables: dict[str, object], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("oncall.recovery.rollback", **variables),
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_rollbacks_at_once_change_each_workload_once(
    cluster: Cluster, fleet: list[Workload]
) -> None:
    audit = AuditTail(cluster, fleet[0].namespace)
    selected = {
        "namespace": fleet[0].namespace,
        "label_selectors": ["suite=workloads"],
        "incident": "INC-3",
        "wait": False,
    }
    barrier = threading.Barrier(2)

    def undo(_number: int) -> Answer:
        barrier.wait()
        return run_module("k8s_rollout_undo", cluster.kubeconfig, **selected)

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(undo, range(2)))

    assert [answer.message for answer in answers if answer.failed] == []
    assert settled_revisions(fleet) == [{2: "2", 3: "1"}] * SIZE
    names = audit.changes()
    assert len(names) == len(set(names)) == SIZE
