# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a rollback from being done, on the real cluster, and how it is overruled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.workloads import KINDS, Workload, deploy_all, wait_until

Change = Callable[[dict[str, Any]], None]


def undo(workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module(
        "k8s_rollout_undo", workload.kubeconfig, **{"wait": False, **where, **options}
    )


def guard(answer: Answer, name: str) -> dict[str, str]:
    (found,) = (guard for guard in answer.only["guards"] if guard["name"] == name)
    return dict(found)


def deploy(workload: Workload, version: str, change: Change) -> None:
    """Deploy a version whose pod template is changed as the test wants it."""
    manifest = workload.manifest(version)
    change(manifest["spec"]["template"])
    apply(workload.kubeconfig, manifest)
    workload.settle()


def image(name: str) -> Change:
    def change(template: dict[str, Any]) -> None:
        template["spec"]["containers"][0]["image"] = name

    return change


def environment_from(**source: Any) -> Change:
    def change(template: dict[str, Any]) -> None:
        template["spec"]["containers"][0]["envFrom"] = [source]

    return change


def migration(name: str) -> Change:
    def change(template: dict[str, Any]) -> None:
        template["metadata"]["annotations"] = {"oncall.recovery/migration": name}

    return change


@pytest.mark.parametrize("kind", KINDS)
def test_target_whose_settings_are_gone_is_refused_and_named(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    web = Workload(cluster.kubeconfig, kind, namespace, f"settings-{kind.lower()}")
    web.kubectl("create", "configmap", f"{web.name}-1")
    deploy(web, "1", environment_from(configMapRef={"name": f"{web.name}-1"}))
    web.deploy("2")
    web.kubectl("delete", "configmap", f"{web.name}-1")

    answer = undo(web)

    assert answer.outcomes == {web.name: "blocked"}
    assert not answer.changed
    assert f"needs what is no longer there: ConfigMap {web.name}-1" in answer.message
    assert web.version == "2"
    overruled = undo(web, override_guards=["references_exist"])
    assert overruled.outcomes == {web.name: "rolled_back"}
    assert guard(overruled, "references_exist")["outcome"] == "warn"
    assert web.version == "1"


def test_secret_that_changed_since_the_target_ran_is_a_warning_and_its_content_stays_unread(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "changed-secret")
    web.kubectl("create", "secret", "generic", "password", "--from-literal=it=first-value")
    deploy(web, "1", environment_from(secretRef={"name": "password"}))
    web.deploy("2")
    # The API server's times are in whole seconds.
    time.sleep(1.1)
    web.kubectl("patch", "secret", "password", '--patch={"stringData":{"it":"second-value"}}')

    with requests_to(cluster, namespace) as requests:
        answer = undo(web)

    assert answer.outcomes == {web.name: "rolled_back"}
    found = guard(answer, "references_changed")
    assert found["outcome"] == "warn"
    assert "Secret password at 20" in found["detail"]
    assert "-value" not in str(answer.result)
    asked = [r for r in requests.all if r["objectRef"]["resource"] == "secrets"]
    assert [r["verb"] for r in asked] == ["list"]


def test_migration_between_the_revisions_waits_for_a_person(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "migrated")
    deploy(web, "1", migration("41"))
    deploy(web, "2", migration("42"))

    refused = undo(web)
    assert refused.outcomes == {web.name: "blocked"}
    assert "(from 41 to 42)" in refused.message
    assert undo(web, reversible_migrations=["42"], check=True).outcomes == {web.name: "rolled_back"}
    approved = undo(web, approved_by="Ada")
    assert approved.outcomes == {web.name: "rolled_back"}
    assert guard(approved, "migration_barrier")["detail"].endswith("approved by Ada")


def test_tag_that_is_moved_is_no_way_back(cluster: Cluster, namespace: str) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "moved-tag")
    deploy(web, "1", image("example.invalid/web:latest"))
    deploy(web, "2", image("example.invalid/web:latest"))

    answer = undo(web)

    assert answer.outcomes == {web.name: "blocked"}
    assert "by a tag that is moved: example.invalid/web:latest" in answer.message


def test_target_that_does_not_start_is_worse_than_what_runs(
    cluster: Cluster, namespace: str
) -> None:
    """Half of a StatefulSet was updated to what works; the other half still runs what does not."""
    queue = Workload(cluster.kubeconfig, "StatefulSet", namespace, "worse", pods=2)
    at_once = {"podManagementPolicy": "Parallel"}
    broken = queue.manifest("1", **at_once)
    image("example.invalid/web:1")(broken["spec"]["template"])
    apply(cluster.kubeconfig, broken)
    queue.settle()
    queue.deploy("2", **at_once, updateStrategy={"rollingUpdate": {"partition": 1}})
    ready = ("get", queue.address, "--output=jsonpath={.status.readyReplicas}")
    wait_until(lambda: queue.kubectl(*ready) == "1", "the updated pod is ready")

    answer = undo(queue)

    assert answer.outcomes == {queue.name: "blocked"}
    assert (
        "none of the 1 pods of revision 1 is ready, while 1 of revision 2 are. "
        "Find out why before you go back"
    ) in answer.message


def test_quota_without_room_for_a_surge_is_refused(cluster: Cluster, namespace: str) -> None:
    crowded = f"{namespace}-crowded"
    kubectl(cluster.kubeconfig, "create", "namespace", crowded)
    web = Workload(cluster.kubeconfig, "Deployment", crowded, "web", pods=1)
    web.deploy("1", strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    web.deploy("2", strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    web.kubectl("rollout", "status", web.address, "--timeout=60s")
    web.kubectl("create", "quota", "team", "--hard=pods=1")
    quota = ("get", "quota", "team", "--output=jsonpath={.status.used.pods}")
    wait_until(lambda: web.kubectl(*quota) == "1", "the quota has counted the pod")

    answer = undo(web)

    assert answer.outcomes == {"web": "blocked"}
    assert "quota team leaves 0 of pods, and a pod of the target takes 1" in answer.message
    kubectl(cluster.kubeconfig, "delete", "namespace", crowded, "--wait=false")


def test_all_or_nothing_changes_none_where_one_is_refused(cluster: Cluster, namespace: str) -> None:
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"together-{n}") for n in range(3)
    ]
    deploy_all(fleet, "1", "2")
    fleet[1].kubectl("rollout", "pause", fleet[1].address)
    chosen = {
        "workloads": [{"namespace": namespace, "name": member.name} for member in fleet],
        "all_or_nothing": True,
        "wait": False,
    }

    with requests_to(cluster, namespace) as requests:
        refused = run_module("k8s_rollout_undo", cluster.kubeconfig, **chosen)

    assert refused.failed
    assert not refused.changed
    assert requests.writes == []
    tried = [r for r in requests.dry_runs if r["objectRef"]["resource"] == "deployments"]
    assert len(tried) == 2
    assert sorted(refused.outcomes.values()) == ["blocked", "skipped", "skipped"]
    fleet[1].kubectl("rollout", "resume", fleet[1].address)
    fleet[1].settle()
    done = run_module("k8s_rollout_undo", cluster.kubeconfig, **chosen)
    assert set(done.outcomes.values()) == {"rolled_back"}
    assert {member.version for member in fleet} == {"1"}
