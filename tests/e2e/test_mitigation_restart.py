# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that read what a mitigation changes when they start, and those that see it by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply

from .support.mitigations import KEY, Shop, deployment, make_shop
from .support.modules import killed_module


@pytest.fixture
def shop(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Shop:
    return make_shop(cluster, namespace, request)


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


@pytest.mark.parametrize("finish", ["apply", "put back"])
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
