# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mitigator's Role is enough for mitigations, and without any one verb the error names it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .support.modules import Answer, run_module
from .support.rights import grant, right, rules_of, told
from .support.workloads import KINDS, Workload

MITIGATOR = ("observer", "mitigator")
# The Secret that the example names.
NAME = "web"
LABEL = {"name": NAME, "label": "mitigated", "value": "yes"}
KEY = {"kind": "ConfigMap", "name": NAME, "key": "A", "value": "2"}
PASSWORD = {"kind": "Secret", "name": NAME, "key": "A", "value": "hidden"}
FLOOR = {"kind": "StatefulSet", "name": NAME, "replicas": 4}
# What needs a right on these resources.
CHANGES: dict[str, dict[str, Any]] = {
    "deployments": {"kind": "Deployment", **LABEL},
    "statefulsets": {"kind": "StatefulSet", **LABEL},
    "daemonsets": {"kind": "DaemonSet", **LABEL},
    "services": {"kind": "Service", **LABEL},
    "ingresses": {"kind": "Ingress", **LABEL},
    "horizontalpodautoscalers": FLOOR,
    "configmaps": KEY,
    "secrets": PASSWORD,
}


@pytest.fixture(scope="module", autouse=True)
def objects(cluster: Cluster, namespace: str) -> None:
    for kind in KINDS:
        Workload(cluster.kubeconfig, kind, namespace, NAME).deploy("1")
    make_objects(cluster, namespace)


def make_objects(cluster: Cluster, namespace: str) -> None:
    metadata = {"name": NAME, "namespace": namespace}
    backend = {"service": {"name": NAME, "port": {"number": 80}}}
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": NAME}
    apply(
        cluster.kubeconfig,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"A": "1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"A": "old"}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"port": 80}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": metadata,
            "spec": {"defaultBackend": backend},
        },
        {
            "apiVersion": "autoscaling/v1",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 8},
        },
    )


def mitigate(
    cluster: Cluster, namespace: str, user: str, *changes: dict[str, Any], **options: Any
) -> Answer:
    more = {"changes": list(changes)} if changes else {"state": "absent"}
    return run_module(
        "k8s_mitigation",
        cluster.kubeconfig,
        namespace=namespace,
        impersonate_user=user,
        wait=False,
        **{"name": "m", **more, **options},
    )


# Those for k8s_lock and k8s_scale, which the mitigator may use, too, are left out.
RIGHTS = [
    rule
    for rule in rules_of("mitigator", "mitigator-secrets")
    if rule["resources"][0] not in ("leases", "replicasets")
    and not rule["resources"][0].endswith("/scale")
]


@pytest.mark.parametrize("missing", RIGHTS, ids=[right(rule) for rule in RIGHTS])
def test_missing_right_is_named(cluster: Cluster, namespace: str, missing: dict[str, Any]) -> None:
    (resource,), (verb,) = missing["resources"], missing["verbs"]
    user = f"without-{verb}-{resource}"
    place = namespace
    if verb == "create":
        # A ledger that is there needs no right to make one.
        place = f"{namespace}-{resource}"
        kubectl(cluster.kubeconfig, "create", "namespace", place)
        make_objects(cluster, place)
    rules = rules_of(*MITIGATOR, "mitigator-secrets")
    grant(cluster, place, user, [rule for rule in rules if rule != missing])

    if (verb, resource) == ("list", "configmaps"):
        answer = mitigate(cluster, place, user, incident="INC-1", all_namespaces=True)
    elif (verb, resource) == ("get", "horizontalpodautoscalers"):
        by_pointer = {"kind": "HorizontalPodAutoscaler", **LABEL}
        answer = mitigate(cluster, place, user, by_pointer, check=True)
    else:
        answer = mitigate(cluster, place, user, CHANGES[resource], check=verb != "create")

    assert answer.failed
    assert f'User "{user}" cannot {verb} resource "{resource}"' in told(answer)
    if verb == "create":
        kubectl(cluster.kubeconfig, "delete", "namespace", place, "--wait=false")


@pytest.mark.parametrize(
    ("files", "changes"),
    [
        pytest.param(
            MITIGATOR,
            [change for resource, change in CHANGES.items() if resource != "secrets"],
            id="mitigator",
        ),
        pytest.param((*MITIGATOR, "mitigator-secrets"), [PASSWORD], id="mitigator of secrets"),
    ],
)
def test_mitigator_may_apply_list_and_put_back(
    cluster: Cluster, namespace: str, files: tuple[str, ...], changes: list[dict[str, Any]]
) -> None:
    user = grant(cluster, namespace, f"enough-{len(files)}", rules_of(*files))
    applied = mitigate(cluster, namespace, user, *changes, name="enough")
    assert applied.changed and not applied.failed, applied.message
    listed = run_module(
        "k8s_mitigation_info",
        cluster.kubeconfig,
        namespaces=[namespace],
        impersonate_user=user,
        name="enough",
    )
    assert len(listed.result["mitigations"][0]["fields"]) == len(changes)
    assert listed.result["mitigations"][0]["is_overwritten"] is False
    back = mitigate(cluster, namespace, user, name="enough")
    assert back.changed and not back.failed, back.message
