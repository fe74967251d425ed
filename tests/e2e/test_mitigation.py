# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mitigations on the real cluster: each kind of change is applied and put back byte for byte."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .support import gitops
from .support.audit import requests_to
from .support.mitigations import KEY, LEDGER, Shop, deployment, make_shop, objects
from .support.modules import run_module
from .support.workloads import Workload


@pytest.fixture
def shop(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Shop:
    return make_shop(cluster, namespace, request)


@pytest.fixture
def web(shop: Shop) -> Shop:
    """The same, with a Deployment."""
    apply(shop.kubeconfig, deployment(shop.namespace, shop.name))
    return shop


ENV = {"kind": "Deployment", "container": "web", "env": "TIMEOUT"}
ANNOTATION = "nginx.ingress.kubernetes.io/limit-rps"
CHANGES = [
    pytest.param(KEY, "/data/UPSTREAM_URL", "http://payments", id="key"),
    pytest.param(
        {"kind": "ConfigMap", "key": "UPSTREAM_URL", "remove": True},
        "/data/UPSTREAM_URL",
        "http://payments",
        id="key removed",
    ),
    pytest.param(
        {"kind": "ConfigMap", "key": "NEW", "value": True}, "/data/NEW", None, id="new key"
    ),
    pytest.param(
        {"kind": "ConfigMap", "key": "settings.yaml", "path": "/payments/timeout", "value": 5},
        "/data/settings.yaml",
        30,
        id="YAML",
    ),
    pytest.param(
        {"kind": "ConfigMap", "key": "limits.json", "path": "/rate/per_second", "value": 5},
        "/data/limits.json",
        50,
        id="JSON",
    ),
    pytest.param(
        {"kind": "ConfigMap", "key": "shop.properties", "path": "/rate.limit", "value": 5},
        "/data/shop.properties",
        "50",
        id="properties",
    ),
    pytest.param(
        {"kind": "Ingress", "annotation": ANNOTATION, "value": 10},
        "/metadata/annotations/nginx.ingress.kubernetes.io~1limit-rps",
        None,
        id="annotation",
    ),
    pytest.param(
        {"kind": "Service", "label": "team", "value": "a"}, "/metadata/labels/team", "b", id="label"
    ),
    pytest.param(
        {"kind": "Service", "pointer": "/spec/selector/color", "value": "blue"},
        "/spec/selector/color",
        "green",
        id="pointer",
    ),
    pytest.param(
        {"kind": "Service", "pointer": "/spec/selector/color", "remove": True},
        "/spec/selector/color",
        "green",
        id="pointer removed",
    ),
]


@pytest.mark.parametrize(("change", "path", "before"), CHANGES)
def test_change_is_put_back_byte_for_byte(
    cluster: Cluster, shop: Shop, change: dict[str, Any], path: str, before: Any
) -> None:
    kind = change["kind"]
    original = shop.snapshot(kind)
    with requests_to(cluster, shop.namespace) as requests:
        tried = shop.mitigate("m", change, check=True)
    assert tried.changed and tried.result["mitigations"][0]["state"] == "applied"
    assert requests.writes == [] and requests.dry_runs
    assert shop.snapshot(kind) == original

    answer = shop.mitigate("m", change, incident="INC-1", reason="it hangs", by="ada")

    assert answer.changed, answer.message
    (field,) = answer.result["mitigations"][0]["fields"]
    assert (field["path"], field["before"], field["state"]) == (path, before, "applied")
    assert shop.snapshot(kind) != original
    again = shop.mitigate("m", change, incident="INC-1", reason="it hangs", by="ada")
    assert not again.changed and again.result["mitigations"][0]["state"] == "already"
    (found,) = shop.info(name="m", incident="INC-1")
    assert (found["by"], found["reason"], found["is_overwritten"]) == ("ada", "it hangs", False)

    back = shop.put_back("m")

    assert back.changed and back.result["mitigations"][0]["state"] == "reverted"
    assert shop.snapshot(kind) == original
    assert shop.ledger() == {}
    assert not shop.put_back("m").changed


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({**ENV, "value": 5}, id="set"),
        pytest.param({**ENV, "remove": True}, id="removed"),
        pytest.param({**ENV, "env": "NEW", "value": "1"}, id="added"),
    ],
)
def test_variable_starts_pods_anew_and_goes_back_to_the_old_template(
    web: Shop, change: dict[str, Any]
) -> None:
    original = web.snapshot("deployment")

    answer = web.mitigate("m", change)

    assert answer.changed, answer.message
    (restarted,) = answer.result["restarted"]
    assert (restarted["kind"], restarted["name"]) == ("Deployment", web.name)
    assert "complete" in restarted["message"]
    back = web.put_back("m")
    assert not back.failed, back.message
    assert web.snapshot("deployment") == original
    listed = web.kubectl("get", "replicasets", f"--selector=app={web.name}", "--output=json")
    assert sorted(rs["spec"]["replicas"] for rs in json.loads(listed)["items"]) == [0, 1]


