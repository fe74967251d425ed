# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Roles of examples/rbac are enough, and without any one verb the error names it."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster, ClusterError
from tests.cluster.kubectl import apply, kubectl

from .support import gitops
from .support.modules import Answer, run_module
from .support.proxy import Faults, Trouble, proxy_to
from .support.rights import EXAMPLES, grant, right, rules_of, told
from .support.workloads import KINDS, Workload, wait_until

OBSERVER, ROLLER_BACK = "observer", "roller-back"


def template_with_everything(workload: Workload) -> dict[str, Any]:
    """A first version that refers to every type of object that a guard looks for."""
    manifest = workload.manifest("1")
    spec = manifest["spec"]["template"]["spec"]
    spec["serviceAccountName"] = "everything"
    spec["containers"][0]["envFrom"] = [
        {"configMapRef": {"name": "everything"}},
        {"secretRef": {"name": "everything"}},
    ]
    spec["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "everything"}}]
    return manifest


@pytest.fixture(scope="module")
def fleet(cluster: Cluster, namespace: str) -> Iterator[dict[str, Workload]]:
    """A workload of each kind, whose earlier revision refers to everything; by kind."""
    everything = {"name": "everything", "namespace": namespace}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "none",
        "resources": {"requests": {"storage": "1Mi"}},
    }
    apply(
        cluster.kubeconfig,
        *(
            {"apiVersion": "v1", "kind": kind, "metadata": everything, **more}
            for kind, more in (
                ("ServiceAccount", {}),
                ("ConfigMap", {}),
                ("Secret", {}),
                ("PersistentVolumeClaim", {"spec": claim}),
            )
        ),
    )
    workloads = {kind: Workload(cluster.kubeconfig, kind, namespace, "web") for kind in KINDS}
    for workload in workloads.values():
        apply(cluster.kubeconfig, template_with_everything(workload))
        workload.settle()
        workload.deploy("2")
    ask("k8s_lock", workloads["Deployment"], holder="ada")
    apply(cluster.kubeconfig, *(never_complete(workload) for workload in workloads.values()))
    yield workloads


def never_complete(workload: Workload) -> dict[str, Any]:
    """One beside it whose pods find no image, so that there is something to wait for."""
    waiting = dataclasses.replace(workload, name="waiting", pods=1)
    manifest = waiting.manifest("1")
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "example.invalid/web:1"
    return manifest


