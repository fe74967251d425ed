# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling back: our module beside kubectl and kubernetes.core, on Deployments without pods.

Each turn rolls every Deployment back to its other version, so the next turn finds the same work.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from tests.cluster import Cluster
from tests.e2e.support.audit import requests_to
from tests.e2e.support.workloads import Workload

from .comparison import Comparison, compare, single
from .fleet import clear_marks, client_of, fleet_of, settle
from .floor import write_requests
from .module_process import run

KUBECTL_AT_ONCE = 8


def measure(
    cluster: Cluster, folder: Path, *, size: int, few: int, runs: int
) -> Iterator[Comparison]:
    """Compare on ``size`` Deployments, and with kubernetes.core on ``few`` of them."""
    client = client_of(cluster)
    with fleet_of(cluster, size) as fleet:
        many, some, one = fleet, fleet[:few], fleet[:1]

        def next_turn(members: Sequence[Workload]) -> Callable[[], None]:
            def between() -> None:
                settle(members)
                clear_marks(client, members)

            return between

        of_many = _ours(folder, "many", many)
        yield compare(
            f"undo of {size}",
            f"xargs -P {KUBECTL_AT_ONCE} kubectl rollout undo",
            of_many,
            lambda: _xargs_kubectl(many),
            between=next_turn(many),
            runs=runs,
            bound=1 / 3,
        )
        yield compare(
            f"undo of {size}",
            "one kubectl rollout undo for all",
            of_many,
            lambda: _one_kubectl(many),
            between=next_turn(many),
            runs=runs,
            bound=1 / 10,
        )
        yield compare(
            f"undo of {size}",
            f"kubernetes.core.k8s_rollback in a loop over {few}",
            of_many,
            _theirs(folder, "some", some),
            between=next_turn(many),
            runs=runs,
            bound=1 / 30,
            ours_share=size,
            theirs_share=few,
        )
        yield _against_the_floor(cluster, folder, many, next_turn(many), runs)
        yield from _requests(cluster, many, next_turn(many))
        yield compare(
            "the task for one",
            "the task of kubernetes.core.k8s_rollback",
            lambda: _task_seconds(_ours(folder, "one", one), folder),
            lambda: _task_seconds(_theirs(folder, "one", one), folder),
            between=next_turn(one),
            runs=max(runs, 5),
            bound=0.8,
        )


def measure_memory(cluster: Cluster, *, sizes: tuple[int, int]) -> Comparison:
    """What the module's process holds at most, at two sizes, in check mode."""
    held = []
    for size in sizes:
        with fleet_of(cluster, size, name=f"memory{size}") as fleet:
            held.append(run("k8s_rollout_undo", check=True, **_selection(fleet)).megabytes)
    smaller, larger = sizes
    return single(
        f"memory for {larger}",
        f"memory for {smaller}",
        round(held[1], 1),
        round(held[0], 1),
        bound=larger / smaller,
        unit="MB",
    )


def _against_the_floor(
    cluster: Cluster,
    folder: Path,
    fleet: Sequence[Workload],
    next_turn: Callable[[], None],
    runs: int,
) -> Comparison:
    """The module's process beside one that sends the same requests and thinks nothing."""
    requests = write_requests(folder, cluster.kubeconfig, fleet[0].namespace)

    def between() -> None:
        next_turn()
        write_requests(folder, cluster.kubeconfig, fleet[0].namespace)

    return compare(
        f"the module's own time for {len(fleet)}",
        "a bare client that sends the same requests",
        lambda: _module(fleet),
        lambda: _floor(requests),
        between=between,
        runs=max(runs, 5),
        bound=1.5,
    )


def _task_seconds(play_it: Callable[[], None], folder: Path) -> float:
    """Seconds of the one task in a playbook, as Ansible's own junit callback measures them."""
    reports = folder / "junit"
    shutil.rmtree(reports, ignore_errors=True)
    play_it()
    (report,) = reports.glob("*.xml")
    (case,) = ElementTree.parse(report).iter("testcase")
    return float(case.attrib["time"])


def _floor(requests: Path) -> None:
    subprocess.run([sys.executable, "-m", "tests.bench.floor", str(requests)], check=True)


def _module(fleet: Sequence[Workload]) -> None:
    run("k8s_rollout_undo", **_selection(fleet))


def _requests(
    cluster: Cluster, fleet: Sequence[Workload], next_turn: Callable[[], None]
) -> Iterator[Comparison]:
    for mark, times in ((False, 1), (True, 2)):
        with requests_to(cluster, fleet[0].namespace) as requests:
            run("k8s_rollout_undo", mark=mark, **_selection(fleet))
        next_turn()
        yield single(
            f"requests for {len(fleet)} {'with' if mark else 'without'} marks",
            f"{times if times > 1 else ''}N + 15",
            len(requests.all),
            times * len(fleet) + 15,
            bound=1.0,
            unit="requests",
        )


def _xargs_kubectl(fleet: Sequence[Workload]) -> None:
    names = "\n".join(workload.address for workload in fleet)
    undo = ["kubectl", *_connection(fleet), "rollout", "undo"]
    command = ["xargs", "-P", str(KUBECTL_AT_ONCE), "-n", "1", *undo]
    subprocess.run(command, input=names, text=True, check=True, stdout=subprocess.DEVNULL)


def _one_kubectl(fleet: Sequence[Workload]) -> None:
    names = [workload.address for workload in fleet]
    command = ["kubectl", *_connection(fleet), "rollout", "undo", *names]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _connection(fleet: Sequence[Workload]) -> list[str]:
    return ["--kubeconfig", str(fleet[0].kubeconfig), "--namespace", fleet[0].namespace]


def _ours(folder: Path, label: str, fleet: Sequence[Workload]) -> Callable[[], None]:
    task = {"name": "Roll back", "oncall.recovery.k8s_rollout_undo": _selection(fleet)}
    return _playbook(folder / f"ours-{label}.yml", task)


def _selection(fleet: Sequence[Workload]) -> dict[str, Any]:
    """Options of the module for these, by name or by selector, without waiting."""
    which = {"label_selectors": ["suite=workloads"]} if len(fleet) > 1 else {"name": fleet[0].name}
    where = {"kubeconfig": str(fleet[0].kubeconfig), "namespace": fleet[0].namespace}
    return {"wait": False, **where, **which}


def _theirs(folder: Path, label: str, fleet: Sequence[Workload]) -> Callable[[], None]:
    options = {
        "kubeconfig": str(fleet[0].kubeconfig),
        "api_version": "apps/v1",
        "kind": "Deployment",
        "namespace": fleet[0].namespace,
        "name": "{{ item }}",
    }
    names = [workload.name for workload in fleet]
    task = {"name": "Roll back", "kubernetes.core.k8s_rollback": options, "loop": names}
    return _playbook(folder / f"theirs-{label}.yml", task)


def _playbook(path: Path, task: dict[str, Any]) -> Callable[[], None]:
    play = {"name": "Roll back", "hosts": "localhost", "gather_facts": False, "tasks": [task]}
    path.write_text(yaml.safe_dump([play]))

    def play_it() -> None:
        done = subprocess.run(
            ["ansible-playbook", str(path)],
            env={
                **os.environ,
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "ANSIBLE_CALLBACKS_ENABLED": "junit",
                "JUNIT_OUTPUT_DIR": str(path.parent / "junit"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{shlex.join(done.args)}: {done.stdout[-2000:]}{done.stderr}")

    return play_it
