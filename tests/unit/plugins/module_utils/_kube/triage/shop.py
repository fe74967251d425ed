# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A namespace as the API server would list it, and a client that answers from it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.request import (
    TriageRequest,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.triage import triage

from .. import builders
from ..scripted import ScriptedClient

Object = dict[str, Any]

NOW = datetime.datetime(2026, 11, 25, 18, 40, 0, tzinfo=datetime.timezone.utc)
SHOP = "/namespaces/shop/"
PATHS = {
    "deployments": f"/apis/apps/v1{SHOP}deployments",
    "replicasets": f"/apis/apps/v1{SHOP}replicasets",
    "pods": f"/api/v1{SHOP}pods",
    "events": f"/api/v1{SHOP}events",
    "configmaps": f"/api/v1{SHOP}configmaps",
    "secrets": f"/api/v1{SHOP}secrets",
    "autoscalers": f"/apis/autoscaling/v1{SHOP}horizontalpodautoscalers",
    "usage": f"/apis/metrics.k8s.io/v1beta1{SHOP}pods",
    "nodes": "/api/v1/nodes",
    "node usage": "/apis/metrics.k8s.io/v1beta1/nodes",
    "all pods": "/api/v1/pods",
    "all usage": "/apis/metrics.k8s.io/v1beta1/pods",
}


class Client(ScriptedClient):
    """Answers lists by the names above, and logs by the name of the pod."""

    def __init__(self, lists: Mapping[str, Any], logs: Mapping[str, Any] | None = None) -> None:
        super().__init__({PATHS[name]: answer for name, answer in lists.items()})
        self.logs = logs or {}
        self.read_logs: list[tuple[str, Mapping[str, Any]]] = []

    def now(self) -> datetime.datetime:
        return NOW

    def get_text(
        self, path: str, *, subject: str, query: Mapping[str, Any], patience: float
    ) -> str:
        assert patience > 0
        self.read_logs.append((path, query))
        answer = self.logs.get(path.split("/")[-2], "")
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


def ago(seconds: float) -> str:
    return (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def forbidden(what: str) -> list[Exception]:
    return [ApiError(what, 403, "Forbidden", "not you")]


def deployment(**fields: Any) -> Object:
    return builders.workload(namespace="shop", **fields)


def release(owner: Object, number: int, image: str, before: float, **template: Any) -> Object:
    """The ReplicaSet of a revision that was made ``before`` seconds ago."""
    made = builders.replica_set(owner, number, image, created=ago(before))
    made["spec"]["template"]["spec"].update(template)
    return made


def pod(owner: Object, name: str, *containers: Object, **fields: Any) -> Object:
    """A pod of a ReplicaSet, ready where its containers are."""
    ready = all(container.get("ready") for container in containers)
    made = builders.pod(
        owner,
        name,
        containers=containers,
        conditions=[
            {**builders.condition("Ready", str(ready)), "lastTransitionTime": ago(100)},
        ],
        status={"phase": "Running"},
    )
    made["metadata"]["creationTimestamp"] = ago(110)
    made["spec"] = {
        "nodeName": "node-1",
        "containers": [
            {
                "name": "web",
                "image": "web:2",
                "resources": {"limits": {"memory": "64Mi", "cpu": "500m"}},
            }
        ],
    }
    made.update(fields)
    return made


def running(*, ready: bool = True, restarts: int = 0, last: Object | None = None) -> Object:
    made = builders.container("running", ready=ready, last=last, startedAt=ago(100))
    return {**made, "restartCount": restarts}


def waiting(reason: str, message: str = "", *, last: Object | None = None) -> Object:
    made = builders.container("waiting", last=last, reason=reason, message=message)
    return {**made, "restartCount": 4 if last else 0}


def ended(reason: str = "Error", code: int = 1) -> Object:
    return {
        "reason": reason,
        "exitCode": code,
        "startedAt": ago(60),
        "finishedAt": ago(50),
    }


def config_map(name: str, data: Mapping[str, str], before: float, **metadata: Any) -> Object:
    return {
        "metadata": {
            "namespace": "shop",
            "name": name,
            "uid": f"uid-of-{name}",
            "resourceVersion": "7",
            "creationTimestamp": ago(90000),
            "managedFields": [{"manager": "kubectl", "time": ago(before)}],
            **metadata,
        },
        "data": dict(data),
    }


def applied(data: Mapping[str, str]) -> Object:
    text = json.dumps({"kind": "ConfigMap", "data": dict(data)})
    return {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}}


def looked(
    lists: Mapping[str, Sequence[Any]],
    logs: Mapping[str, Any] | None = None,
    **request: Any,
) -> dict[str, Any]:
    """The result of a triage of namespace shop that finds these lists."""
    return look(Client(lists, logs), **request)


def look(client: Client, **request: Any) -> dict[str, Any]:
    wanted = {"namespaces": ("shop",), "budget": 5.0, **request}
    return triage(client, TriageRequest(**wanted))  # type: ignore[arg-type]


def types_of(result: Mapping[str, Any]) -> list[str]:
    return [finding["type"] for finding in result["findings"]]
