# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mitigations on the real cluster: put back byte for byte, interrupted, and interfered with."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.images import PAUSE_IMAGE
from tests.cluster.kubectl import apply, kubectl

from .support.audit import requests_to
from .support.modules import COLLECTIONS, Answer, killed_module, run_module, started_module
from .support.proxy import proxy_to
from .support.rights import told
from .support.workloads import Workload

LEDGER = "oncall-recovery-ledger"
SETTINGS = """\
# How the shop talks to others. Comments stay.
payments:
    timeout: 30      # seconds
    url: 'http://payments'
features: {cache: false, search: true}
"""
LIMITS = '{\n  "rate": {"per_second": 50},\n  "burst": [1, 2,  3]\n}\n'
PROPERTIES = "# limits\nrate.limit = 50\nqueue.seconds: 1.5\n"
# What the server and its controllers keep themselves.
KEPT_BY_THE_SERVER = ("resourceVersion", "managedFields", "generation")
ANNOTATIONS_OF_CONTROLLERS = (
    "deployment.kubernetes.io/revision",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
)


@dataclass(frozen=True)
class Shop:
    """Objects of one test, all with the same name."""

    kubeconfig: Path
    namespace: str
    name: str

    def named(self, mitigation: str) -> str:
        """The name of a mitigation that no other test has."""
        return f"{mitigation}-{self.name}"

    def mitigate(self, name: str, *changes: dict[str, Any], **options: Any) -> Answer:
        named = [{"name": self.name, **change} for change in changes]
        return self.run(name=self.named(name), changes=named, **options)

    def put_back(self, name: str = "", **options: Any) -> Answer:
        named = {"name": self.named(name)} if name else {}
        return self.run(state="absent", **named, **options)

    def run(self, **options: Any) -> Answer:
        return run_module("k8s_mitigation", self.kubeconfig, namespace=self.namespace, **options)

    def info(self, name: str = "", **options: Any) -> list[dict[str, Any]]:
        options |= {"name": self.named(name)} if name else {}
        where = {} if options.get("all_namespaces") else {"namespaces": [self.namespace]}
        answer = run_module("k8s_mitigation_info", self.kubeconfig, **where, **options)
        assert not answer.failed, answer.message
        return list(answer.result["mitigations"])

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.kubeconfig, "--namespace", self.namespace, *arguments)

    def live(self, kind: str, name: str = "") -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", kind, name or self.name, "--output=json")))

    def data(self, kind: str = "configmap") -> dict[str, str]:
        return dict(self.live(kind).get("data") or {})

    def snapshot(self, kind: str) -> dict[str, Any]:
        """The object without what the server keeps for itself."""
        live = self.live(kind)
        live.pop("status", None)
        for name in KEPT_BY_THE_SERVER:
            live["metadata"].pop(name, None)
        annotations = live["metadata"].get("annotations", {})
        for name in ANNOTATIONS_OF_CONTROLLERS:
            annotations.pop(name, None)
        if not annotations:
            live["metadata"].pop("annotations", None)
        return live

    def patch(self, kind: str, patch: dict[str, Any]) -> None:
        self.kubectl("patch", kind, self.name, "--type=merge", f"--patch={json.dumps(patch)}")

    def ledger(self, kind: str = "configmap") -> dict[str, Any]:
        """Entries by key, those of this test's objects."""
        data = self.live(kind, LEDGER).get("data") or {}
        return {key: text for key, text in data.items() if f'"{self.name}"' in text}


def objects(namespace: str, name: str) -> list[dict[str, Any]]:
    metadata = {"name": name, "namespace": namespace}
    backend = {"service": {"name": name, "port": {"number": 80}}}
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {
                "UPSTREAM_URL": "http://payments",
                "settings.yaml": SETTINGS,
                "limits.json": LIMITS,
                "shop.properties": PROPERTIES,
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": {"PASSWORD": "old-sesame"},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**metadata, "labels": {"team": "b"}},
            "spec": {"selector": {"app": name, "color": "green"}, "ports": [{"port": 80}]},
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
    ]


def deployment(namespace: str, name: str, **pod: Any) -> dict[str, Any]:
    """A Deployment of one pod with variables in a given order; ``pod`` is more of its spec."""
    web = Workload(Path(), "Deployment", namespace, name, pods=1)
    manifest = web.manifest("1")
    spec = manifest["spec"]["template"]["spec"]
    container = {
        "name": "web",
        "image": PAUSE_IMAGE,
        "env": [{"name": n, "value": "1"} for n in ("VERSION", "TIMEOUT", "RETRIES")],
        **pod.pop("container", {}),
    }
    manifest["spec"]["template"]["spec"] = {**spec, "containers": [container], **pod}
    return manifest


