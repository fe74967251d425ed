# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback suspended is switched on again, and nothing else that a ledger may say."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations import put_back
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.filter import (
    Filter,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.outcome import (
    Outcome,
)

from .api_server import ApiServer

Object = dict[str, t.Any]

LEDGER = "/api/v1/namespaces/shop/configmaps/oncall-recovery-ledger"
FLUX = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux/kustomizations/shop"
ARGO_CD = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop"
ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/shop"
AUTOMATED = {"prune": True}
RESUME = [{"op": "remove", "path": "/spec/suspend"}]
AUTOMATE = [{"op": "add", "path": "/spec/syncPolicy/automated", "value": AUTOMATED}]


def noted(path: str, restore: list[Object], **more: t.Any) -> str:
    entry = {"what": "suspension", "path": path, "uid": "u1", "restore": restore}
    return json.dumps({**entry, "for": "Deployment shop/web", "incident": "INC-1", **more})


def server_with(kind: str, entry: str, *objects: tuple[str, Object]) -> ApiServer:
    data = {f"suspension.{kind}.1f-2": entry}
    named = [(path, {**content, "metadata": {"uid": "u1"}}) for path, content in objects]
    return ApiServer((LEDGER, {"data": data}), *named)


def put_back_all(server: ApiServer, incident: str = "INC-1") -> Outcome:
    request = put_back.Request(Filter(incident=incident), "shop")
    return put_back.put_back(t.cast("t.Any", server), request)


@pytest.mark.parametrize(
    ("kind", "path", "restore", "suspended", "expected"),
    [
        pytest.param(
            *("Kustomization", FLUX, RESUME, {"interval": "1m", "suspend": True}),
            {"interval": "1m"},
            id="Flux",
        ),
        pytest.param(
            *("Application", ARGO_CD, AUTOMATE, {"syncPolicy": {"syncOptions": ["a"]}}),
            {"syncPolicy": {"syncOptions": ["a"], "automated": AUTOMATED}},
            id="Argo CD",
        ),
    ],
)
def test_owner_is_switched_on_again(
    kind: str, path: str, restore: list[Object], suspended: Object, expected: Object
) -> None:
    server = server_with(kind, noted(path, restore), (path, {"spec": suspended}))
    assert put_back_all(server, "INC-2").names == []
    outcome = put_back_all(server)
    assert (outcome.names, outcome.failure) == ([("suspension", "shop")], "")
    assert server.objects[path]["spec"] == expected
    assert server.ledger() == {}


def test_owner_that_somebody_switched_on_is_left_alone_and_crossed_out() -> None:
    spec = {"interval": "1m", "suspend": False}
    server = server_with("Kustomization", noted(FLUX, RESUME), (FLUX, {"spec": spec}))
    (field,) = put_back_all(server).fields
    assert "somebody switched it on" in field.message
    assert server.objects[FLUX]["spec"] == spec
    assert server.ledger() == {}


def test_owner_that_is_gone_stays_in_the_ledger_and_is_told() -> None:
    server = server_with("Kustomization", noted(FLUX, RESUME))
    assert "404" in put_back_all(server).failure
    assert len(server.ledger()) == 1


@pytest.mark.parametrize(
    ("path", "restore"),
    [
        pytest.param(ROLE, RESUME, id="rights"),
        pytest.param(f"{FLUX}/../../../x", RESUME, id="a path that climbs"),
        pytest.param(FLUX, [{"op": "add", "path": "/spec/path", "value": "./x"}], id="a field"),
        pytest.param(FLUX, [*RESUME, *RESUME], id="more than it takes"),
        pytest.param(
            FLUX, [{"op": "add", "path": "/spec/suspend", "value": True}], id="suspended again"
        ),
        pytest.param(FLUX, [], id="nothing"),
    ],
)
def test_entry_that_somebody_wrote_is_named_and_nothing_is_done(
    path: str, restore: list[Object]
) -> None:
    owned = (FLUX, {"spec": {"suspend": True}})
    server = server_with("Kustomization", noted(path, restore), owned, (ROLE, {"rules": []}))
    before = server.content()
    outcome = put_back_all(server)
    assert outcome.fields == []
    assert "of the ledger in shop: cannot be read" in " ".join(outcome.warnings)
    assert (server.content(), len(server.ledger())) == (before, 1)
