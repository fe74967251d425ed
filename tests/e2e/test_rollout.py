# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_rollout beside kubectl, on twins: images, restarts and pauses of the three kinds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster, ClusterError
from tests.cluster.images import BUSYBOX_IMAGE, PAUSE_IMAGE

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.workloads import KINDS, Workload, deploy_all

RESTART = "kubectl.kubernetes.io/restartedAt"


def rollout(workload: Workload, state: str, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module("k8s_rollout", workload.kubeconfig, state=state, **{**where, **options})


@pytest.fixture(params=KINDS)
def twins(
    cluster: Cluster, namespace: str, request: pytest.FixtureRequest
) -> tuple[Workload, Workload]:
    """Two workloads without pods: one for the module, one for kubectl."""
    test = abs(hash(request.node.name)) % 10**8
    ours, theirs = (
        Workload(cluster.kubeconfig, request.param, namespace, f"{who}-{test}")
        for who in ("ours", "theirs")
    )
    deploy_all([ours, theirs], "1")
    return ours, theirs


def comparable(workload: Workload) -> dict[str, Any]:
    """The template without the labels that tell the twins apart, and with the day of a restart."""
    template = workload.template
    template["metadata"].pop("labels")
    annotations = template["metadata"].get("annotations") or {}
    if RESTART in annotations:
        annotations[RESTART] = annotations[RESTART][:10]
    return template


def test_images_are_set_as_kubectl_sets_them(twins: tuple[Workload, Workload]) -> None:
    ours, theirs = twins
    theirs.kubectl("set", "image", theirs.address, f"app={BUSYBOX_IMAGE}")
    answer = rollout(ours, "updated", images={"app": BUSYBOX_IMAGE}, reason="release 2")
    assert answer.changed, answer.message
    assert answer.only["rollout"]["verdict"] == "complete"
    assert comparable(ours) == comparable(theirs)
    assert ours.live()["metadata"]["annotations"]["kubernetes.io/change-cause"] == "release 2"
    assert not rollout(ours, "updated", images={"app": BUSYBOX_IMAGE}).changed


def test_restart_is_kubectls(twins: tuple[Workload, Workload]) -> None:
    ours, theirs = twins
    theirs.kubectl("rollout", "restart", theirs.address)
    assert rollout(ours, "restarted").changed
    assert comparable(ours) == comparable(theirs)
    assert set(comparable(ours)["metadata"]["annotations"]) == {RESTART}


def test_pause_and_resume_are_kubectls_and_refused_where_kubectl_refuses(
    twins: tuple[Workload, Workload],
) -> None:
    ours, theirs = twins
    if ours.kind != "Deployment":
        with pytest.raises(ClusterError, match="pausing is not supported"):
            theirs.kubectl("rollout", "pause", theirs.address)
        answer = rollout(ours, "paused")
        assert answer.failed
        assert "only a Deployment can be paused" in answer.message
        return
    theirs.kubectl("rollout", "pause", theirs.address)
    assert rollout(ours, "paused").changed
    assert ours.live()["spec"]["paused"] is theirs.live()["spec"]["paused"] is True
    assert not rollout(ours, "paused").changed
    with pytest.raises(ClusterError, match="can't restart paused deployment"):
        theirs.kubectl("rollout", "restart", theirs.address)
    refused = rollout(ours, "restarted")
    assert refused.failed and not refused.changed
    assert "it is paused, and a restart would wait. Resume it first" in refused.message
    assert rollout(ours, "resumed").changed
    assert not rollout(ours, "resumed").changed


def test_update_waits_for_the_pods_and_fails_with_their_reason(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "waited", pods=1).deploy("1")
    bad = rollout(web, "updated", images={"app": "example.invalid/web:2"}, wait_timeout=60)
    assert bad.failed and bad.changed
    assert "ImagePull" in bad.message
    mended = rollout(web, "updated", images={"app": PAUSE_IMAGE}, wait_timeout=60)
    assert not mended.failed, mended.message
    assert mended.only["rollout"]["verdict"] == "complete"


def test_container_that_is_not_there_changes_nothing(cluster: Cluster, namespace: str) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "no-container").deploy("1")
    with requests_to(cluster, namespace) as requests:
        answer = rollout(web, "updated", images={"wbe": "web:2"})
    assert answer.failed
    assert "it has no container wbe (it has app). Name one of those" in answer.message
    assert requests.writes == []


def test_check_mode_writes_nothing(cluster: Cluster, namespace: str) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "tried").deploy("1")
    with requests_to(cluster, namespace) as requests:
        answer = rollout(web, "restarted", check=True, diff=True)
    assert answer.changed
    assert requests.writes == []
    assert len(requests.dry_runs) == 1
    assert RESTART in str(answer.result["diff"][0]["after"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"state": "updated"}, "missing: images", id="no images"),
        pytest.param(
            {"state": "updated", "images": {"app": ""}}, "images of app: is ''", id="empty image"
        ),
        pytest.param(
            {"state": "paused", "images": {"app": "x"}},
            "images: makes sense with state updated only",
            id="images for a pause",
        ),
        pytest.param({"state": "undone"}, "value of state must be one of", id="unknown state"),
    ],
)
def test_bad_input_changes_nothing(
    cluster: Cluster, namespace: str, options: dict[str, Any], words: str
) -> None:
    with requests_to(cluster, namespace) as requests:
        answer = run_module(
            "k8s_rollout", cluster.kubeconfig, namespace=namespace, name="web", **options
        )
    assert answer.failed
    assert words in answer.message
    assert requests.all == []