@pytest.fixture
def shop(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Shop:
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    apply(cluster.kubeconfig, *objects(namespace, name))
    return Shop(cluster.kubeconfig, namespace, name)


@pytest.fixture
def web(shop: Shop) -> Shop:
    """The same, with a Deployment."""
    apply(shop.kubeconfig, deployment(shop.namespace, shop.name))
    return shop


KEY = {"kind": "ConfigMap", "key": "UPSTREAM_URL", "value": "http://fallback"}
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


BETWEEN = pytest.mark.parametrize("finish", ["apply", "put back"])


@BETWEEN
def test_killed_between_the_ledger_and_the_change(shop: Shop, finish: str) -> None:
    original = shop.data()
    change = {**KEY, "name": shop.name}
    where = {"namespace": shop.namespace, "name": shop.named("m")}
    killed_module(
        *("k8s_mitigation", shop.kubeconfig, "PATCH", f"configmaps/{shop.name}"),
        changes=[change],
        **where,
    )
    assert shop.data() == original
    assert len(shop.ledger()) == 1
    (found,) = shop.info(name="m")
    assert found["is_overwritten"]

    if finish == "apply":
        answer = shop.mitigate("m", change)
        assert answer.changed and shop.data()["UPSTREAM_URL"] == "http://fallback"
    back = shop.put_back("m")
    assert back.changed, back.message
    assert shop.data() == original and shop.ledger() == {}


@BETWEEN
def test_killed_between_putting_back_and_crossing_out(shop: Shop, finish: str) -> None:
    original = shop.data()
    shop.mitigate("m", KEY)
    where = {"namespace": shop.namespace, "name": shop.named("m")}
    killed_module(
        *("k8s_mitigation", shop.kubeconfig, "PATCH", f"configmaps/{LEDGER}"),
        state="absent",
        **where,
    )
    assert shop.data() == original and len(shop.ledger()) == 1

    if finish == "apply":
        assert shop.mitigate("m", KEY).changed
        assert shop.data()["UPSTREAM_URL"] == "http://fallback"
    assert shop.put_back("m").changed
    assert shop.data() == original and shop.ledger() == {}


def test_person_who_edits_the_same_key_meanwhile_is_not_overwritten(shop: Shop) -> None:
    shop.mitigate("m", KEY)
    shop.patch("configmap", {"data": {"UPSTREAM_URL": "http://by-hand"}})
    (found,) = shop.info(name="m")
    assert found["is_overwritten"]

    refused = shop.put_back("m")

    assert refused.failed and "somebody changed it meanwhile" in refused.message
    assert refused.result["mitigations"][0]["state"] == "conflict"
    assert shop.data()["UPSTREAM_URL"] == "http://by-hand"
    assert shop.put_back("m", force=True).changed
    assert shop.data()["UPSTREAM_URL"] == "http://payments"


def test_person_who_edits_between_reading_and_changing_is_what_goes_back(shop: Shop) -> None:
    """The server refuses the patch, and what the person set is what was there before."""
    edits = ["http://by-hand"]

    def edit(method: str, path: str) -> None:
        if method == "PATCH" and f"configmaps/{shop.name}" in path and "dryRun" not in path:
            while edits:
                shop.patch("configmap", {"data": {"UPSTREAM_URL": edits.pop()}})

    with proxy_to(shop.kubeconfig, edit) as host:
        answer = run_module(
            *("k8s_mitigation", shop.kubeconfig),
            host=host,
            name=shop.named("m"),
            namespace=shop.namespace,
            changes=[{**KEY, "name": shop.name}],
        )

    assert answer.changed and not answer.failed, answer.message
    (field,) = answer.result["mitigations"][0]["fields"]
    assert field["before"] == "http://by-hand"
    assert shop.put_back("m").changed
    assert shop.data()["UPSTREAM_URL"] == "http://by-hand"


def test_person_who_edits_the_document_elsewhere_keeps_the_edit(shop: Shop) -> None:
    change = {"kind": "ConfigMap", "key": "settings.yaml", "path": "/payments/timeout", "value": 5}
    shop.mitigate("m", change)
    edited = shop.data()["settings.yaml"].replace("search: true", "search: false")
    shop.patch("configmap", {"data": {"settings.yaml": edited}})
    assert not shop.info(name="m")[0]["is_overwritten"]
    assert shop.put_back("m").changed
    expected = SETTINGS.replace("search: true", "search: false")
    assert shop.data()["settings.yaml"] == expected


@pytest.mark.parametrize("is_made_anew", [False, True], ids=["deleted", "made anew"])
def test_config_map_that_is_gone_is_a_conflict(shop: Shop, is_made_anew: bool) -> None:
    shop.mitigate("m", KEY)
    shop.kubectl("delete", "configmap", shop.name)
    if is_made_anew:
        apply(shop.kubeconfig, objects(shop.namespace, shop.name)[0])

    refused = shop.put_back("m")

    assert refused.failed
    was = "deleted and made anew" if is_made_anew else "deleted"
    assert f"ConfigMap {shop.namespace}/{shop.name} was {was}" in refused.message
    assert shop.info(name="m")[0]["is_overwritten"]
    assert shop.put_back("m", force=True).changed
    assert shop.ledger() == {} and shop.info(name="m") == []


def test_ledger_that_is_full_refuses_before_any_change(shop: Shop) -> None:
    big = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"big.txt": "x" * 600_000}}
    big["metadata"] = {"name": shop.name, "namespace": shop.namespace}
    kubectl(shop.kubeconfig, "replace", "--filename=-", input_text=json.dumps(big))
    original = shop.data()
    answer = shop.mitigate("m", {"kind": "ConfigMap", "key": "big.txt", "value": "y" * 600_000})
    assert answer.failed and "bytes, and 1032192 is all it can" in answer.message
    assert shop.data() == original


