# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where requests go: a server on this machine, or the ready pods behind a Service.

Requests leave for nowhere else, so a mistyped address cannot put load on somebody's server.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ClusterError
from ..kubectl import kubectl

Address = tuple[str, int]
Targets = Callable[[], Sequence[Address]]

_RETRY_SECONDS = 0.3
_READY_ADDRESSES = "{.subsets[*].addresses[*].ip}|{.subsets[*].ports[*].port}{'\\n'}"


def fixed_target(url: str, kubeconfig: Path | None = None) -> Targets:
    """The one server of an ``http://`` URL: on loopback, or a pod of the kubeconfig's cluster.

    :raises ClusterError: for any other address.
    """
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_allowed = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_allowed = False
    if not is_allowed and kubeconfig is not None:
        is_allowed = host in _pod_addresses(kubeconfig)
    if parts.scheme != "http" or not is_allowed:
        raise ClusterError(
            f"load goes to http:// on loopback or to pods of a test cluster, not to {url}",
            "name a Service of the cluster instead",
        )
    address = (host, parts.port or 80)
    return lambda: [address]


def _pod_addresses(kubeconfig: Path) -> list[str]:
    pods = json.loads(kubectl(kubeconfig, "get", "pods", "--all-namespaces", "-o", "json"))
    return [pod["status"].get("podIP", "") for pod in pods["items"]]


class EndpointsWatch:
    """The ready pods behind a Service, followed by a watch; call it for the addresses now.

    Pods are asked directly: from outside of the nodes a ClusterIP leads nowhere.
    """

    def __init__(self, kubeconfig: Path, namespace: str, service: str) -> None:
        self._command = ["kubectl", "--kubeconfig", str(kubeconfig), "--namespace", namespace]
        self._command += ["get", "endpoints", service, "--watch", "--output"]
        self._command += [f"jsonpath={_READY_ADDRESSES}"]
        self._addresses: list[Address] = []
        self._stopping = threading.Event()
        self._heard = threading.Event()
        self._kubectl: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __call__(self) -> Sequence[Address]:
        return self._addresses

    def __enter__(self) -> EndpointsWatch:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self, seconds: float = 5.0) -> None:
        """Begin, and wait for the first word from the API server, at most ``seconds``."""
        self._thread.start()
        self._heard.wait(seconds)

    def stop(self) -> None:
        self._stopping.set()
        if self._kubectl is not None:
            self._kubectl.terminate()
        self._thread.join(5)

    def _follow(self) -> None:
        # A watch ends when the Service is not there yet or the API server goes; the addresses
        # known last stay, since the pods may well serve on.
        while not self._stopping.is_set():
            with subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as process:
                self._kubectl = process
                if self._stopping.is_set():
                    process.terminate()
                for line in process.stdout or ():
                    self._addresses = parse_addresses(line)
                    self._heard.set()
            self._stopping.wait(_RETRY_SECONDS)


def parse_addresses(line: str) -> list[Address]:
    """``IP IP|PORT`` as addresses; none without a ready pod."""
    hosts, _bar, ports = line.strip().partition("|")
    return [(host, int(ports.split()[0])) for host in hosts.split()] if ports else []
