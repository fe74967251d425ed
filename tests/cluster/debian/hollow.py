# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hollow nodes: kubemark's kubelets without containers, whose pods only seem to run."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from ..kubectl import apply
from ..process import Daemon
from ..progress import say
from .control_plane import ControlPlane
from .namespaces import NO_KERNEL_LOG, replace_paths
from .plan import Plan

LABEL = "oncall.recovery/hollow"


def start(plan: Plan, binaries: Path, control_plane: ControlPlane, count: int) -> None:
    """Starts hollow nodes until there are ``count``, and waits until they are Ready.

    Beside a real node they carry a taint, or real pods would end up where nothing runs.
    """
    say(f"starting {count} hollow nodes")
    apply(control_plane.kubeconfig, *_permissions())
    kubeconfig = control_plane.log_in_as("hollow", "/O=recovery:hollow/CN=hollow")
    for number in range(1, count + 1):
        scratch = plan.state / "hollow" / str(number)
        scratch.mkdir(parents=True, exist_ok=True)
        command = [
            *_with_own_tmp(scratch),
            str(binaries / "kubemark"),
            "--morph=kubelet",
            f"--name={_name(plan, number)}",
            f"--kubeconfig={kubeconfig}",
            f"--kubelet-port={plan.hollow_port(number, 'kubelet')}",
            f"--kubelet-read-only-port={plan.hollow_port(number, 'read-only')}",
            f"--node-labels={LABEL}=true",
        ]
        if plan.node:
            command.append(f"--register-with-taints={LABEL}=true:NoSchedule")
        # With more, version 1.20.2 dies of concurrent map writes under a rolling update.
        _daemon(plan, number).start(command, {"GOMAXPROCS": "1"})
    for number in range(1, count + 1):
        _daemon(plan, number).wait_until(
            partial(control_plane.has_ready_node, _name(plan, number)),
            f"hollow node {number} of {count} to be Ready",
            60,
            "ask for fewer: each takes some memory and a share of a core",
        )


def run(plan: Plan, count: int) -> bool:
    """Whether the processes of ``count`` hollow nodes run."""
    return all(_daemon(plan, number).pid() is not None for number in range(1, count + 1))


def _with_own_tmp(scratch: Path) -> list[str]:
    """What runs a command with a /tmp of its own: kubemark's files have fixed names there.

    It may not change this machine's firewall either, as a kubelet that root starts would.
    """
    as_anyone = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    hide = replace_paths({Path("/tmp"): scratch, **NO_KERNEL_LOG})
    script = f'{hide}\nexec setpriv --bounding-set=-net_admin -- "$@"'
    return ["unshare", *as_anyone, "--mount", "sh", "-euc", script, "sh"]


def _name(plan: Plan, number: int) -> str:
    return f"{plan.name}-hollow-{number}"


def _daemon(plan: Plan, number: int) -> Daemon:
    return Daemon(plan.state, f"hollow-{number}")


def _permissions() -> list[dict[str, object]]:
    """One identity serves all hollow nodes, so the per-node rules of real ones do not fit."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "recovery:hollow"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:node",
            },
            "subjects": [
                {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Group",
                    "name": "recovery:hollow",
                }
            ],
        }
    ]
