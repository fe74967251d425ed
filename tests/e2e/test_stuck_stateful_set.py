# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A StatefulSet whose bad revision crashes, and which waits for it for ever."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply
from tests.cluster.places import cache_folder
from tests.cluster.shop.versions import build_shop_images

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.workloads import Workload, wait_until

CRASHES = "localhost/oncall/shop:2.0.0-crash"


@pytest.fixture(scope="module", autouse=True)
def images(cluster: Cluster) -> None:
    cluster.load_images([build_shop_images(cache_folder() / "images")])


def stuck(cluster: Cluster, namespace: str, name: str) -> Workload:
    """Three pods in order; the last was replaced by one that crashes."""
    queue = Workload(cluster.kubeconfig, "StatefulSet", namespace, name, pods=3)
    queue.deploy("1")
    queue.kubectl("rollout", "status", queue.address, "--timeout=60s")
    bad = queue.manifest("2")
    (container,) = bad["spec"]["template"]["spec"]["containers"]
    container["image"] = CRASHES
    # Without a probe it would count as ready for the moment before it crashes.
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}}
    apply(cluster.kubeconfig, bad)
    queue.settle()
    wait_until(lambda: restarts(queue, 2) > 0, f"{name}-2 has crashed")
    return queue


def restarts(queue: Workload, ordinal: int) -> int:
    path = "--output=jsonpath={.status.containerStatuses[0].restartCount}"
    found = queue.kubectl("get", "pod", f"{queue.name}-{ordinal}", path, "--ignore-not-found")
    return int(found or 0)


def undo(queue: Workload, **options: Any) -> Answer:
    where = {"kind": queue.kind, "namespace": queue.namespace, "name": queue.name}
    return run_module(
        "k8s_rollout_undo", queue.kubeconfig, **{"wait_timeout": 60, **where, **options}
    )


def pods(queue: Workload) -> dict[str, str]:
    listed = json.loads(queue.kubectl("get", "pods", f"-lapp={queue.name}", "--output=json"))
    return {p["metadata"]["name"]: p["metadata"]["uid"] for p in listed["items"]}


def test_stuck_pod_is_evicted_and_those_of_the_target_are_spared(
    cluster: Cluster, namespace: str
) -> None:
    queue = stuck(cluster, namespace, "queue")
    before = pods(queue)
    waiting = undo(queue, wait_timeout=8)
    assert waiting.failed
    assert "2 of 3 pods run the newest revision" in waiting.message

    with requests_to(cluster, namespace) as requests:
        answer = undo(queue, evict_stuck_pods=True, to_revision=3)

    assert not answer.failed, answer.message
    assert answer.only["evicted"] == ["queue-2"]
    assert answer.only["rollout"]["verdict"] == "complete"
    after = pods(queue)
    assert {name for name in before if after[name] == before[name]} == {"queue-0", "queue-1"}
    evictions = [r for r in requests.writes if r["objectRef"].get("subresource") == "eviction"]
    assert len(evictions) == 1


def test_rollback_and_eviction_are_one_task(cluster: Cluster, namespace: str) -> None:
    queue = stuck(cluster, namespace, "jobs")
    answer = undo(queue, evict_stuck_pods=True, target="last_good")
    assert not answer.failed, answer.message
    assert (answer.only["outcome"], answer.only["evicted"]) == ("rolled_back", ["jobs-2"])
    assert queue.version == "1"


def test_disruption_budget_is_respected_until_it_allows_the_eviction(
    cluster: Cluster, namespace: str
) -> None:
    queue = stuck(cluster, namespace, "ledger")
    served = json.loads(queue.kubectl("get", "--raw", "/apis/policy"))
    budget_of_all = {
        "apiVersion": served["preferredVersion"]["groupVersion"],
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "ledger", "namespace": namespace},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "ledger"}}},
    }
    apply(cluster.kubeconfig, budget_of_all)
    budget = ("get", "pdb", "ledger", "--output=jsonpath={.status.expectedPods}")
    wait_until(lambda: queue.kubectl(*budget) == "3", "the budget counts the pods")

    refused = undo(queue, evict_stuck_pods=True, wait_timeout=6)

    assert refused.failed
    assert refused.only["evicted"] == []
    (warning,) = refused.result["warnings"]
    assert "disruption budget. Its stuck pods were not all evicted" in str(warning)
    with ThreadPoolExecutor(1) as other:
        again = other.submit(undo, queue, evict_stuck_pods=True, target="last_good")
        time.sleep(3)
        queue.kubectl("delete", "pdb", "ledger")
        answer = again.result()
    assert not answer.failed, answer.message
    assert (answer.only["outcome"], answer.only["evicted"]) == ("skipped", ["ledger-2"])
    assert "warnings" not in answer.result


def test_eviction_without_waiting_makes_no_sense(cluster: Cluster, namespace: str) -> None:
    answer = run_module(
        "k8s_rollout_undo",
        cluster.kubeconfig,
        kind="StatefulSet",
        namespace=namespace,
        name="queue",
        evict_stuck_pods=True,
        wait=False,
    )
    assert "evict_stuck_pods: is set without wait. Set wait, too" in answer.message
