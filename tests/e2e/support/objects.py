# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How objects look in the cluster, without what the server and its controllers keep themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import kubectl

KEPT_BY_THE_SERVER = ("resourceVersion", "managedFields", "generation")
REVISION_ANNOTATION = "deployment.kubernetes.io/revision"


def snapshot(kubeconfig: Path, namespace: str, *names: str) -> list[dict[str, Any]]:
    """The objects, each named as in ``configmap/web``, in the order of their names."""
    found = kubectl(kubeconfig, "--namespace", namespace, "get", *sorted(names), "--output=json")
    listed = json.loads(found)
    return [_without_server(item) for item in listed.get("items", [listed])]


def _without_server(live: dict[str, Any]) -> dict[str, Any]:
    live.pop("status", None)
    for name in KEPT_BY_THE_SERVER:
        live["metadata"].pop(name, None)
    live["metadata"].get("annotations", {}).pop(REVISION_ANNOTATION, None)
    return live