def test_entry_that_somebody_broke_is_named_and_others_work(shop: Shop) -> None:
    shop.mitigate("broken", KEY)
    shop.mitigate("m", {**KEY, "key": "OTHER", "value": "1"})
    (key,) = (key for key in shop.ledger() if ".broken-" in key)
    data = json.dumps({"data": {key: "{"}})
    shop.kubectl("patch", "configmap", LEDGER, "--type=merge", f"--patch={data}")

    back = shop.put_back("m")

    assert back.changed and not back.failed
    assert f"entry {key} of the ledger in {shop.namespace}: cannot be read" in told(back)
    assert shop.info(name="broken") == []
    data = json.dumps({"data": {key: None}})
    shop.kubectl("patch", "configmap", LEDGER, "--type=merge", f"--patch={data}")


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


def test_environment_is_read_anew_and_volumes_are_left_alone(shop: Shop) -> None:
    readers = {
        "from": {"envFrom": [{"configMapRef": {"name": shop.name}}]},
        "key": {"env": [_variable(shop.name, "UPSTREAM_URL")]},
        "other": {"env": [_variable(shop.name, "shop.properties")]},
    }
    for suffix, container in readers.items():
        manifest = deployment(shop.namespace, f"{shop.name}-{suffix}", container=container)
        apply(shop.kubeconfig, manifest)
    volume = {"name": "settings", "configMap": {"name": shop.name}}
    mounter = deployment(shop.namespace, f"{shop.name}-mounter", volumes=[volume])
    apply(shop.kubeconfig, mounter)
    kinds = [f"{shop.name}-{suffix}" for suffix in (*readers, "mounter")]
    templates = {name: shop.live("deployment", name)["spec"]["template"] for name in kinds}

    answer = shop.mitigate("m", KEY)

    assert not answer.failed, answer.message
    assert [w["name"] for w in answer.result["restarted"]] == [
        f"{shop.name}-from",
        f"{shop.name}-key",
    ]
    assert all("complete" in workload["message"] for workload in answer.result["restarted"])
    assert not shop.mitigate("m", KEY).changed
    back = shop.put_back("m")
    assert len(back.result["restarted"]) == 2, back.result
    assert templates == {n: shop.live("deployment", n)["spec"]["template"] for n in kinds}
    always = shop.mitigate("m", KEY, restart="always", check=True)
    assert f"{shop.name}-mounter" in {w["name"] for w in always.result["restarted"]}
    assert shop.mitigate("m", KEY, restart="never").result["restarted"] == []
    assert shop.put_back("m").result["restarted"] == []


def _variable(config_map: str, key: str) -> dict[str, Any]:
    return {"name": "VALUE", "valueFrom": {"configMapKeyRef": {"name": config_map, "key": key}}}


@pytest.fixture
def reader(shop: Shop) -> Shop:
    """A shop whose Deployment has all of the ConfigMap in its environment."""
    container = {"envFrom": [{"configMapRef": {"name": shop.name}}]}
    apply(shop.kubeconfig, deployment(shop.namespace, shop.name, container=container))
    return shop


def token(shop: Shop) -> str:
    metadata = shop.live("deployment")["spec"]["template"]["metadata"]
    return str(metadata.get("annotations", {}).get("oncall.recovery/restarted-for", ""))


