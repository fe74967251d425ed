# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server takes the PrometheusRule object, by the schema that the operator gives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .alerting.playbook import render

GROUP, PLURAL = "monitoring.coreos.com", "prometheusrules"
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
RULE = {
    "type": "object",
    "required": ["expr"],
    "properties": {
        "alert": {"type": "string"},
        "record": {"type": "string"},
        "expr": {"x-kubernetes-int-or-string": True},
        "for": {"type": "string", "pattern": r"^(0|([0-9]+(ms|[smhdwy]))+)$"},
        "labels": TEXTS,
        "annotations": TEXTS,
    },
}


def listed(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


@pytest.fixture(scope="module")
def definition(cluster: Cluster) -> Iterator[None]:
    """The fields of https://prometheus-operator.dev/docs/api-reference/api/ that rules use."""
    group = {
        "type": "object",
        "required": ["name", "rules"],
        "properties": {"name": {"type": "string", "minLength": 1}, "rules": listed(RULE)},
    }
    spec = {"type": "object", "required": ["groups"], "properties": {"groups": listed(group)}}
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
    names = {"kind": "PrometheusRule", "plural": PLURAL, "singular": "prometheusrule"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    name = f"{PLURAL}.{GROUP}"
    apply(
        cluster.kubeconfig,
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
        },
    )
    kubectl(cluster.kubeconfig, "wait", "--for=condition=Established", f"crd/{name}")
    yield
    kubectl(cluster.kubeconfig, "delete", "crd", name)


@pytest.mark.usefixtures("definition")
def test_object_is_taken_and_nothing_of_it_is_dropped(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yml"
    done = render(
        tmp_path,
        alert_rules_path=str(path),
        alert_rules_format="prometheus_rule",
        alert_rules_object_namespace=namespace,
        alert_rules_object_labels={"release": "prometheus"},
        alert_rules_services=[
            {"namespace": "shop", "name": "web", "team": "shop", "slo": 99.9},
            {"namespace": "shop", "name": "orders", "kind": "StatefulSet"},
            {"namespace": "shop", "name": "agent", "kind": "DaemonSet"},
        ],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kubectl(cluster.kubeconfig, "apply", "-f", str(path))
    stored = json.loads(
        kubectl(
            cluster.kubeconfig,
            *("get", PLURAL, "oncall-recovery", "--namespace", namespace, "--output=json"),
        )
    )
    assert stored["spec"] == yaml.safe_load(path.read_text())["spec"]
    assert stored["metadata"]["labels"] == {"release": "prometheus"}
