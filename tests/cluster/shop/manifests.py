# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects of the shop, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .versions import version_named

PORT = 8080
KINDS = ("Deployment", "StatefulSet", "DaemonSet")
COMMANDS = ("shop", "upstream")
SETTINGS_FILE = "shop.properties"

Manifest = dict[str, object]


@dataclass(frozen=True)
class Shop:
    """One installation.

    :param command: ``shop``, or ``upstream`` for the API that a shop depends on.
    :param settings: go into the ConfigMap; names as in ``app/settings.py``.
    :param environment: settings that go into environment variables instead, and win.
    :param annotations: of the pods, besides those that the shop always has.
    """

    name: str = "web"
    namespace: str = "shop"
    version: str = "1.0.0"
    kind: str = "Deployment"
    replicas: int = 3
    command: str = "shop"
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def selector(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": self.name}

    @property
    def settings_name(self) -> str:
        return f"{self.name}-settings"


def all_objects(shop: Shop) -> list[Manifest]:
    """Everything that the installation needs, in the order in which to create it."""
    return [namespace(shop.namespace), config_map(shop), service(shop), workload(shop)]


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(shop: Shop) -> Manifest:
    lines = [f"{name}={_text(value)}\n" for name, value in sorted(shop.settings.items())]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(shop, shop.settings_name),
        "data": {SETTINGS_FILE: "".join(lines)},
    }


def service(shop: Shop) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(shop, shop.name),
        "spec": {
            "selector": shop.selector,
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def workload(shop: Shop) -> Manifest:
    """The Deployment, StatefulSet or DaemonSet; the three differ only in how they roll out."""
    spec = {
        "selector": {"matchLabels": shop.selector},
        "template": {
            "metadata": {
                "labels": {**shop.selector, "app.kubernetes.io/version": shop.version},
                "annotations": {
                    "prometheus.io/scrape": "true",
                    "prometheus.io/port": str(PORT),
                    "prometheus.io/path": "/metrics",
                    **shop.annotations,
                },
            },
            "spec": _pod_spec(shop),
        },
        **_rollout_spec(shop),
    }
    metadata = _metadata(shop, shop.name)
    metadata["annotations"] = {"kubernetes.io/change-cause": f"deploy {shop.version}"}
    return {"apiVersion": "apps/v1", "kind": shop.kind, "metadata": metadata, "spec": spec}


def _rollout_spec(shop: Shop) -> Manifest:
    match shop.kind:
        case "Deployment":
            return {
                "replicas": shop.replicas,
                "progressDeadlineSeconds": 30,
                "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            }
        case "StatefulSet":
            return {"replicas": shop.replicas, "serviceName": shop.name}
        case "DaemonSet":
            return {}
    raise ValueError(f"the shop runs as one of {', '.join(KINDS)}, not as {shop.kind}")


def _pod_spec(shop: Shop) -> Manifest:
    return {
        # More than the shop's own drain time, less than a person likes to wait.
        "terminationGracePeriodSeconds": 10,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [_container(shop)],
        "volumes": [
            {"name": "settings", "configMap": {"name": shop.settings_name, "optional": True}}
        ],
    }


def _container(shop: Shop) -> Manifest:
    return {
        "name": "shop",
        "image": version_named(shop.version).image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "app", shop.command],
        "env": [
            {"name": f"SHOP_{name.upper()}", "value": _text(value)}
            for name, value in sorted(shop.environment.items())
        ],
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": _probe("/readyz", period=1),
        "livenessProbe": _probe("/healthz", period=5),
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"memory": "64Mi"},
        },
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/shop", "readOnly": True}],
    }


def _probe(path: str, period: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": 3,
    }


def _metadata(shop: Shop, name: str) -> Manifest:
    return {"name": name, "namespace": shop.namespace, "labels": shop.selector}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
