# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks and the kill switch on the real cluster: two at once, dead holders, a person let by."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.workloads import KINDS, Workload, deploy_all, wait_until


def lock(workload: Workload, holder: str, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module("k8s_lock", workload.kubeconfig, holder=holder, **{**where, **options})


def undo(workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module("k8s_rollout_undo", workload.kubeconfig, wait=False, **{**where, **options})


def holder_of(workload: Workload) -> str:
    name = f"oncall-recovery.{workload.kind.lower()}.{workload.name}"
    return workload.kubectl("get", "lease", name, "--output=jsonpath={.spec.holderIdentity}")


@pytest.fixture
def web(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    return Workload(cluster.kubeconfig, "Deployment", namespace, name).deploy("1", "2")


def test_of_two_at_once_one_acts_and_the_other_is_told_who_does(web: Workload) -> None:
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda holder: lock(web, holder, incident="INC-1"), ("ada", "bob")))

    winner, loser = sorted(answers, key=lambda answer: answer.failed)
    assert winner.changed and not winner.failed
    (held,) = winner.result["locks"]
    assert loser.failed and not loser.changed
    assert f"locked by {held['holder']} until 20" in loser.message
    assert "UTC (incident INC-1)" in loser.message
    refused = undo(web, holder="carol")
    assert refused.outcomes == {web.name: "blocked"}
    assert f"it is locked by {held['holder']} until 20" in refused.message
    assert undo(web, holder=held["holder"]).outcomes == {web.name: "rolled_back"}


def test_renewing_ones_own_lock_is_no_change_and_releasing_it_is(web: Workload) -> None:
    assert lock(web, "ada").changed
    again = lock(web, "ada", duration=1200)
    assert not again.changed and not again.failed
    assert lock(web, "bob", state="absent").result["locks"][0]["holder"] == "ada"
    assert holder_of(web) == "ada"
    assert lock(web, "ada", state="absent").changed
    assert not lock(web, "ada", state="absent").changed
    assert holder_of(web) == ""
    assert lock(web, "bob").changed


def test_lock_of_a_holder_that_died_expires(web: Workload) -> None:
    lock(web, "dead", duration=3)
    started = time.monotonic()

    answer = lock(web, "bob", wait_timeout=30)

    assert answer.changed, answer.message
    assert 1 < time.monotonic() - started < 15
    assert holder_of(web) == "bob"


def test_one_who_waits_gets_the_lock_as_soon_as_it_is_released(web: Workload) -> None:
    lock(web, "ada", duration=600)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(lock, web, "bob", wait_timeout=60)
        time.sleep(2)
        lock(web, "ada", state="absent")
        released = time.monotonic()
        assert waiting.result().changed
    assert time.monotonic() - released < 3


def test_none_is_locked_where_one_is_held(cluster: Cluster, namespace: str) -> None:
    fleet = [Workload(cluster.kubeconfig, kind, namespace, "fleet") for kind in KINDS]
    for member in fleet:
        deploy_all([member], "1")
    lock(fleet[1], "ada")
    names = [{"kind": w.kind, "namespace": namespace, "name": w.name} for w in fleet]

    answer = run_module("k8s_lock", cluster.kubeconfig, workloads=names, holder="bob")

    assert answer.failed and not answer.changed
    assert "nothing was locked" in answer.message
    assert [holder_of(member) for member in fleet] == ["", "ada", ""]
    each = run_module(
        "k8s_lock", cluster.kubeconfig, workloads=names, holder="bob", all_or_nothing=False
    )
    assert each.failed and each.changed
    assert "the others are locked" in each.message
    assert [holder_of(member) for member in fleet] == ["bob", "ada", "bob"]


def test_of_two_that_want_the_same_workloads_one_gets_them_all(
    cluster: Cluster, namespace: str
) -> None:
    """Side by side, each would get some, and both would give up."""
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"same-{number}", pods=0)
        for number in range(8)
    ]
    deploy_all(fleet, "1")
    names = [{"namespace": namespace, "name": member.name} for member in fleet]

    def lock_all(holder: str) -> Answer:
        return run_module("k8s_lock", cluster.kubeconfig, workloads=names, holder=holder)

    with ThreadPoolExecutor(3) as all_three:
        answers = list(all_three.map(lock_all, ("ada", "bob", "eve")))

    (winner,) = (answer for answer in answers if not answer.failed)
    assert {holder_of(member) for member in fleet} == {winner.result["locks"][0]["holder"]}
    assert {answer.changed for answer in answers if answer is not winner} == {False}


def test_check_mode_locks_nothing(cluster: Cluster, web: Workload) -> None:
    with requests_to(cluster, web.namespace) as requests:
        answer = lock(web, "ada", check=True)
    assert answer.changed
    assert requests.writes == []
    assert len(requests.dry_runs) == 1


def test_lock_goes_when_its_workload_does(web: Workload) -> None:
    lock(web, "ada")
    web.kubectl("delete", web.address)
    leases = ("get", "leases", "--output=name")
    wait_until(lambda: web.name not in web.kubectl(*leases), "the Lease was collected")


@pytest.mark.parametrize("place", ["its own namespace", "the namespace for the whole cluster"])
def test_kill_switch_stops_automation_and_lets_a_person_through(
    cluster: Cluster, namespace: str, web: Workload, place: str
) -> None:
    own = place == "its own namespace"
    switches = namespace if own else f"{namespace}-switch"
    if not own:
        kubectl(cluster.kubeconfig, "create", "namespace", switches)
    switch = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "oncall-recovery", "namespace": switches},
        "data": {"automation": "off"},
    }
    apply(cluster.kubeconfig, switch)
    where = {"kill_switch_namespace": switches}

    stopped = undo(web, automatic=True, **where)
    assert stopped.outcomes == {web.name: "blocked"}
    assert f"switched off by ConfigMap {switches}/oncall-recovery" in stopped.message
    assert undo(web, check=True, **where).outcomes == {web.name: "rolled_back"}
    apply(cluster.kubeconfig, {**switch, "data": {"automation": "on"}})
    assert undo(web, automatic=True, **where).outcomes == {web.name: "rolled_back"}
    kubectl(cluster.kubeconfig, "--namespace", switches, "delete", "configmap", "oncall-recovery")
    if not own:
        kubectl(cluster.kubeconfig, "delete", "namespace", switches, "--wait=false")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"holder": " "}, "holder: is ' '. Use printable text", id="empty holder"),
        pytest.param({"holder": "a\nb"}, "holder: is 'a", id="two lines"),
        pytest.param({"duration": 0}, "duration: is 0. Use 1 or more", id="no time"),
        pytest.param({"name": "nobody"}, "there is no such object", id="no such workload"),
    ],
)
def test_bad_input_locks_nothing(
    cluster: Cluster, namespace: str, options: dict[str, Any], words: str
) -> None:
    where = {"namespace": namespace, "name": "web", "holder": "ada"}
    with requests_to(cluster, namespace) as requests:
        answer = run_module("k8s_lock", cluster.kubeconfig, **{**where, **options})
    assert answer.failed
    assert words in answer.message
    assert requests.writes == []
