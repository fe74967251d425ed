# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a caller may ask for, and which field of a live object it means."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.change import (
    Change,
    changes_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.floor import (
    as_floor,
    autoscaler_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
)

Object = dict[str, t.Any]

TEMPLATE = "/spec/template/spec"
LIVE = {
    "metadata": {"uid": "u1"},
    "spec": {
        "template": {
            "spec": {
                "containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}],
                "initContainers": [{"name": "setup"}],
            }
        },
        "ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}],
    },
}
NOTHING = dict.fromkeys(
    (
        *("api_version", "namespace", "key", "path", "container", "env", "annotation", "label"),
        *("pointer", "replicas", "value"),
    )
)


def option(**given: t.Any) -> Object:
    return {
        **NOTHING,
        "kind": "ConfigMap",
        "name": "web",
        "format": "auto",
        "remove": False,
        **given,
    }


def change(**given: t.Any) -> Change:
    (found,) = changes_from([option(**given)], "shop")
    return found


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        pytest.param({"key": "A", "value": 5}, "/data/A", "5", id="key"),
        pytest.param({"key": "A", "value": True}, "/data/A", "true", id="switch"),
        pytest.param({"key": "A", "remove": True}, "/data/A", ABSENT, id="removed"),
        pytest.param(
            {"kind": "Secret", "key": "A", "value": "s"}, "/data/A", "cw==", id="key of a Secret"
        ),
        pytest.param({"key": "a.json", "path": "/x", "value": 5}, "/data/a.json", 5, id="document"),
        pytest.param(
            {"key": "a.properties", "path": "/x", "value": False},
            *("/data/a.properties", "false"),
            id="property",
        ),
        pytest.param(
            {"annotation": "a.b/c", "value": 1},
            "/metadata/annotations/a.b~1c",
            "1",
            id="annotation",
        ),
        pytest.param({"label": "c", "value": "d"}, "/metadata/labels/c", "d", id="label"),
        pytest.param(
            {"kind": "Service", "pointer": "/spec/ports/1/port", "value": 8443},
            *("/spec/ports/[name=https]/port", 8443),
            id="pointer through a list",
        ),
        pytest.param(
            {"kind": "Deployment", "container": "web", "env": "A", "value": 2},
            f"{TEMPLATE}/containers/[name=web]/env/[name=A]",
            {"name": "A", "value": "2"},
            id="variable",
        ),
        pytest.param(
            {"kind": "Deployment", "container": "setup", "env": "A", "remove": True},
            *(f"{TEMPLATE}/initContainers/[name=setup]/env/[name=A]", ABSENT),
            id="variable of an init container",
        ),
    ],
)
def test_change_means_a_field(given: Object, path: str, value: t.Any) -> None:
    found = change(**given)
    assert (found.field(LIVE).path, found.value) == (path, value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"value": "1"}, "does not say what to change"),
        ({"key": "A", "label": "b", "value": "1"}, "names key and label"),
        ({"key": "A"}, "has no value"),
        ({"key": "A", "value": "1", "remove": True}, "has a value and remove"),
        ({"key": "a/b", "value": "1"}, "not a name that Kubernetes allows"),
        ({"key": "A", "value": {"a": 1}}, "is no text"),
        ({"key": "A", "value": "1", "container": "web"}, "goes with env only"),
        ({"label": "a", "value": "1", "path": "/a"}, "goes with key only"),
        ({"label": "a b", "value": "1"}, "not a name that Kubernetes allows"),
        ({"annotation": "oncall.recovery/restarted-for", "value": "1"}, "may change"),
        (
            {"annotation": "kubectl.kubernetes.io/last-applied-configuration", "value": "1"},
            "may change",
        ),
        ({"kind": "Service", "key": "A", "value": "1"}, "is for ConfigMaps and Secrets"),
        ({"kind": "Secret", "pointer": "/data/A", "value": "1"}, "would show its values"),
        ({"kind": "Secret", "pointer": "/data", "remove": True}, "would show its values"),
        ({"kind": "Secret", "pointer": "/type", "value": "1"}, "may change"),
        ({"kind": "Deployment", "env": "A", "value": "1"}, "needs a container"),
        ({"kind": "Deployment", "env": "A=B", "container": "web", "value": "1"}, "not a name"),
        ({"kind": "DaemonSet", "replicas": 1}, "are for Deployment, StatefulSet, ReplicaSet"),
        ({"kind": "Deployment", "replicas": -1}, "is -1"),
        ({"pointer": "/status/x", "value": "1"}, "may change"),
        ({"pointer": "/kind", "value": "1"}, "may change"),
        ({"pointer": "/metadata/ownerReferences", "value": []}, "may change"),
        ({"pointer": "/metadata/labels", "value": {}}, "may change"),
        ({"pointer": "/spec//a", "value": "1"}, "may change"),
        ({"name": "oncall-recovery-ledger", "key": "A", "value": "1"}, "the collection's own"),
        ({"name": "oncall-recovery", "key": "automation", "value": "on"}, "the collection's own"),
        ({"name": "../x", "key": "A", "value": "1"}, "not a name that Kubernetes allows"),
        ({"namespace": "a/b", "key": "A", "value": "1"}, "not a name that Kubernetes allows"),
        ({"kind": "role", "key": "A", "value": "1"}, "is not a kind"),
        ({"kind": "Gadget", "label": "a", "value": "1"}, "is needed for this kind"),
        ({"api_version": "v1/../x", "key": "A", "value": "1"}, "is 'v1/../x'"),
        (
            {
                "kind": "RoleBinding",
                "api_version": "rbac.authorization.k8s.io/v1",
                "label": "a",
                "value": "1",
            },
            "about rights",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_named(given: Object, told: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        change(**given)
    assert told in raised.value.message


def test_container_that_is_not_there_is_named_with_those_that_are() -> None:
    wanted = change(kind="Deployment", container="x", env="A", value="1")
    with pytest.raises(RecoveryError, match=r"no container x \(it has web, setup\)"):
        wanted.field(LIVE)


WORKLOAD = {"metadata": {"name": "web"}}


def autoscaler(**spec: t.Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metadata = {"name": "hpa", "namespace": "shop", "uid": "u2"}
    return {"metadata": metadata, "spec": {"scaleTargetRef": target, "maxReplicas": 8, **spec}}


@pytest.mark.parametrize(
    ("replicas", "spec", "before", "expected"),
    [
        pytest.param(6, {"minReplicas": 2}, None, 6, id="raised"),
        pytest.param(3, {"minReplicas": 5}, None, 5, id="one that is higher stays"),
        pytest.param(3, {"minReplicas": 6}, 2, 3, id="applied again with less"),
        pytest.param(6, {}, None, 6, id="one without a floor"),
    ],
)
def test_floor_of_an_autoscaler_is_raised(
    replicas: int, spec: Object, before: int | None, expected: int
) -> None:
    wanted = change(kind="Deployment", replicas=replicas)
    found = autoscaler_for(wanted, WORKLOAD, [autoscaler(**spec)])
    assert found
    floor = as_floor(wanted, found, before, 8)
    assert (str(floor.reference), floor.tokens, floor.value) == (
        "HorizontalPodAutoscaler shop/hpa",
        ("spec", "minReplicas"),
        expected,
    )


def test_no_replicas_are_those_of_the_workload_itself() -> None:
    wanted = change(kind="Deployment", replicas=0)
    assert autoscaler_for(wanted, WORKLOAD, [autoscaler()]) is None
    assert wanted.field(LIVE).path == "/spec/replicas"


def test_floor_above_the_ceiling_is_refused() -> None:
    wanted = change(kind="Deployment", replicas=9)
    with pytest.raises(RecoveryError, match="it allows 8 replicas of Deployment shop/web, not 9"):
        as_floor(wanted, autoscaler(), None, 8)


def test_autoscaler_that_something_else_keeps_is_refused() -> None:
    kept = autoscaler()
    kept["metadata"]["ownerReferences"] = [
        {"kind": "ScaledObject", "name": "web", "controller": True}
    ]
    with pytest.raises(RecoveryError, match="ScaledObject web made it and would set it back"):
        autoscaler_for(change(kind="Deployment", replicas=3), WORKLOAD, [kept])