def test_two_variables_that_were_removed_come_back_to_their_places(web: Shop) -> None:
    original = web.snapshot("deployment")
    for name in ("TIMEOUT", "RETRIES"):
        web.mitigate(f"no-{name.lower()}", {**ENV, "env": name, "remove": True}, wait=False)
    for name in ("TIMEOUT", "RETRIES"):
        assert web.put_back(f"no-{name.lower()}", wait=False).changed
    assert web.snapshot("deployment") == original


def test_several_objects_are_changed_or_none(web: Shop) -> None:
    original = web.data()
    wrong = {"kind": "Deployment", "container": "sidecar", "env": "TIMEOUT", "value": "5"}

    answer = web.mitigate("m", KEY, wrong)

    assert answer.failed
    assert "it has no container sidecar (it has web)" in answer.message
    assert answer.result["mitigations"][0]["state"] == "failed"
    assert web.data() == original and web.info(name="m") == []
    refused = web.mitigate("m", KEY, {"kind": "Service", "pointer": "/spec/ports", "value": "no"})
    assert refused.failed and web.data() == original and web.info(name="m") == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "ConfigMap", "name": LEDGER, "key": "a", "value": "b"}, "collection's own"),
        (
            {"kind": "Role", "api_version": "rbac.authorization.k8s.io/v1", "label": "a"},
            "is about rights",
        ),
        ({"kind": "Service", "pointer": "/metadata/finalizers", "value": []}, "may change"),
        ({"kind": "Service", "pointer": "/status/loadBalancer", "value": {}}, "may change"),
        ({"kind": "ConfigMap", "key": "../x", "value": "b"}, "not a name that Kubernetes allows"),
        ({"kind": "Service", "name": "a/../b", "label": "a", "value": "b"}, "not a name"),
        ({"kind": "Gadget", "label": "a", "value": "b"}, "api_version of Gadget"),
        ({"kind": "Gadget", "api_version": "example.org/v1", "label": "a"}, "no such kind"),
        ({"kind": "Service", "name": "nobody", "label": "a"}, "there is no such object"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["kind"],
)
def test_bad_input_changes_nothing(
    cluster: Cluster, shop: Shop, change: dict[str, Any], told: str
) -> None:
    with requests_to(cluster, shop.namespace) as requests:
        answer = shop.mitigate("m", {"value": "x", **change})
    assert answer.failed and told in answer.message
    assert requests.writes == []


def test_replicas_raise_the_floor_of_the_autoscaler(shop: Shop) -> None:
    Workload(shop.kubeconfig, "StatefulSet", shop.namespace, shop.name).deploy("1")
    original = shop.snapshot("hpa")
    more = {"kind": "StatefulSet", "replicas": 6}
    assert "allows 8 replicas" in shop.mitigate("m", {**more, "replicas": 9}).message

    answer = shop.mitigate("m", more, wait=False)

    (field,) = answer.result["mitigations"][0]["fields"]
    assert (field["kind"], field["before"], field["value"]) == ("HorizontalPodAutoscaler", 2, 6)
    assert not shop.mitigate("m", more, wait=False).changed
    assert shop.put_back("m").changed
    assert shop.snapshot("hpa") == original


def test_replicas_without_an_autoscaler_are_those_of_the_workload(web: Shop) -> None:
    answer = web.mitigate("m", {"kind": "Deployment", "replicas": 2})
    assert not answer.failed and web.live("deployment")["status"]["readyReplicas"] == 2
    assert web.put_back("m").changed
    assert web.live("deployment")["spec"]["replicas"] == 1


