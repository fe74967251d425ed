# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mitigations that are killed on the way, or that somebody interferes with."""

from __future__ import annotations

import json

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .support.mitigations import KEY, LEDGER, SETTINGS, Shop, make_shop, objects
from .support.modules import killed_module, run_module
from .support.proxy import proxy_to
from .support.rights import told


@pytest.fixture
def shop(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Shop:
    return make_shop(cluster, namespace, request)


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
