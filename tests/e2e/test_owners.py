# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks of what Argo CD, Flux and Helm deploy: refused, suspended, or done all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import kubectl

from .support import gitops
from .support.audit import requests_to
from .support.gitops import APPLICATION, HELM_RELEASE, KUSTOMIZATION
from .support.modules import Answer, run_module
from .support.workloads import Workload

AUTOMATED = {
    "project": "shop",
    "syncPolicy": {"automated": {"prune": True}, "syncOptions": ["Validate=false"]},
}
SUSPENDABLE = [
    pytest.param(APPLICATION, AUTOMATED, id="Argo CD"),
    pytest.param(KUSTOMIZATION, {"interval": "1m"}, id="Flux Kustomization"),
    pytest.param(HELM_RELEASE, {"suspend": False}, id="Flux HelmRelease"),
]


@pytest.fixture(scope="module", autouse=True)
def definitions(cluster: Cluster) -> None:
    gitops.define_all(cluster.kubeconfig)


@pytest.fixture
def web(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    return Workload(cluster.kubeconfig, "Deployment", namespace, name).deploy("1", "2")


def owned(web: Workload, kind: gitops.Kind) -> None:
    """Mark the workload as the tools do; the owner has its name, and lives in its namespace."""
    if kind is APPLICATION:
        tracking = f"{web.namespace}_{web.name}:apps/Deployment:{web.namespace}/{web.name}"
        web.kubectl("annotate", web.address, f"argocd.argoproj.io/tracking-id={tracking}")
        return
    for what, value in (("name", web.name), ("namespace", web.namespace)):
        web.kubectl("label", web.address, f"{kind.group}/{what}={value}")


def undo(web: Workload, **options: Any) -> Answer:
    where = {"namespace": web.namespace, "name": web.name, "wait": False}
    return run_module("k8s_rollout_undo", web.kubeconfig, **{**where, **options})


def ledger(web: Workload) -> list[dict[str, Any]]:
    found = web.kubectl("get", "configmap", "oncall-recovery-ledger", "--output=json")
    entries = [json.loads(entry) for entry in json.loads(found)["data"].values()]
    return [entry for entry in entries if entry["for"] == f"Deployment {web.namespace}/{web.name}"]


@pytest.mark.parametrize(("kind", "spec"), SUSPENDABLE)
def test_owner_is_refused_and_nothing_is_touched(
    web: Workload, kind: gitops.Kind, spec: dict[str, Any]
) -> None:
    gitops.create(web.kubeconfig, kind, web.namespace, web.name, spec)
    owned(web, kind)

    answer = undo(web)

    assert answer.outcomes == {web.name: "blocked"}
    assert f"{kind.kind} {web.namespace}/{web.name} deploys it" in answer.message
    assert web.version == "2"
    assert gitops.spec_of(web.kubeconfig, kind, web.namespace, web.name) == spec
    assert undo(web, gitops="ignore").outcomes == {web.name: "rolled_back"}
    assert gitops.spec_of(web.kubeconfig, kind, web.namespace, web.name) == spec


@pytest.mark.parametrize(("kind", "spec"), SUSPENDABLE)
def test_owner_is_suspended_and_the_ledger_brings_it_back_as_it_was(
    cluster: Cluster, web: Workload, kind: gitops.Kind, spec: dict[str, Any]
) -> None:
    gitops.create(web.kubeconfig, kind, web.namespace, web.name, spec)
    owned(web, kind)
    with requests_to(cluster, web.namespace) as requests:
        tried = undo(web, gitops="suspend", check=True)
    assert tried.only["suspended"][0]["kind"] == kind.kind
    assert requests.writes == []
    assert gitops.spec_of(web.kubeconfig, kind, web.namespace, web.name) == spec

    with requests_to(cluster, web.namespace) as requests:
        answer = undo(web, gitops="suspend", incident="INC-1")

    assert answer.outcomes == {web.name: "rolled_back"}
    assert web.version == "1"
    written = [request["objectRef"]["resource"] for request in requests.writes]
    assert written == ["configmaps", kind.plural, "deployments", "replicasets"]
    suspended = gitops.spec_of(web.kubeconfig, kind, web.namespace, web.name)
    if kind is APPLICATION:
        assert suspended == {**spec, "syncPolicy": {"syncOptions": ["Validate=false"]}}
    else:
        assert suspended == {**spec, "suspend": True}
    (entry,) = ledger(web)
    assert entry["incident"] == "INC-1"
    path = entry["path"].rpartition("/namespaces/")[2]
    assert path == f"{web.namespace}/{kind.plural}/{web.name}"
    put_back = json.dumps(entry["restore"])
    resource = f"{kind.plural}.{kind.group}"
    web.kubectl("patch", resource, web.name, "--type=json", f"--patch={put_back}")
    assert gitops.spec_of(web.kubeconfig, kind, web.namespace, web.name) == spec


def test_owner_of_several_workloads_is_suspended_once(cluster: Cluster, namespace: str) -> None:
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"shared-{n}").deploy("1", "2")
        for n in range(5)
    ]
    gitops.create(cluster.kubeconfig, KUSTOMIZATION, namespace, "shared", {})
    for member in fleet:
        for what, value in (("name", "shared"), ("namespace", namespace)):
            member.kubectl("label", member.address, f"{KUSTOMIZATION.group}/{what}={value}")
    chosen = [{"namespace": namespace, "name": member.name} for member in fleet]

    with requests_to(cluster, namespace) as requests:
        answer = run_module(
            "k8s_rollout_undo", cluster.kubeconfig, workloads=chosen, gitops="suspend", wait=False
        )

    assert set(answer.outcomes.values()) == {"rolled_back"}
    written = [request["objectRef"]["resource"] for request in requests.writes]
    assert written.count("kustomizations") == 1
    assert written[:2] == ["configmaps", "kustomizations"]