def test_all_of_an_incident_and_what_is_over_are_put_back_wherever_they_are(
    cluster: Cluster, shop: Shop
) -> None:
    elsewhere = f"{shop.namespace}-other"
    kubectl(cluster.kubeconfig, "create", "namespace", elsewhere)
    apply(cluster.kubeconfig, *objects(elsewhere, shop.name))
    other = Shop(cluster.kubeconfig, elsewhere, shop.name)
    originals = shop.data(), other.data()
    incident = f"INC-{shop.name}"
    for where in (shop, other):
        where.mitigate("m", KEY, incident=incident)
        where.mitigate("short", {**KEY, "key": "B"}, expires_in="1s", incident="OTHER")
        where.mitigate("long", {**KEY, "key": "C"}, expires_in="1d")
    found = shop.info(all_namespaces=True, incident=incident)
    assert [one["namespace"] for one in found] == [shop.namespace, elsewhere]

    back = shop.put_back(incident=incident, all_namespaces=True)

    assert [m["name"] for m in back.result["mitigations"]] == [shop.named("m")] * 2
    over = shop.put_back(expired=True, all_namespaces=True)
    assert [m["name"] for m in over.result["mitigations"]] == [shop.named("short")] * 2
    assert shop.info(name="long")[0]["expired"] is False
    assert [shop.put_back("long").changed, other.put_back("long").changed] == [True, True]
    assert (shop.data(), other.data()) == originals
    kubectl(cluster.kubeconfig, "delete", "namespace", elsewhere, "--wait=false")


def test_twenty_in_random_order_end_where_they_began(shop: Shop) -> None:
    chance = random.Random(7)
    original = {kind: shop.snapshot(kind) for kind in ("configmap", "service")}
    choices: list[Callable[[int], dict[str, Any]]] = [
        lambda n: {**KEY, "value": f"http://{n}"},
        lambda n: {**KEY, "key": "settings.yaml", "path": "/payments/timeout", "value": n},
        lambda n: {**KEY, "key": "settings.yaml", "path": "/features/cache", "value": n % 2 == 0},
        lambda n: {"kind": "Service", "label": "team", "value": f"t{n}"},
        lambda n: {"kind": "Service", "pointer": "/spec/selector/color", "value": f"c{n}"},
    ]
    applied: list[str] = []
    for number in range(20):
        name = f"m{number}"
        answer = shop.mitigate(name, chance.choice(choices)(number), chance.choice(choices)(number))
        assert not answer.failed, answer.message
        applied.append(name)
    chance.shuffle(applied)
    for name in applied:
        answer = shop.put_back(name)
        assert not answer.failed, answer.message
    assert {kind: shop.snapshot(kind) for kind in original} == original
    assert shop.ledger() == {}


def test_owner_that_a_rollback_suspended_goes_on_with_the_end_of_its_incident(shop: Shop) -> None:
    gitops.define_all(shop.kubeconfig)
    kind, incident = gitops.KUSTOMIZATION, f"INC-{shop.name}"
    web = Workload(shop.kubeconfig, "Deployment", shop.namespace, shop.name).deploy("1", "2")
    gitops.create(shop.kubeconfig, kind, shop.namespace, shop.name, {"interval": "1m"})
    for what, value in (("name", shop.name), ("namespace", shop.namespace)):
        web.kubectl("label", web.address, f"{kind.group}/{what}={value}")
    where = {"namespace": shop.namespace, "name": shop.name, "incident": incident}
    run_module("k8s_rollout_undo", shop.kubeconfig, gitops="suspend", wait=False, **where)
    assert gitops.spec_of(shop.kubeconfig, kind, shop.namespace, shop.name)["suspend"] is True
    shop.mitigate("m", KEY, incident=incident)

    tried = shop.put_back(incident=incident, check=True)
    back = shop.put_back(incident=incident)

    for answer in (tried, back):
        names = [mitigation["name"] for mitigation in answer.result["mitigations"]]
        assert names == [shop.named("m"), "suspension"]
        assert answer.changed and not answer.failed, answer.message
    spec = gitops.spec_of(shop.kubeconfig, kind, shop.namespace, shop.name)
    assert spec == {"interval": "1m"}
    assert not shop.put_back(incident=incident).changed


def test_custom_resources_are_found_by_discovery(shop: Shop) -> None:
    gitops.define_all(shop.kubeconfig)
    kind = gitops.HELM_RELEASE
    gitops.create(shop.kubeconfig, kind, shop.namespace, shop.name, {"values": {"limit": 1}})
    change = {
        "kind": kind.kind,
        "api_version": f"{kind.group}/{kind.versions[-1]}",
        "pointer": "/spec/values/limit",
        "value": 5,
    }
    assert shop.mitigate("m", change).changed
    spec = gitops.spec_of(shop.kubeconfig, kind, shop.namespace, shop.name)
    assert spec == {"values": {"limit": 5}}
    assert not shop.mitigate("m", change).changed
    assert shop.put_back("m").changed
    spec = gitops.spec_of(shop.kubeconfig, kind, shop.namespace, shop.name)
    assert spec == {"values": {"limit": 1}}
