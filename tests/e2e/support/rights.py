# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users who have the rights of examples/rbac, or all of them but one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.cluster.kubectl import apply

from .modules import Answer

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "rbac"


def rules_of(*names: str) -> list[dict[str, Any]]:
    """One rule for each resource and verb of these example files."""
    return [
        {**rule, "resources": [resource], "verbs": [verb]}
        for name in names
        for rule in yaml.safe_load((EXAMPLES / f"{name}.yml").read_text())["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def right(rule: dict[str, Any]) -> str:
    return f"{rule['verbs'][0]} {rule['resources'][0]}"


def grant(cluster: Cluster, namespace: str, user: str, rules: list[dict[str, Any]]) -> str:
    """Give a user these rights in the namespace and no others; returns the user."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": user, "namespace": namespace}
    apply(
        cluster.kubeconfig,
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        },
    )
    return user


def told(answer: Answer) -> str:
    """All that an answer says, with its quotes as a person sees them."""
    return json.dumps(answer.result, ensure_ascii=False).replace('\\"', '"')
