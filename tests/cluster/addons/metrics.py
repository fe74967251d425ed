# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""metrics.k8s.io, so that ``kubectl top`` and autoscalers work."""

from __future__ import annotations

import sys

from .. import metrics_server
from ..debian.control_plane import FRONT_PROXY, ControlPlane
from ..debian.plan import Plan
from ..kubectl import answers, apply
from ..process import Daemon
from ..progress import say

DAEMONS = ("metrics-server",)
_ADDRESS = "127.0.0.1"


def start(plan: Plan, control_plane: ControlPlane) -> None:
    """Starts the server on loopback and waits until the API server passes questions on to it."""
    say("starting the server of metrics.k8s.io")
    names = [f"DNS:{metrics_server.SERVER_NAME}"]
    control_plane.log_in_as("metrics-server", f"/CN={metrics_server.USER}", names)
    login, port = control_plane.login_files("metrics-server"), plan.ports["metrics"]
    server = Daemon(plan.state, *DAEMONS)
    server.start(
        [
            *(sys.executable, metrics_server.__file__, "--server", plan.api_server),
            *("--authority", str(login.authority)),
            *("--certificate", str(login.certificate), "--key", str(login.key)),
            *("--client-name", FRONT_PROXY, "--address", _ADDRESS, "--port", str(port)),
        ]
    )
    apply(
        control_plane.kubeconfig,
        *metrics_server.registration(_ADDRESS, port, login.authority),
    )
    path = f"{metrics_server.ROOT}/nodes"
    server.wait_until(
        lambda: answers(control_plane.kubeconfig, "get", "--raw", path) is not None,
        "metrics.k8s.io to answer",
        30,
        f"kubectl --kubeconfig {control_plane.kubeconfig} get apiservices",
    )
