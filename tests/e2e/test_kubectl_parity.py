# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same undo by kubectl and by the module, on twins: the same templates, numbers, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import Cluster, ClusterError
from tests.cluster.kubectl import kubectl

from .support.modules import Answer, run_module
from .support.workloads import KINDS, Workload, deploy_all

VERSIONS = ("1", "2", "3")


@pytest.fixture(scope="module")
def twin_namespace(cluster: Cluster, namespace: str) -> Iterator[str]:
    name = f"{namespace}-twin"
    kubectl(cluster.kubeconfig, "create", "namespace", name)
    yield name
    kubectl(cluster.kubeconfig, "delete", "namespace", name, "--wait=false")


@pytest.fixture
def twins(
    cluster: Cluster, namespace: str, twin_namespace: str, kind: str, request: pytest.FixtureRequest
) -> tuple[Workload, Workload]:
    """Two workloads that are alike but for their namespace, three versions old."""
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    by_kubectl, by_module = (
        Workload(cluster.kubeconfig, kind, where, name) for where in (namespace, twin_namespace)
    )
    deploy_all([by_kubectl, by_module], *VERSIONS)
    return by_kubectl, by_module


def undo(workload: Workload, **options: Any) -> Answer:
    return run_module(
        "k8s_rollout_undo",
        workload.kubeconfig,
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        wait=False,
        # kubectl knows no marks, and goes back to what it left.
        mark=False,
        **options,
    )


def undo_with_kubectl(workload: Workload, to_revision: int | None) -> str:
    options = [] if to_revision is None else [f"--to-revision={to_revision}"]
    return workload.kubectl("rollout", "undo", workload.address, *options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([None], id="once"),
        pytest.param([None, None], id="twice, which is back again"),
        pytest.param([0], id="to revision 0, which is the one before"),
        pytest.param([1], id="to the first"),
        pytest.param([1, None, 2], id="to the first, back, and to the second"),
    ],
)
def test_undo_leads_to_what_kubectl_leads_to(
    twins: tuple[Workload, Workload], kind: str, steps: list[int | None]
) -> None:
    by_kubectl, by_module = twins
    for to_revision in steps:
        undo_with_kubectl(by_kubectl, to_revision)
        by_kubectl.settle()
        answer = undo(by_module, **({} if to_revision is None else {"to_revision": to_revision}))
        assert not answer.failed, answer.message
        by_module.settle()
        assert by_module.template == by_kubectl.template
        assert by_module.revisions() == by_kubectl.revisions()


@pytest.mark.parametrize("kind", KINDS)
def test_missing_revision_is_refused_by_both(twins: tuple[Workload, Workload], kind: str) -> None:
    by_kubectl, by_module = twins
    with pytest.raises(ClusterError, match="unable to find specified revision 9 in history"):
        undo_with_kubectl(by_kubectl, 9)
    answer = undo(by_module, to_revision=9)
    assert answer.outcomes == {by_module.name: "blocked"}
    assert "revision 9 is not in its history (have 1, 2, 3)" in answer.message
    assert by_module.revisions() == by_kubectl.revisions()


@pytest.mark.parametrize("kind", KINDS)
def test_template_that_runs_already_is_skipped_by_both(
    twins: tuple[Workload, Workload], kind: str
) -> None:
    by_kubectl, by_module = twins
    assert "skipped rollback" in undo_with_kubectl(by_kubectl, 3)
    answer = undo(by_module, to_revision=3)
    assert not answer.failed
    assert not answer.changed
    assert answer.only["outcome"] == "skipped"
    assert "already at revision 3" in answer.only["message"]
    assert by_module.revisions() == by_kubectl.revisions() == {1: "1", 2: "2", 3: "3"}


@pytest.mark.parametrize("kind", ["Deployment"])
def test_paused_deployment_is_refused_by_both(twins: tuple[Workload, Workload], kind: str) -> None:
    by_kubectl, by_module = twins
    for workload in twins:
        workload.kubectl("rollout", "pause", workload.address)
    with pytest.raises(ClusterError, match="cannot rollback a paused deployment"):
        undo_with_kubectl(by_kubectl, None)
    answer = undo(by_module)
    assert answer.outcomes == {by_module.name: "blocked"}
    assert "it is paused" in answer.message
    assert "kubectl rollout resume" in answer.message
    assert by_module.version == by_kubectl.version == "3"


@pytest.mark.parametrize("kind", KINDS)
def test_only_revision_is_refused_by_both(cluster: Cluster, namespace: str, kind: str) -> None:
    lonely = Workload(cluster.kubeconfig, kind, namespace, f"lonely-{kind.lower()}").deploy("1")
    with pytest.raises(
        ClusterError, match=r"no (rollout history found|last revision to roll back)"
    ):
        undo_with_kubectl(lonely, None)
    answer = undo(lonely)
    assert answer.outcomes == {lonely.name: "blocked"}
    assert "1" in answer.message
    assert lonely.revisions() == {1: "1"}


@pytest.mark.parametrize("kind", ["Deployment"])
def test_live_annotations_are_kept_where_kubectl_loses_them(
    twins: tuple[Workload, Workload], kind: str
) -> None:
    by_kubectl, by_module = twins
    for workload in twins:
        workload.kubectl("annotate", workload.address, "team=shop")
    undo_with_kubectl(by_kubectl, None)
    undo(by_module, reason="INC-4711")
    assert "team" not in by_kubectl.live()["metadata"]["annotations"]
    annotations = by_module.live()["metadata"]["annotations"]
    assert annotations["team"] == "shop"
    assert annotations["kubernetes.io/change-cause"] == "INC-4711"
