# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters come, go and die without leaving a trace, and do not meet each other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, down, providers, up
from tests.cluster.debian import plan as plans
from tests.cluster.debian.leftovers import control_groups, processes
from tests.cluster.debian.provider import DebianProvider
from tests.cluster.images import BUSYBOX_IMAGE
from tests.cluster.kubectl import kubectl
from tests.cluster.lifecycle import apiserver_pid, runs
from tests.cluster.places import run_folder, state_folder
from tests.cluster.process import OWNER_VARIABLE

# Fixed, so that what a killed run of these tests leaves behind is removed by the next.
FIRST, SECOND = "lifecycle-first", "lifecycle-second"
SERVERS = ("containerd", "etcd", "kube", "ctr", "runc")

# Where containerd, the kubelet, network plugins and kubemark put files by default.
USUAL_PLACES = (
    *("/etc/cni", "/run/containerd", "/run/netns", "/tmp/kubelet_remote.sock"),
    *("/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods"),
    "/usr/libexec/kubernetes",
)


@pytest.fixture(scope="module", autouse=True)
def untouched_machine() -> Iterator[dict[str, set[str]]]:
    """The machine's traces of clusters before these tests."""
    if not isinstance(providers.choose(), DebianProvider) or os.geteuid() != 0:
        pytest.skip("needs provider debian and root")
    for name in (FIRST, SECOND):
        down(name)
    yield traces()
    for name in (FIRST, SECOND):
        down(name)


@pytest.fixture(scope="module")
def first() -> Cluster:
    return up(FIRST)


def test_up_twice_is_up_once(first: Cluster) -> None:
    pid = apiserver_pid(FIRST)
    started = time.monotonic()

    again = up(FIRST)

    assert again == first
    assert apiserver_pid(FIRST) == pid
    assert time.monotonic() - started < 5


def test_two_clusters_side_by_side_serve_their_own_pods(first: Cluster) -> None:
    second = up(SECOND)
    addresses = {cluster.name: serve_name(cluster) for cluster in (first, second)}

    assert {name: get(address) for name, address in addresses.items()} == {
        FIRST: f"{FIRST}\n",
        SECOND: f"{SECOND}\n",
    }
    second.down()
    assert get(addresses[FIRST]) == f"{FIRST}\n"
    assert runs(first)


def test_service_addresses_lead_to_pods(first: Cluster) -> None:
    serve_name(first)
    kubectl(first.kubeconfig, "expose", "pod", "web", "--port=80", "--target-port=8080")
    address = kubectl(first.kubeconfig, "get", "service", "web", "-ojsonpath={.spec.clusterIP}")

    assert within(20, lambda: get(f"http://{address}")) == f"{FIRST}\n"


def test_api_server_comes_back_at_the_same_address(first: Cluster) -> None:
    pid = apiserver_pid(FIRST)

    first.stop_apiserver()
    assert apiserver_pid(FIRST) is None
    first.start_apiserver()

    assert apiserver_pid(FIRST) not in (None, pid)
    assert kubectl(first.kubeconfig, "get", "--raw", "/readyz") == "ok"


@pytest.mark.parametrize(
    "progress",
    [
        pytest.param("starting etcd", id="after the network was made"),
        pytest.param("waiting for the node", id="while pods could run already"),
    ],
)
def test_up_that_is_killed_is_cleaned_by_the_next(progress: str) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster", "up", "--name", SECOND],
        stderr=subprocess.PIPE,
        text=True,
    )
    with killed:
        assert killed.stderr is not None
        assert any(progress in line for line in killed.stderr)
        killed.kill()
    orphans = set(processes(SECOND))
    assert orphans

    second = up(SECOND)

    assert runs(second)
    assert not orphans & set(processes(SECOND))
    second.down()


def test_up_of_a_cluster_that_lost_a_part_makes_it_whole() -> None:
    hollow = up(SECOND, node=False, hollow=1)
    pid = apiserver_pid(SECOND)
    hollow.stop_apiserver()
    assert not runs(hollow)

    assert runs(up(SECOND, node=False, hollow=1))
    assert apiserver_pid(SECOND) != pid
    nodes = kubectl(hollow.kubeconfig, "get", "nodes", "-oname")
    assert nodes.split() == [f"node/{SECOND}-hollow-1"]


def test_down_leaves_nothing(untouched_machine: dict[str, set[str]]) -> None:
    for name in (FIRST, SECOND):
        down(name)

    assert traces() == untouched_machine
    assert not processes(FIRST) + processes(SECOND)
    assert not list(control_groups(FIRST)) + list(control_groups(SECOND))


def traces() -> dict[str, set[str]]:
    """What clusters could leave on this machine, without what other clusters own."""
    others = {plan.link for plan in plans.all_saved() if plan.name not in (FIRST, SECOND)}
    links = {path.name for path in Path("/sys/class/net").iterdir()}
    folders = {path.name for path in run_folder().glob("lifecycle-*")}
    usual = {place for place in USUAL_PLACES if Path(place).exists()}
    scratch = {str(path) for path in Path("/tmp").glob("hollow-kubelet*")}
    return {
        "processes": set(ownerless_servers()),
        "mounts": set(Path("/proc/self/mounts").read_text().splitlines()),
        "interfaces": links - others,
        "firewall": set(rules_of_firewall()),
        "files": folders | usual | scratch,
    }


def ownerless_servers() -> Iterator[str]:
    """Servers of Kubernetes that no other cluster owns."""
    ours = {str(state_folder(name)) for name in (FIRST, SECOND)}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            program = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
            environment = (entry / "environ").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        owners = [line.partition("=")[2] for line in environment if line.startswith(OWNER_VARIABLE)]
        name = Path(program).name
        # Other tests run kubectl beside this one.
        is_server = name.startswith(SERVERS) and name != "kubectl"
        if is_server and set(owners) <= ours:
            yield f"{program} ({entry.name})"


def rules_of_firewall() -> list[str]:
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return [line for line in saved.splitlines() if not line.startswith(("#", ":"))]


def serve_name(cluster: Cluster) -> str:
    """Runs a pod that serves the cluster's name, and returns its URL as reached from here."""
    script = f"echo {cluster.name} >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"
    pods = kubectl(cluster.kubeconfig, "get", "pods", "-oname")
    if "pod/web" not in pods:
        kubectl(
            *(cluster.kubeconfig, "run", "web", f"--image={BUSYBOX_IMAGE}", "--port=8080"),
            *("--image-pull-policy=IfNotPresent", "--labels=app=web", "--command", "--"),
            *("sh", "-c", script),
        )
    kubectl(cluster.kubeconfig, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    address = kubectl(cluster.kubeconfig, "get", "pod", "web", "-ojsonpath={.status.podIP}")
    url = f"http://{address}:8080"
    within(20, lambda: get(url))
    return url


def get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as response:
        return str(response.read().decode())


def within(seconds: float, ask: Callable[[], str]) -> str:
    """The answer of ``ask``, which may fail with OSError until the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)