def ask(module: str, workload: Workload, user: str = "", **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    who = {"impersonate_user": user} if user else {}
    return run_module(module, workload.kubeconfig, **{**where, **who, **options})


def undo(workload: Workload, user: str, **options: Any) -> Answer:
    return ask("k8s_rollout_undo", workload, user, holder="ada", **{"check": True, **options})


def look(workload: Workload, user: str) -> Answer:
    return ask("k8s_rollout_status", workload, user)


def watch(workload: Workload, user: str) -> Answer:
    return ask(
        "k8s_rollout_status", workload, user, name="waiting", fail_fast=False, wait_timeout=5
    )


def list_all(workload: Workload, user: str) -> Answer:
    return run_module(
        "k8s_rollout_info",
        workload.kubeconfig,
        kind=workload.kind,
        namespace=workload.namespace,
        label_selectors=["suite=workloads"],
        impersonate_user=user,
    )


def lock(workload: Workload, user: str) -> Answer:
    """In check mode, of a workload that is not locked yet."""
    return ask("k8s_lock", workload, user, holder="bob", check=True)


def renew(workload: Workload, user: str) -> Answer:
    return ask("k8s_lock", workload, user, holder="ada")


def wait_for_lock(workload: Workload, user: str) -> Answer:
    return ask("k8s_lock", workload, user, holder="bob", wait_timeout=2)


@dataclasses.dataclass(frozen=True)
class Use:
    """Where a right is needed."""

    action: Callable[[Workload, str], Answer]
    kind: str = "Deployment"


PLURALS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
REVISIONS = {"replicasets": "Deployment", "controllerrevisions": "StatefulSet"}


def use_of(rule: dict[str, Any]) -> Use:
    (resource,), (verb,) = rule["resources"], rule["verbs"]
    kind = {**PLURALS, **REVISIONS}.get(resource, "Deployment")
    if resource == "leases":
        by_verb: dict[str, Use] = {
            "get": Use(lock, "DaemonSet"),
            "list": Use(undo),
            "watch": Use(wait_for_lock),
            "create": Use(lock, "DaemonSet"),
            "update": Use(renew),
        }
        return by_verb[verb]
    if verb == "watch" or resource == "pods":
        return Use(watch, kind)
    if resource == "horizontalpodautoscalers" or (verb == "list" and resource in PLURALS):
        return Use(list_all, kind)
    return Use(undo, kind)


RIGHTS = [rule for rule in rules_of(OBSERVER, ROLLER_BACK) if right(rule) != "create pods/eviction"]


@pytest.mark.parametrize("missing", RIGHTS, ids=[right(rule) for rule in RIGHTS])
def test_missing_right_is_named(
    cluster: Cluster, fleet: dict[str, Workload], missing: dict[str, Any]
) -> None:
    use = use_of(missing)
    workload = fleet[use.kind]
    user = f"without-{right(missing).replace(' ', '-').replace('/', '-')}"
    rest = [rule for rule in rules_of(OBSERVER, ROLLER_BACK) if rule != missing]
    grant(cluster, workload.namespace, user, rest)

    answer = use.action(workload, user)

    (resource,), (verb,) = missing["resources"], missing["verbs"]
    assert f'User "{user}" cannot {verb} resource "{resource}"' in told(answer)


def test_missing_right_to_evict_is_named(cluster: Cluster, namespace: str) -> None:
    queue = Workload(cluster.kubeconfig, "StatefulSet", namespace, "queue", pods=1).deploy("1")
    bad = queue.manifest("2")
    bad["spec"]["template"]["spec"]["containers"][0]["image"] = "example.invalid/web:1"
    apply(cluster.kubeconfig, bad)
    queue.settle()
    label = (
        "get",
        "pod",
        "queue-0",
        "--output=jsonpath={.metadata.labels.controller-revision-hash}",
    )
    newest = ("get", queue.address, "--output=jsonpath={.status.updateRevision}")
    wait_until(lambda: queue.kubectl(*label) == queue.kubectl(*newest), "the bad pod was made")
    rules = [rule for rule in rules_of(OBSERVER, ROLLER_BACK) if rule["verbs"] != ["create"]]
    user = grant(cluster, namespace, "without-evictions", rules)

    answer = undo(queue, user, check=False, evict_stuck_pods=True, wait_timeout=5)

    assert f'User "{user}" cannot create resource "pods/eviction"' in told(answer)


@pytest.mark.parametrize("kind", KINDS)
def test_observer_may_look_and_not_change(
    cluster: Cluster, fleet: dict[str, Workload], kind: str
) -> None:
    user = grant(cluster, fleet[kind].namespace, f"observer-{kind.lower()}", rules_of(OBSERVER))
    assert not list_all(fleet[kind], user).failed
    assert not look(fleet[kind], user).failed
    refused = undo(fleet[kind], user, check=False, wait=False)
    assert refused.failed and not refused.changed
    assert fleet[kind].version == "2"


@pytest.mark.parametrize("kind", KINDS)
def test_roller_back_may_roll_back_with_locks_marks_and_waiting(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    web = Workload(cluster.kubeconfig, kind, namespace, "enough", pods=1).deploy("1", "2")
    rules = rules_of(OBSERVER, ROLLER_BACK)
    user = grant(cluster, namespace, f"roller-back-{kind.lower()}", rules)
    assert ask("k8s_lock", web, user, holder="ada").changed
    answer = undo(web, user, check=False)
    assert not answer.failed, answer.message
    assert (answer.only["marked"], answer.result.get("warnings")) == ("bad", None)
    assert all(guard["outcome"] != "block" for guard in answer.only["guards"])
    assert ask("k8s_rollout_status", web, user, mark_good=True).only["marked"] == "good"
    assert ask("k8s_lock", web, user, holder="ada", state="absent").changed


def test_mitigator_may_change_workloads_and_neither_delete_nor_see_secrets(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "mitigated").deploy("1")
    user = grant(cluster, namespace, "mitigator", rules_of(OBSERVER, "mitigator"))
    acting = f"--as={user}"
    web.kubectl("rollout", "restart", web.address, acting)
    web.kubectl("scale", web.address, "--replicas=0", acting)
    web.kubectl("set", "env", web.address, "FLAG=off", acting)
    web.kubectl("create", "configmap", "mitigated", acting)
    web.kubectl("patch", "configmap", "mitigated", '--patch={"data":{"flag":"off"}}', acting)
    assert ask("k8s_lock", web, user, holder="ada").changed
    for refused in (
        ("delete", web.address),
        ("get", "secrets"),
        ("delete", "configmap", "mitigated"),
    ):
        with pytest.raises(ClusterError, match="forbidden"):
            web.kubectl(*refused, acting)


def scaled(workload: Workload, user: str, **options: Any) -> Answer:
    how = {"replicas": 1, "hpa_max_replicas": 3, "wait": False, **options}
    return ask("k8s_scale", workload, user, **how)


SCALING = {
    "get replicasets": "ReplicaSet",
    "patch replicasets/scale": "ReplicaSet",
    "patch statefulsets/scale": "StatefulSet",
    "patch deployments/scale": "Deployment",
    "list horizontalpodautoscalers": "Deployment",
    "patch horizontalpodautoscalers": "Deployment",
    "get horizontalpodautoscalers": "Deployment",
}


@pytest.mark.parametrize("missing", SCALING)
def test_missing_right_to_scale_is_named(cluster: Cluster, namespace: str, missing: str) -> None:
    name = f"scaled-{missing.replace(' ', '-').replace('/', '-')}"
    workload = Workload(cluster.kubeconfig, SCALING[missing], namespace, name)
    manifest = workload.manifest("1")
    if workload.kind == "ReplicaSet":
        manifest["spec"].pop("revisionHistoryLimit")
    apply(cluster.kubeconfig, manifest)
    if workload.kind == "Deployment":
        workload.kubectl("autoscale", workload.address, "--min=1", "--max=2")
    rules = rules_of(OBSERVER, "mitigator")
    assert missing in {right(rule) for rule in rules}
    user = grant(cluster, namespace, name, [rule for rule in rules if right(rule) != missing])
    # It is read again only where the answer to its change was lost.
    faults = [Trouble.RESET_AFTER] if missing == "get horizontalpodautoscalers" else []

    with proxy_to(cluster.kubeconfig, Faults("PATCH", "/horizontalpod", *faults)) as url:
        answer = scaled(workload, user, replicas=2, host=url)

    verb, resource = missing.split()
    assert answer.failed
    assert f'User "{user}" cannot {verb} resource "{resource}"' in told(answer)


def test_mitigator_may_scale_and_wait(cluster: Cluster, namespace: str) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "grown", pods=1).deploy("1")
    web.kubectl("autoscale", web.address, "--min=1", "--max=2")
    user = grant(cluster, namespace, "mitigator-grown", rules_of(OBSERVER, "mitigator"))

    answer = scaled(web, user, replicas=3, wait=True, current_replicas=1)

    assert not answer.failed, answer.message
    assert (answer.only["ready_replicas"], answer.only["autoscaler"]["max_replicas"]) == (3, 3)


def test_gitops_suspender_is_enough_to_suspend(cluster: Cluster, namespace: str) -> None:
    gitops.define_all(cluster.kubeconfig)
    kind = gitops.KUSTOMIZATION
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "suspended").deploy("1", "2")
    for what, value in (("name", web.name), ("namespace", namespace)):
        web.kubectl("label", web.address, f"{kind.group}/{what}={value}")
    gitops.create(cluster.kubeconfig, kind, namespace, web.name, {})
    rules = rules_of(OBSERVER, ROLLER_BACK, "gitops-suspender")
    user = grant(cluster, namespace, "gitops-suspender", rules)

    answer = undo(web, user, check=False, wait=False, gitops="suspend")

    assert not answer.failed, answer.message
    assert gitops.spec_of(cluster.kubeconfig, kind, namespace, web.name) == {"suspend": True}


