# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling back: our module beside kubectl and kubernetes.core, on Deployments without pods.

Each turn rolls every Deployment back to its other version, so the next turn finds the same work.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.cluster.kubectl import kubectl
from tests.e2e.support.workloads import Workload, deploy_all, wait_until

from .comparison import Comparison, compare

NAMESPACE = f"bench-{os.getpid()}"
KUBECTL_AT_ONCE = 8
CONTROLLER_SECONDS = 120.0


@contextmanager
def fleet_of(cluster: Cluster, size: int) -> Iterator[list[Workload]]:
    """Deployments with two versions each, in a namespace of their own."""
    kubectl(cluster.kubeconfig, "create", "namespace", NAMESPACE)
    # Each has a label key of its own, or kubernetes.core would take another's ReplicaSet.
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", NAMESPACE, f"web-{n}", {f"app-{n}": "web"})
        for n in range(size)
    ]
    try:
        deploy_all(fleet, "1", "2")
        yield fleet
    finally:
        kubectl(cluster.kubeconfig, "delete", "namespace", NAMESPACE, "--wait=false")


def measure(cluster: Cluster, folder: Path, *, size: int, few: int, runs: int) -> list[Comparison]:
    """Compare on ``size`` Deployments, and with kubernetes.core on ``few`` of them."""
    with fleet_of(cluster, size) as fleet:
        many, some, one = fleet, fleet[:few], fleet[:1]
        of_many = _ours(folder, "many", many)
        return [
            compare(
                f"undo of {size}",
                f"xargs -P {KUBECTL_AT_ONCE} kubectl rollout undo",
                of_many,
                lambda: _xargs_kubectl(many),
                between=lambda: _catch_up(many),
                runs=runs,
                bound=1 / 3,
            ),
            compare(
                f"undo of {size}",
                "one kubectl rollout undo for all",
                of_many,
                lambda: _one_kubectl(many),
                between=lambda: _catch_up(many),
                runs=runs,
                bound=1 / 10,
            ),
            compare(
                f"undo of {size}",
                f"kubernetes.core.k8s_rollback in a loop over {few}",
                of_many,
                _theirs(folder, "some", some),
                between=lambda: _catch_up(many),
                runs=runs,
                bound=1 / 30,
                ours_share=size,
                theirs_share=few,
            ),
            compare(
                "undo of one",
                "kubernetes.core.k8s_rollback",
                _ours(folder, "one", one),
                _theirs(folder, "one", one),
                between=lambda: _catch_up(one),
                runs=max(runs, 5),
                bound=0.8,
            ),
        ]


def _catch_up(fleet: Sequence[Workload]) -> None:
    """Let the controllers number the revisions anew before the next turn."""

    def all_are_settled() -> bool:
        listed = fleet[0].list_all()
        return all(workload.is_settled(listed) for workload in fleet)

    wait_until(all_are_settled, "the controllers have caught up", CONTROLLER_SECONDS)


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
    return ["--kubeconfig", str(fleet[0].kubeconfig), "--namespace", NAMESPACE]


def _ours(folder: Path, label: str, fleet: Sequence[Workload]) -> Callable[[], None]:
    if len(fleet) == 1:
        selected: dict[str, Any] = {"namespace": NAMESPACE, "name": fleet[0].name}
    else:
        selected = {"namespace": NAMESPACE, "label_selectors": ["suite=workloads"]}
    options = {"kubeconfig": str(fleet[0].kubeconfig), "wait": False, **selected}
    task = {"name": "Roll back", "oncall.recovery.k8s_rollout_undo": options}
    return _playbook(folder / f"ours-{label}.yml", task)


def _theirs(folder: Path, label: str, fleet: Sequence[Workload]) -> Callable[[], None]:
    options = {
        "kubeconfig": str(fleet[0].kubeconfig),
        "api_version": "apps/v1",
        "kind": "Deployment",
        "namespace": NAMESPACE,
        "name": "{{ item }}",
    }
    names = [workload.name for workload in fleet]
    task = {"name": "Roll back", "kubernetes.core.k8s_rollback": options, "loop": names}
    return _playbook(folder / f"theirs-{label}.yml", task)


def _playbook(path: Path, task: dict[str, Any]) -> Callable[[], None]:
    play = {"name": "Roll back", "hosts": "localhost", "gather_facts": False, "tasks": [task]}
    path.write_text(yaml.safe_dump([play]))

    def run() -> None:
        done = subprocess.run(
            ["ansible-playbook", str(path)],
            env={**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{shlex.join(done.args)}: {done.stdout[-2000:]}{done.stderr}")

    return run