def test_trial_of_all_or_nothing_suspends_nothing(cluster: Cluster, namespace: str) -> None:
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"tried-{n}").deploy("1", "2")
        for n in range(2)
    ]
    gitops.create(cluster.kubeconfig, KUSTOMIZATION, namespace, "tried", {})
    for member in fleet:
        for what, value in (("name", "tried"), ("namespace", namespace)):
            member.kubectl("label", member.address, f"{KUSTOMIZATION.group}/{what}={value}")
    fleet[1].kubectl("rollout", "pause", fleet[1].address)
    chosen = [{"namespace": namespace, "name": member.name} for member in fleet]
    options = {"workloads": chosen, "gitops": "suspend", "all_or_nothing": True, "wait": False}

    with requests_to(cluster, namespace) as requests:
        answer = run_module("k8s_rollout_undo", cluster.kubeconfig, **options)

    assert answer.outcomes == {"tried-0": "skipped", "tried-1": "blocked"}
    assert requests.writes == []
    assert gitops.spec_of(cluster.kubeconfig, KUSTOMIZATION, namespace, "tried") == {}
    assert [workload["suspended"] for workload in answer.result["workloads"]] == [[], []]


def test_application_of_an_application_set_is_refused(web: Workload) -> None:
    made_by = [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "all", "uid": "1"}
    ]
    gitops.create(
        web.kubeconfig, APPLICATION, web.namespace, web.name, AUTOMATED, ownerReferences=made_by
    )
    owned(web, APPLICATION)

    answer = undo(web, gitops="suspend")

    assert answer.outcomes == {web.name: "blocked"}
    assert "ApplicationSet all made it and would undo that" in answer.message
    assert gitops.spec_of(web.kubeconfig, APPLICATION, web.namespace, web.name) == AUTOMATED
    assert web.version == "2"


def test_release_of_helm_cannot_be_suspended(web: Workload) -> None:
    web.kubectl("annotate", web.address, "meta.helm.sh/release-name=shop")
    answer = undo(web, gitops="suspend")
    assert answer.outcomes == {web.name: "blocked"}
    assert "Helm Release shop deploys it and cannot be suspended" in answer.message


def test_suspension_that_is_forbidden_leaves_the_workload_alone(
    cluster: Cluster, web: Workload
) -> None:
    gitops.create(web.kubeconfig, KUSTOMIZATION, web.namespace, web.name, {})
    owned(web, KUSTOMIZATION)
    verbs = "--verb=get,list,watch,patch,create"
    resources = "deployments.apps,replicasets.apps,resourcequotas,leases,configmaps"
    for what in (("role", f"--resource={resources}", verbs), ("rolebinding", "--role=other")):
        extra = () if what[0] == "role" else ("--user=other",)
        kubectl(
            *(cluster.kubeconfig, "--namespace", web.namespace, "create", what[0], "other"),
            *(*what[1:], *extra),
        )
    look = "--resource=kustomizations.kustomize.toolkit.fluxcd.io"
    web.kubectl("create", "role", "look", look, "--verb=list")
    web.kubectl("create", "rolebinding", "look", "--role=look", "--user=other")

    answer = undo(web, gitops="suspend", impersonate_user="other")

    assert answer.outcomes == {web.name: "failed"}
    assert 'cannot patch resource "kustomizations"' in answer.message
    assert web.version == "2"