def test_bindings_of_the_examples_work_with_the_accounts_token(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """As a job in the cluster, or AWX, would log in."""
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "by-token").deploy("1", "2")
    for name in (OBSERVER, ROLLER_BACK):
        apply(cluster.kubeconfig, yaml.safe_load((EXAMPLES / f"{name}.yml").read_text()))
    here = (
        (EXAMPLES / "bindings.yml")
        .read_text()
        .replace("namespace: shop", f"namespace: {namespace}")
    )
    apply(cluster.kubeconfig, *yaml.safe_load(here)["items"])
    token = token_of(cluster, namespace)
    login = {"host": cluster.api_server, "api_key": token, "ca_cert": authority(cluster, tmp_path)}
    where = {"namespace": namespace, "name": web.name}

    answer = run_module("k8s_rollout_undo", None, **where, **login)

    assert not answer.failed, answer.message
    assert web.version == "1"
    elsewhere = run_module(
        "k8s_rollout_undo", None, **login, label_selectors=["suite=workloads"], all_namespaces=True
    )
    assert 'cannot list resource "deployments"' in told(elsewhere)
    assert "at the cluster scope" in told(elsewhere)


def test_automatic_run_needs_to_see_the_switch_for_the_whole_cluster(
    cluster: Cluster, namespace: str
) -> None:
    """Whoever cannot see whether automation is off has to take it for off."""
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "automatic").deploy("1", "2")
    user = f"system:serviceaccount:{namespace}:oncall-recovery"
    grant(cluster, namespace, user, rules_of(OBSERVER, ROLLER_BACK))
    switches = f"{namespace}-switch"
    how = {"automatic": True, "kill_switch_namespace": switches, "check": False, "wait": False}

    blind = undo(web, user, **how)

    assert blind.outcomes == {web.name: "blocked"}
    assert f'User "{user}" cannot list resource "configmaps"' in told(blind)
    kubectl(cluster.kubeconfig, "create", "namespace", switches)
    example = (EXAMPLES / "automation.yml").read_text()
    here = example.replace("namespace: oncall-recovery", f"namespace: {switches}")
    items = yaml.safe_load(here.replace("namespace: shop", f"namespace: {namespace}"))["items"]
    apply(cluster.kubeconfig, *(item for item in items if item["kind"] != "Namespace"))
    assert undo(web, user, **how).outcomes == {web.name: "rolled_back"}
    kubectl(cluster.kubeconfig, "delete", "namespace", switches, "--wait=false")


def token_of(cluster: Cluster, namespace: str) -> str:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/oncall-recovery/token"
    answer = kubectl(
        cluster.kubeconfig, "create", "--raw", path, "-f", "-", input_text=json.dumps(request)
    )
    return str(json.loads(answer)["status"]["token"])


def authority(cluster: Cluster, folder: Path) -> str:
    """The certificate authority that the cluster's kubeconfig has, as a file."""
    found = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    file = folder / "ca.crt"
    file.write_bytes(base64.b64decode(found["certificate-authority-data"]))
    return str(file)
