# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo while the control plane is in trouble: controllers held still, API server killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cluster import Cluster, down, providers, up
from tests.cluster.debian.provider import DebianProvider
from tests.cluster.kubectl import apply
from tests.cluster.places import state_folder
from tests.cluster.process import Daemon

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.proxy import Fault, proxy_to
from .support.workloads import KINDS, Workload, deploy_all

# A cluster of its own and a fixed name: a killed run would leave its controllers held for good.
NAME = "control-plane-trouble"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if not isinstance(providers.choose(), DebianProvider):
        pytest.skip("needs provider debian, whose controllers are processes of this machine")
    down(NAME)
    yield up(NAME, node=False)
    down(NAME)


class Controllers:
    """kube-controller-manager of a cluster, which can be held still as a busy one seems to be."""

    def __init__(self, cluster: Cluster) -> None:
        pid = Daemon(state_folder(cluster.name), "kube-controller-manager").pid()
        assert pid is not None
        self._pid = pid

    def hold(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def release(self) -> None:
        os.kill(self._pid, signal.SIGCONT)


@contextmanager
def held(cluster: Cluster) -> Iterator[Controllers]:
    controllers = Controllers(cluster)
    controllers.hold()
    try:
        yield controllers
    finally:
        controllers.release()


class ReleaseAtWatch:
    """Lets the controllers go on once the module watches, and notes what came in which order."""

    def __init__(self, controllers: Controllers) -> None:
        self._controllers = controllers
        self.requests: list[str] = []

    def __call__(self, method: str, path: str) -> Fault | None:
        is_watch = "watch" in parse_qs(urlsplit(path).query)
        self.requests.append("WATCH" if is_watch else method)
        if is_watch:
            self._controllers.release()
        return None


def undo(workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module(
        "k8s_rollout_undo", workload.kubeconfig, **{"wait": False, **where, **options}
    )


@pytest.mark.parametrize("kind", KINDS)
def test_undo_waits_for_the_controller_and_leads_one_back_where_kubectl_leads_two(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    by_kubectl, by_module = (
        Workload(cluster.kubeconfig, kind, namespace, f"{tool}-{kind.lower()}")
        for tool in ("kubectl", "module")
    )
    deploy_all([by_kubectl, by_module], "1", "2")
    with held(cluster) as controllers:
        apply(cluster.kubeconfig, by_kubectl.manifest("3"), by_module.manifest("3"))
        by_kubectl.kubectl("rollout", "undo", by_kubectl.address)
        assert by_module.revisions() == {1: "1", 2: "2"}
        release = ReleaseAtWatch(controllers)
        with proxy_to(cluster.kubeconfig, release) as url:
            answer = undo(by_module, host=url, kubeconfig=None)
    assert answer.outcomes == {by_module.name: "rolled_back"}, answer.message
    assert release.requests.index("WATCH") < release.requests.index("PATCH")
    assert (answer.only["from"]["revision"], answer.only["to"]["revision"]) == (3, 2)
    assert (by_kubectl.version, by_module.version) == ("1", "2")


def test_undo_is_blocked_where_the_controller_never_catches_up(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "web").deploy("1", "2")
    with held(cluster), requests_to(cluster, namespace) as requests:
        apply(cluster.kubeconfig, web.manifest("3"))
        answer = undo(web)
    assert answer.failed
    assert not answer.changed
    assert answer.outcomes == {web.name: "blocked"}
    assert "Check that kube-controller-manager runs, then try again" in answer.message
    assert requests.writes == []
    assert web.version == "3"


def test_undo_says_that_the_api_server_is_down_and_works_once_it_is_back(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "left-alone").deploy("1", "2")
    cluster.stop_apiserver()
    try:
        answer = undo(web)
    finally:
        cluster.start_apiserver()
    assert answer.failed
    assert cluster.api_server in answer.message
    assert web.version == "2"
    assert undo(web).outcomes == {web.name: "rolled_back"}
