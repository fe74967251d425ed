# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor: a bare client that sends the requests of a rollback and thinks nothing.

As a program (``python -m tests.bench.floor REQUESTS``) it sends what is in the file.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

CONNECTIONS = 8
_POOL = 12
_JSON_PATCH = {"Content-Type": "application/json-patch+json"}
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def write_requests(folder: Path, kubeconfig: Path, namespace: str) -> Path:
    """Look at the fleet, and write down what rolls it back and marks what it leaves."""
    import yaml

    settings = yaml.safe_load(kubeconfig.read_text())
    cluster, user = settings["clusters"][0]["cluster"], settings["users"][0]["user"]
    files = {}
    for name, data in (
        ("ca_certs", cluster["certificate-authority-data"]),
        ("cert_file", user["client-certificate-data"]),
        ("key_file", user["client-key-data"]),
    ):
        files[name] = str(folder / name)
        (folder / name).write_bytes(base64.b64decode(data))
    address = urlsplit(cluster["server"])
    plan: dict[str, Any] = {"host": address.hostname, "port": address.port, "tls": files}
    pool = _pool(plan)
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    plan["lists"] = [
        f"{apps}/deployments?limit=500&labelSelector=suite%3Dworkloads",
        f"{apps}/replicasets?limit=500",
        f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases?limit=500",
        f"/api/v1/namespaces/{namespace}/resourcequotas?limit=500",
    ]
    deployments, replica_sets = (
        pool.request("GET", path.replace("limit=500", "limit=0")).json()["items"]
        for path in plan["lists"][:2]
    )
    plan["pairs"] = [_pair(apps, deployment, replica_sets) for deployment in deployments]
    path = folder / "requests.json"
    path.write_text(json.dumps(plan))
    return path


def _pair(apps: str, deployment: dict[str, Any], replica_sets: Sequence[dict[str, Any]]) -> Any:
    """The patch of a Deployment, and that of the ReplicaSet it leaves."""
    metadata = deployment["metadata"]
    older, newer = sorted(
        (r for r in replica_sets if r["metadata"]["ownerReferences"][0]["uid"] == metadata["uid"]),
        key=lambda r: int(r["metadata"]["annotations"]["deployment.kubernetes.io/revision"]),
    )
    template = older["spec"]["template"]
    template["metadata"]["labels"].pop("pod-template-hash")
    rollback = [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    mark = {"metadata": {"labels": {"oncall.recovery/verdict": "bad"}}}
    return [
        [f"{apps}/deployments/{metadata['name']}", rollback],
        [f"{apps}/replicasets/{newer['metadata']['name']}", mark],
    ]


def _pool(plan: dict[str, Any]) -> urllib3.HTTPSConnectionPool:
    return urllib3.HTTPSConnectionPool(plan["host"], plan["port"], maxsize=_POOL, **plan["tls"])


def send(path: Path) -> None:
    plan = json.loads(path.read_text())
    pool = _pool(plan)

    def both(pair: Any) -> None:
        for (target, body), headers in zip(pair, (_JSON_PATCH, _MERGE_PATCH), strict=True):
            answer = pool.request("PATCH", target, body=json.dumps(body), headers=headers)
            if answer.status != 200:
                raise RuntimeError(f"{target}: {answer.status} {answer.data!r}")

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda target: pool.request("GET", target).data, plan["lists"]))
        list(threads.map(both, plan["pairs"]))


if __name__ == "__main__":
    send(Path(sys.argv[1]))
