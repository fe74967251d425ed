# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads an application to the restored database by a mitigation, where names stay as they are."""

from __future__ import annotations

import json

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .playbook import run
from .shop import APPROVER, ORDERS, Shop


def test_application_is_led_to_the_restored_database_and_back(
    shop: Shop, cluster: Cluster, namespace: str
) -> None:
    shop.dump()
    shop.sql("DELETE FROM orders;")
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": namespace},
        "data": {"DATABASE": shop.name},
    }
    apply(cluster.kubeconfig, settings)

    def led_to() -> str:
        found = kubectl(
            cluster.kubeconfig, "get", "configmap/web", f"--namespace={namespace}", "-o=json"
        )
        return str(json.loads(found)["data"]["DATABASE"])

    change = {
        "kind": "ConfigMap",
        "name": "web",
        "key": "DATABASE",
        "value": "{{ database_restore_target.database | default('') }}",
    }
    variables = {
        "database_restore_switch": "mitigation",
        "database_restore_mitigation": "restored_database",
        "database_restore_approved_by": APPROVER,
        "recovery_kubeconfig": str(cluster.kubeconfig),
        "mitigations": [
            {
                "name": "restored_database",
                "technique": "custom",
                "namespace": namespace,
                "changes": [change],
            }
        ],
    }
    done = run(shop, **variables)
    found = done.statistic("database_restore")
    assert (found["outcome"], found["changed"]) == ("switched", True), done.output
    assert led_to() == found["restored"] != shop.name
    assert (shop.orders(), shop.orders(found["restored"])) == (0, ORDERS)

    back = run(shop, **variables, database_restore_state="switched_back")
    assert back.statistic("database_restore")["outcome"] == "switched_back", back.output
    assert led_to() == shop.name