def test_two_that_restart_one_workload_each_restart_it_again(reader: Shop) -> None:
    original = reader.snapshot("deployment")
    reader.mitigate("lower", KEY, wait=False)
    first = token(reader)
    reader.mitigate("upper", {**KEY, "key": "OTHER"}, wait=False)
    second = token(reader)
    assert len({"", first, second}) == 3

    back = reader.put_back("lower", wait=False)

    assert [w["name"] for w in back.result["restarted"]] == [reader.name]
    assert token(reader) not in ("", first, second)
    assert not reader.put_back("lower", wait=False).changed
    assert not reader.info(name="upper")[0]["is_overwritten"]
    assert reader.put_back("upper", wait=False).changed
    assert reader.snapshot("deployment") == original


@BETWEEN
def test_killed_between_the_config_map_and_the_restart(reader: Shop, finish: str) -> None:
    original = reader.snapshot("deployment"), reader.data()
    change = {**KEY, "name": reader.name}
    killed_module(
        *("k8s_mitigation", reader.kubeconfig, "PATCH", f"deployments/{reader.name}"),
        name=reader.named("m"),
        namespace=reader.namespace,
        changes=[change],
    )
    assert reader.data()["UPSTREAM_URL"] == "http://fallback" and token(reader) == ""
    if finish == "apply":
        answer = reader.mitigate("m", change, wait=False)
        assert [w["name"] for w in answer.result["restarted"]] == [reader.name]
        assert token(reader)
    assert reader.put_back("m", wait=False).changed
    assert (reader.snapshot("deployment"), reader.data()) == original
    assert reader.ledger() == {}


def test_killed_while_a_restart_is_put_back_is_finished(reader: Shop) -> None:
    original = reader.snapshot("deployment"), reader.data()
    reader.mitigate("m", KEY, wait=False)
    killed_module(
        *("k8s_mitigation", reader.kubeconfig, "PATCH", f"deployments/{reader.name}"),
        name=reader.named("m"),
        namespace=reader.namespace,
        state="absent",
    )
    assert reader.data() == original[1] and token(reader)
    answer = reader.put_back("m", wait=False)
    assert [w["name"] for w in answer.result["restarted"]] == [reader.name]
    assert (reader.snapshot("deployment"), reader.data()) == original


SECRETS = ("old-sesame", "new-sesame")


def in_clear_or_encoded(text: str) -> list[str]:
    shapes = [*SECRETS, *(base64.b64encode(value.encode()).decode() for value in SECRETS)]
    return [shape for shape in shapes if shape in text]


def test_values_of_secrets_are_shown_nowhere(shop: Shop) -> None:
    original = shop.snapshot("secret")
    change = {"kind": "Secret", "name": shop.name, "key": "PASSWORD", "value": SECRETS[1]}
    options = {"name": shop.named("m"), "namespace": shop.namespace, "changes": [change]}
    for state in ("present", "absent"):
        for check in (True, False):
            with started_module(
                "k8s_mitigation",
                kubeconfig=str(shop.kubeconfig),
                state=state,
                _ansible_check_mode=check,
                _ansible_diff=True,
                **options,
            ) as process:
                out, err = process.communicate(timeout=60)
            result = json.loads(out)
            assert result["changed"] and result["diff"][0]["before"] != result["diff"][0]["after"]
            assert in_clear_or_encoded(out + err) == []
        ledger = shop.kubectl("get", "configmap", LEDGER, "--output=yaml")
        assert in_clear_or_encoded(ledger) == []
        if state == "present":
            assert shop.live("secret")["data"]["PASSWORD"] == encoded(SECRETS[1])
            (field,) = shop.info(name="m")[0]["fields"]
            assert (field["before"], field["value"]) == ("********", "********")
            assert len(shop.live("secret", LEDGER)["data"]) == 1
    assert shop.snapshot("secret") == original
    assert shop.live("secret", LEDGER).get("data") is None


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_values_of_secrets_are_not_in_the_output_of_ansible(shop: Shop, tmp_path: Path) -> None:
    """With all that -vvv shows."""
    change = {"kind": "Secret", "name": shop.name, "key": "PASSWORD", "value": SECRETS[1]}
    task = {
        "name": shop.named("m"),
        "namespace": shop.namespace,
        "kubeconfig": str(shop.kubeconfig),
    }
    playbook = tmp_path / "play.yml"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"oncall.recovery.k8s_mitigation": {**task, "changes": [change]}}],
    }
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-vvv", "--diff", str(playbook)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "changed=1" in done.stdout, done.stdout + done.stderr
    assert in_clear_or_encoded(done.stdout + done.stderr) == []
    assert shop.put_back("m").changed
