# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of owners that were suspended for a rollback, or would have been."""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import Selection
from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo import (
    UndoResult,
    undo_rollouts,
)

from .builders import history, workload
from .scripted import ScriptedClient

Object = dict[str, t.Any]

WORKLOADS = "/apis/apps/v1/namespaces/shop/deployments"
REVISIONS = "/apis/apps/v1/namespaces/shop/replicasets"
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
APPLICATION = {
    "metadata": {"name": "shop", "namespace": "argocd", "uid": "uid-of-shop"},
    "spec": {"syncPolicy": {"automated": {}}},
}
LEDGER = {"metadata": {"resourceVersion": "7"}, "data": {}}
DENIED = ApiError("Deployment shop/web", 403, "Forbidden", "admission webhook said no")


def undo(
    *patches: t.Any, reads: list[Object] | None = None, paused: bool = False, **request: t.Any
) -> tuple[UndoResult, ScriptedClient]:
    """Roll back ``web``, and with ``paused`` also ``cart``, which is; both of one Application."""
    tracked = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}
    lives = [workload(annotations=tracked)]
    if paused:
        lives.append(workload(name="cart", annotations=tracked, spec={"paused": True}))
    client = ScriptedClient(
        {
            WORKLOADS: lives,
            REVISIONS: [kept for live in lives for kept in history(live, "web:1", "web:2")],
            APPLICATIONS: [APPLICATION],
        },
        gets=[LEDGER, *(reads or [])],
        patches=patches,
    )
    selection = Selection(kind="Deployment", namespace="shop", label_selector="team=shop")
    return undo_rollouts(client, selection, UndoRequest(gitops="suspend", **request)), client


def test_owner_that_stays_suspended_after_a_failure_is_told_and_counts_as_a_change() -> None:
    result, _client = undo({}, {}, DENIED, reads=[workload()])
    (told,) = result.as_result()["workloads"]
    assert told["outcome"] == "failed"
    assert [owner["name"] for owner in told["suspended"]] == ["shop"]
    assert "It is left with Argo CD Application shop suspended" in told["message"]
    assert told["changed"] is True


def test_dry_run_that_fails_leaves_nothing_suspended() -> None:
    result, _client = undo({}, {}, DENIED, reads=[workload()], dry_run=True)
    (told,) = result.as_result()["workloads"]
    assert told["outcome"] == "failed"
    assert "is left with" not in told["message"]
    assert (told["suspended"], told["changed"]) == ([], False)


def test_nothing_counts_as_suspended_where_all_or_nothing_comes_to_nothing() -> None:
    result, client = undo({}, {}, workload(image="web:1"), paused=True, all_or_nothing=True)
    assert [dry_run for _path, _patch, dry_run in client.patched] == [True] * 3
    told = {w["name"]: w for w in result.as_result()["workloads"]}
    assert {name: w["outcome"] for name, w in told.items()} == {"web": "skipped", "cart": "blocked"}
    assert [w["suspended"] for w in told.values()] == [[], []]
    assert not any("is left with" in w["message"] for w in told.values())
    assert result.as_result()["changed"] is False
