# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop whose settings are mitigated, and how its objects look in the cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.images import PAUSE_IMAGE
from tests.cluster.kubectl import apply, kubectl

from .modules import Answer, run_module
from .workloads import Workload

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


def make_shop(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Shop:
    """The objects of one test, which no other test touches."""
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    apply(cluster.kubeconfig, *objects(namespace, name))
    return Shop(cluster.kubeconfig, namespace, name)


KEY = {"kind": "ConfigMap", "key": "UPSTREAM_URL", "value": "http://fallback"}
