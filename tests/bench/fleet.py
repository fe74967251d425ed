# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments to roll back: made, settled and cleared of marks fast, however many they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import (
    MERGE_PATCH,
    Client,
)

from tests.cluster import Cluster
from tests.cluster.kubectl import kubectl
from tests.e2e.support.workloads import Workload, wait_until

NAMESPACE = f"bench-{os.getpid()}"
CONTROLLER_SECONDS = 240.0
MARK = "oncall.recovery/verdict"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_REPLICA_SETS = "/apis/apps/v1/namespaces/{}/replicasets"


@contextmanager
def fleet_of(
    cluster: Cluster, size: int, *, name: str = "web", pods: int = 0, **spec: Any
) -> Iterator[list[Workload]]:
    """Deployments with two versions each, in a namespace of their own."""
    namespace = f"{NAMESPACE}-{name}"
    kubectl(cluster.kubeconfig, "create", "namespace", namespace)
    # Each has a label key of its own, or kubernetes.core would take another's ReplicaSet.
    fleet = [
        Workload(
            cluster.kubeconfig, "Deployment", namespace, f"{name}-{n}", {f"app-{n}": "web"}, pods
        )
        for n in range(size)
    ]
    client = client_of(cluster)
    try:
        path = _DEPLOYMENTS.format(namespace)
        client.side_by_side(
            lambda member: client.post(path, member.manifest("1", **spec), subject=member.name),
            fleet,
        )
        settle(fleet)
        release(client, fleet, "2", **spec)
        settle(fleet)
        yield fleet
    finally:
        client.close()
        kubectl(cluster.kubeconfig, "delete", "namespace", namespace, "--wait=false")


def client_of(cluster: Cluster) -> Client:
    """A client of the bench's own, told apart in the audit log."""
    options = {"kubeconfig": str(cluster.kubeconfig)}
    return Client(options, user_agent="bench", connections=16)


def release(client: Client, fleet: Sequence[Workload], version: str, **spec: Any) -> None:
    """Give all members another version."""
    client.side_by_side(
        lambda member: client.patch(
            f"{_DEPLOYMENTS.format(member.namespace)}/{member.name}",
            {"spec": {"template": member.manifest(version, **spec)["spec"]["template"]}},
            subject=member.name,
            content_type=MERGE_PATCH,
        ),
        fleet,
    )


def settle(fleet: Sequence[Workload]) -> None:
    """Let the controllers number the revisions anew."""

    def all_are_settled() -> bool:
        listed = fleet[0].list_all()
        return all(workload.is_settled(listed) for workload in fleet)

    wait_until(all_are_settled, "the controllers have caught up", CONTROLLER_SECONDS)


def clear_marks(client: Client, fleet: Sequence[Workload]) -> None:
    """Remove all marks, so that the next turn may go back to what the last one left."""
    path = _REPLICA_SETS.format(fleet[0].namespace)
    marked, _version = client.list_objects(path, subject="ReplicaSets", label_selector=MARK)
    client.side_by_side(
        lambda found: client.patch(
            f"{path}/{found['metadata']['name']}",
            {"metadata": {"labels": {MARK: None}}},
            subject=found["metadata"]["name"],
            content_type=MERGE_PATCH,
        ),
        marked,
    )
