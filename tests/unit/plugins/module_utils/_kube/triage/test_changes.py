# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed lately, and what was there before it."""

from __future__ import annotations

from typing import Any

import pytest

from .shop import (
    ago,
    applied,
    config_map,
    deployment,
    looked,
    pod,
    release,
    running,
)

VOLUMES = {"volumes": [{"name": "v", "configMap": {"name": "settings", "optional": True}}]}
WEB = deployment()
WEB["spec"]["template"]["spec"].update(VOLUMES)
OLD = release(WEB, 1, "web:1", 90000, **VOLUMES)
NEW = release(WEB, 2, "web:2", 5000, **VOLUMES)


def changes(*config_maps: dict[str, Any], **lists: Any) -> list[dict[str, Any]]:
    request = lists.pop("request", {})
    found = {
        "deployments": [WEB],
        "replicasets": [OLD, NEW],
        "pods": [pod(NEW, "web-1", running())],
        "configmaps": list(config_maps),
        **lists,
    }
    return list(looked(found, **request)["changes"])


def entry(key: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "namespace": "shop", "name": "settings", "key": key, **fields}


def test_config_map_that_was_edited_after_it_was_applied_can_go_back() -> None:
    live = config_map(
        "settings",
        {"a": "2", "new": "x", "same": "1"},
        60,
        **applied({"a": "1", "gone": "y", "same": "1"}),
    )
    (change,) = changes(live)
    assert change["held_by"] == "last-applied"
    assert change["revert"] == [
        entry("a", value="1"),
        entry("gone", value="y"),
        entry("new", remove=True),
    ]
    assert change["diff"] == ["a:", "-1", "+2", "gone:", "-y", "new:", "+x"]
    assert change["workloads"] == [{"kind": "Deployment", "namespace": "shop", "name": "web"}]
    assert change["at"] == ago(60)


def test_config_map_that_was_applied_holds_nothing_of_before() -> None:
    (change,) = changes(config_map("settings", {"a": "2"}, 60, **applied({"a": "2"})))
    assert (change["revert"], change["held_by"]) == ([], "")


def test_baseline_knows_what_was_there_before_it_was_applied_anew() -> None:
    before = looked(
        {
            "deployments": [WEB],
            "replicasets": [OLD, NEW],
            "configmaps": [config_map("settings", {"a": "1"}, 9000)],
        }
    )["config_maps"]
    live = config_map("settings", {"a": "2"}, 60, **applied({"a": "2"}))
    (change,) = changes(live, request={"baseline": tuple(before)})
    assert (change["revert"], change["held_by"]) == ([entry("a", value="1")], "baseline")


@pytest.mark.parametrize("annotation", ["", "{", "[]", '{"data": 7}', "[" * 100_000], ids=range(5))
def test_annotation_that_anybody_may_write_does_no_harm(annotation: str) -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    (change,) = changes(config_map("settings", {"a": "2"}, 60, annotations={name: annotation}))
    assert change["revert"] == []


@pytest.mark.parametrize(
    "config_maps",
    [
        pytest.param([config_map("other", {"a": "1"}, 60)], id="nobody uses it"),
        pytest.param([config_map("settings", {"a": "1"}, 7200)], id="long ago"),
    ],
)
def test_what_is_not_in_use_or_old_is_left_out(config_maps: list[dict[str, Any]]) -> None:
    assert changes(*config_maps) == []


def test_secret_is_told_by_its_time_alone() -> None:
    web = deployment()
    uses = {
        "containers": [
            {"name": "web", "image": "web:2", "envFrom": [{"secretRef": {"name": "token"}}]}
        ]
    }
    web["spec"]["template"]["spec"].update(uses)
    secret = config_map("token", {}, 60)
    (change,) = changes(
        deployments=[web],
        replicasets=[release(web, 1, "web:1", 90000), release(web, 2, "web:2", 5000, **uses)],
        secrets=[secret],
    )
    assert (change["kind"], change["name"], change["diff"], change["revert"]) == (
        "Secret",
        "token",
        [],
        [],
    )


def test_rollouts_are_told_with_their_diff_but_for_the_first() -> None:
    newest = release(WEB, 3, "web:3", 60, **VOLUMES)
    web = {**WEB, "spec": {**WEB["spec"], "template": newest["spec"]["template"]}}
    found = changes(
        deployments=[web],
        replicasets=[release(WEB, 1, "web:1", 300, **VOLUMES), newest],
        pods=[],
    )
    (change,) = found
    assert change["what"] == "revision 3 rolled out (web:3)"
    assert any("web:1" in line and line.startswith("-") for line in change["diff"])
    assert any("web:3" in line and line.startswith("+") for line in change["diff"])


def test_revision_that_is_used_again_began_when_its_pods_did() -> None:
    """After ``kubectl rollout undo`` the old ReplicaSet has the newest number."""
    bad, reused = release(WEB, 2, "web:bad", 300), release(WEB, 3, "web:2", 90000)
    result = looked(
        {"deployments": [WEB], "replicasets": [bad, reused], "pods": [pod(reused, "a", running())]}
    )
    began = {r["revision"]: r["began"] for r in result["workloads"][0]["revisions"]}
    assert began == {2: ago(300), 3: ago(110)}


def test_restart_is_told_as_one() -> None:
    restarted = release(WEB, 3, "web:2", 60, **VOLUMES)
    stamp = {"kubectl.kubernetes.io/restartedAt": ago(60)}
    restarted["spec"]["template"]["metadata"]["annotations"] = stamp
    found = changes(replicasets=[OLD, NEW, restarted])
    assert [change["what"] for change in found] == ["revision 3 restarted (web:2)"]


def test_autoscaler_counts_as_changed_by_people_and_not_by_its_controller() -> None:
    def scaler(manager: str) -> dict[str, Any]:
        return {
            "metadata": {
                "namespace": "shop",
                "name": "web",
                "creationTimestamp": ago(90000),
                "managedFields": [{"manager": manager, "time": ago(60)}],
            },
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 2,
                "maxReplicas": 8,
            },
        }

    (change,) = changes(autoscalers=[scaler("kubectl")])
    assert change["what"] == "changed: from 2 to 8 pods"
    assert changes(autoscalers=[scaler("kube-controller-manager")]) == []
