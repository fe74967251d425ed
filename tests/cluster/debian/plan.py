# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses and ports of one cluster, chosen so that several run side by side."""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ClusterError
from ..locks import locked
from ..places import run_folder, state_folder

# Below the ports that the kernel gives to outgoing connections, so that a port stays free
# while its process is stopped and started again.
_PORTS = range(20000, 30000)
_BLOCKS = range(200, 240)
_SERVERS = (
    "etcd",
    "etcd-peer",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "prometheus",
    "alertmanager",
    "metrics",
)


@dataclass(frozen=True)
class Plan:
    """Where a cluster's parts are.

    :param block: N of the addresses 10.N.0.0/16 that are this cluster's alone.
    :param ports: by server; all of them on loopback but the API server's.
    :param node: whether there is a real node.
    """

    name: str
    block: int
    node: bool
    ports: dict[str, int]

    @property
    def state(self) -> Path:
        return state_folder(self.name)

    @property
    def network(self) -> str:
        return f"10.{self.block}.0.0/16"

    @property
    def pods(self) -> str:
        return f"10.{self.block}.0.0/20"

    @property
    def services(self) -> str:
        return f"10.{self.block}.16.0/20"

    @property
    def first_service(self) -> str:
        """The ClusterIP of ``kubernetes.default``."""
        return f"10.{self.block}.16.1"

    @property
    def name_service(self) -> str:
        """The ClusterIP that pods ask for names."""
        return f"10.{self.block}.16.10"

    @property
    def host_address(self) -> str:
        """This machine's end of the link to the node."""
        return f"10.{self.block}.255.1"

    @property
    def node_address(self) -> str:
        return f"10.{self.block}.255.2"

    @property
    def link(self) -> str:
        """The network interface on this machine's side."""
        return f"recovery{self.block}"

    @property
    def api_address(self) -> str:
        """Loopback, or where a node in its own network can reach it."""
        return self.host_address if self.node else "127.0.0.1"

    @property
    def api_server(self) -> str:
        return f"https://{self.api_address}:{self.ports['kube-apiserver']}"

    def hollow_port(self, number: int, kind: str) -> int:
        """A port of the hollow node ``number`` (from 1); ``kind`` is kubelet or read-only."""
        return self.ports["hollow"] + 2 * (number - 1) + (kind == "read-only")


def make(name: str, node: bool, hollow_limit: int) -> Plan:
    """Chooses what is free now, and writes it down so that nobody else chooses the same."""
    run_folder().mkdir(parents=True, exist_ok=True)
    with locked(run_folder()):
        others = [plan for plan in all_saved() if plan.name != name]
        taken = {port for plan in others for port in _reserved(plan, hollow_limit)}
        block = choose_block({plan.block for plan in others}, _routed_networks())
        ports = dict(zip(_SERVERS, free_ports(len(_SERVERS), taken), strict=True))
        ports["hollow"] = free_run(2 * hollow_limit, taken | set(ports.values()))
        plan = Plan(name, block, node, ports)
        plan.state.mkdir(parents=True, exist_ok=True)
        (plan.state / "plan.json").write_text(json.dumps(asdict(plan)))
    return plan


def saved(name: str) -> Plan | None:
    """The plan of the cluster, also of one whose ``up`` never finished."""
    try:
        return Plan(**json.loads((state_folder(name) / "plan.json").read_text()))
    except (FileNotFoundError, ValueError):
        return None


def all_saved() -> Iterator[Plan]:
    for folder in run_folder().glob("*/"):
        plan = saved(folder.name)
        if plan is not None:
            yield plan


def choose_block(taken: Collection[int], routed: Iterable[str]) -> int:
    """The first N whose 10.N.0.0/16 no other cluster has and no route of this machine meets."""
    networks = [ipaddress.ip_network(network, strict=False) for network in routed]
    for block in _BLOCKS:
        candidate = ipaddress.ip_network(f"10.{block}.0.0/16")
        if block not in taken and not any(candidate.overlaps(network) for network in networks):
            return block
    raise ClusterError(
        f"no free network in 10.{_BLOCKS[0]}.0.0/16 to 10.{_BLOCKS[-1]}.0.0/16",
        "see 'ip route'; end clusters that are not needed with 'python3 -m tests.cluster down'",
    )


def free_ports(count: int, taken: Collection[int]) -> list[int]:
    """The first ``count`` ports that nobody listens on and no other cluster has reserved."""
    found: list[int] = []
    for port in _PORTS:
        if port not in taken and _is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise ClusterError("no free loopback ports", "end clusters that are not needed")


def free_run(length: int, taken: Collection[int]) -> int:
    """The first port of ``length`` free ones in a row."""
    start = _PORTS[0]
    for port in _PORTS:
        if port in taken or not _is_free(port):
            start = port + 1
        elif port - start + 1 >= length:
            return start
    raise ClusterError("no free loopback ports", "end clusters that are not needed")


def _reserved(plan: Plan, hollow_limit: int) -> set[int]:
    hollow = range(plan.ports["hollow"], plan.ports["hollow"] + 2 * hollow_limit)
    return {*plan.ports.values(), *hollow}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server would: connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _routed_networks() -> list[str]:
    """The IPv4 networks that this machine has routes to, the default route aside."""
    try:
        listed = subprocess.run(
            ["ip", "-4", "-json", "route"], capture_output=True, text=True, check=False
        ).stdout
    except FileNotFoundError:
        return []
    return [route["dst"] for route in json.loads(listed or "[]") if route["dst"] != "default"]
