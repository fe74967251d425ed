# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_rollout_status and k8s_rollout_info on rollouts that go well, badly, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.versions import build_shop_images

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.workloads import KINDS, Workload

MISSING_IMAGE = "localhost/oncall/no-such-image:1"


def status(workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module("k8s_rollout_status", workload.kubeconfig, **where, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_wait_ends_when_the_pods_run(cluster: Cluster, namespace: str, kind: str) -> None:
    runs = Workload(cluster.kubeconfig, kind, namespace, f"runs-{kind.lower()}", pods=1)
    apply(cluster.kubeconfig, runs.manifest("1"))
    with requests_to(cluster, namespace) as requests:
        answer = status(runs, wait_timeout=60)
    assert not answer.failed, answer.message
    assert not answer.changed
    assert answer.only["verdict"] == "complete"
    assert answer.only["counts"]["available"] == answer.only["counts"]["desired"] >= 1
    assert requests.writes == []


def test_pod_whose_image_does_not_exist_ends_the_wait_with_its_reason(
    cluster: Cluster, namespace: str
) -> None:
    broken = Workload(cluster.kubeconfig, "Deployment", namespace, "no-image", pods=1)
    manifest = broken.manifest("1")
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = MISSING_IMAGE
    apply(cluster.kubeconfig, manifest)
    answer = status(broken, wait_timeout=60)
    assert answer.failed
    assert answer.only["verdict"] == "failed"
    assert answer.only["duration"] < 30
    (reason,) = answer.only["reasons"]
    assert reason["container"] == "app"
    assert reason["reason"] in {"ErrImagePull", "ImagePullBackOff"}
    assert f"Deployment {namespace}/no-image: failed: " in answer.message


@pytest.fixture(scope="module")
def crashing(cluster: Cluster, namespace: str) -> Workload:
    """The sample application in a version that ends right after its start."""
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    shop = Shop(name="crash", namespace=namespace, version="2.0.0-crash", replicas=1)
    deploy.apply(cluster.kubeconfig, shop)
    return Workload(cluster.kubeconfig, "Deployment", namespace, "crash")


def test_pod_that_crashes_at_start_ends_the_wait_with_its_reason(crashing: Workload) -> None:
    answer = status(crashing, wait_timeout=60)
    assert answer.only["verdict"] == "failed"
    assert answer.only["reasons"][0]["reason"] == "CrashLoopBackOff"
    assert "exit code" in answer.only["reasons"][0]["message"]


def test_time_out_says_what_it_waited_for(crashing: Workload) -> None:
    answer = status(crashing, wait_timeout=2, fail_fast=False)
    assert answer.failed
    assert (answer.only["verdict"], answer.only["timed_out"]) == ("progressing", True)
    assert "0 of 1 pods are available" in answer.message


def test_pod_that_never_becomes_ready_stalls_at_its_progress_deadline(
    cluster: Cluster, namespace: str
) -> None:
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    shop = Shop(name="unready", namespace=namespace, version="2.0.0-never-ready", replicas=1)
    deploy.apply(cluster.kubeconfig, shop)
    unready = Workload(cluster.kubeconfig, "Deployment", namespace, shop.name)
    unready.kubectl("patch", unready.address, "-p", '{"spec": {"progressDeadlineSeconds": 5}}')
    answer = status(unready, wait_timeout=60)
    assert answer.failed
    assert (answer.only["verdict"], answer.only["timed_out"]) == ("stalled", False)
    assert answer.only["duration"] < 30
    assert "no progress within its progress deadline" in answer.message
    assert answer.only["reasons"]


@pytest.mark.parametrize("kind", KINDS)
def test_another_revision_than_the_pinned_one_is_superseded(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    newer = Workload(cluster.kubeconfig, kind, namespace, f"newer-{kind.lower()}")
    newer.deploy("1", "2")
    answer = status(newer, revision=1, wait_timeout=30)
    assert answer.failed
    assert answer.only["verdict"] == "superseded"
    assert "revision 2 runs instead of revision 1" in answer.message


def test_paused_rollout_is_not_waited_for(cluster: Cluster, namespace: str) -> None:
    paused = Workload(cluster.kubeconfig, "Deployment", namespace, "paused", pods=1).deploy("1")
    paused.kubectl("rollout", "pause", paused.address)
    apply(cluster.kubeconfig, paused.manifest("2", paused=True))
    answer = status(paused, wait_timeout=30)
    assert answer.only["verdict"] == "paused"
    assert "kubectl rollout resume" in answer.message


def test_name_that_does_not_exist_fails_at_once(cluster: Cluster, namespace: str) -> None:
    answer = status(Workload(cluster.kubeconfig, "Deployment", namespace, "nobody"))
    assert answer.failed
    assert f"Deployment {namespace}/nobody" in answer.message


@pytest.mark.parametrize("kind", KINDS)
def test_info_lists_the_revisions_as_the_cluster_has_them(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    known = Workload(cluster.kubeconfig, kind, namespace, f"known-{kind.lower()}")
    known.deploy("1", "2", "3")
    with requests_to(cluster, namespace) as requests:
        answer = run_module(
            "k8s_rollout_info", cluster.kubeconfig, kind=kind, namespace=namespace, name=known.name
        )
    assert not answer.failed
    assert not answer.changed
    assert [revision["revision"] for revision in answer.only["revisions"]] == [3, 2, 1]
    assert requests.writes == []


@pytest.mark.parametrize("module", ["k8s_rollout_info", "k8s_rollout_status"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "web", "workloads": [{"name": "web"}]}, "mutually exclusive: name|workloads"),
        ({"name": "web", "namespace": "a/b"}, "is not a name that Kubernetes allows"),
        ({"name": "web", "kind": "Pod"}, "value of kind must be one of"),
    ],
    ids=["both name and workloads", "no namespace", "unknown kind"],
)
def test_bad_input_is_explained(
    cluster: Cluster, module: str, options: dict[str, Any], words: str
) -> None:
    answer = run_module(module, cluster.kubeconfig, **options)
    assert answer.failed
    assert words in answer.message


def test_nothing_named_is_explained(cluster: Cluster, namespace: str) -> None:
    """Looking at all of a namespace is fine; waiting for all of it is asked for by a selector."""
    assert not run_module("k8s_rollout_info", cluster.kubeconfig, namespace=namespace).failed
    answer = run_module("k8s_rollout_status", cluster.kubeconfig, namespace=namespace)
    assert "one of the following is required: name" in answer.message
