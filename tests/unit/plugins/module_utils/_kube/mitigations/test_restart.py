# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only pods that read a changed key when they start have to start anew."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.restart import (
    Source,
    Tokens,
    reads,
)

Object = dict[str, t.Any]
CHANGED = {Source("ConfigMap", "web", "A")}


def workload(container: Object | None = None, **spec: t.Any) -> Object:
    containers = [{"name": "web", **(container or {})}]
    return {"spec": {"template": {"spec": {"containers": containers, **spec}}}}


def variable(source: str, name: str = "web", key: str = "A") -> Object:
    return {"env": [{"name": "V", "valueFrom": {source: {"name": name, "key": key}}}]}


def volumes(**volume: t.Any) -> Object:
    return workload(volumes=[{"name": "v", **volume}])


@pytest.mark.parametrize(
    ("manifest", "in_environment", "anywhere"),
    [
        pytest.param(workload(), False, False, id="reads nothing"),
        pytest.param(
            workload({"envFrom": [{"configMapRef": {"name": "web"}}]}), True, True, id="all keys"
        ),
        pytest.param(
            workload({"envFrom": [{"configMapRef": {"name": "web", "optional": True}}]}),
            *(True, True),
            id="all keys, optional",
        ),
        pytest.param(workload(variable("configMapKeyRef")), True, True, id="the key"),
        pytest.param(
            workload(variable("configMapKeyRef", key="B")), False, False, id="another key"
        ),
        pytest.param(
            workload(variable("configMapKeyRef", "other")), False, False, id="another ConfigMap"
        ),
        pytest.param(workload(variable("secretKeyRef")), False, False, id="a Secret of that name"),
        pytest.param(
            workload(initContainers=[variable("configMapKeyRef")]), True, True, id="init container"
        ),
        pytest.param(volumes(configMap={"name": "web"}), False, True, id="mounted"),
        pytest.param(
            volumes(projected={"sources": [{"configMap": {"name": "web"}}]}),
            *(False, True),
            id="mounted with others",
        ),
        pytest.param(volumes(secret={"secretName": "web"}), False, False, id="a mounted Secret"),
    ],
)
def test_reader_is_told_from_mounter(
    manifest: Object, in_environment: bool, anywhere: bool
) -> None:
    assert reads(manifest, CHANGED, mounted=False) is in_environment
    assert reads(manifest, CHANGED, mounted=True) is anywhere


def test_change_of_all_keys_concerns_each() -> None:
    manifest = workload(variable("configMapKeyRef", key="B"))
    assert reads(manifest, {Source("ConfigMap", "web")}, mounted=False)


def test_run_that_plans_anew_keeps_its_tokens() -> None:
    tokens = Tokens("m")
    assert tokens.for_workload("u1") == tokens.for_workload("u1")
    assert tokens.for_workload("u1") != tokens.for_workload("u2")
    assert tokens.for_workload("u1") != Tokens("m").for_workload("u1")
