# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shops in namespaces of their own, and how they look."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.auto.stage import Stage
from tests.cluster import Cluster
from tests.cluster.shop import deploy
from tests.cluster.shop.manifests import PORT, Shop
from tests.e2e.support.workloads import Workload, wait_until

PATIENCE_SECONDS = 120.0


@contextmanager
def installed(cluster: Cluster, story: str, *versions: str) -> Iterator[Shop]:
    """A shop of two pods, with these versions deployed one after the other."""
    shop = Shop(namespace=f"auto-{story}-{os.getpid()}", replicas=2)
    try:
        for version in versions:
            shop = Shop(namespace=shop.namespace, replicas=2, version=version)
            deploy.apply(cluster.kubeconfig, shop)
            deploy.wait(cluster.kubeconfig, shop)
        yield shop
    finally:
        deploy.delete(cluster.kubeconfig, shop.namespace, wait=False)


def live(stage: Stage) -> dict[str, Any]:
    shop = stage.shop
    return Workload(stage.cluster.kubeconfig, shop.kind, shop.namespace, shop.name).live()


def version_of(stage: Stage) -> str:
    (container,) = live(stage)["spec"]["template"]["spec"]["containers"]
    return str(container["image"]).rpartition(":")[2]


def set_on_all_pods(stage: Stage, **settings: float) -> None:
    """Change what the pods that serve do, without a deploy."""
    # Pods of an earlier version may still be ending, and no longer answer.
    ready = "jsonpath={.subsets[*].addresses[*].ip}"
    found = stage.kubectl("get", "endpoints", stage.shop.name, f"--output={ready}").split()
    assert found
    for host in found:
        connection = http.client.HTTPConnection(host, PORT, timeout=PATIENCE_SECONDS)
        connection.request("PUT", "/settings", body=json.dumps(settings))
        assert connection.getresponse().status == 200
        connection.close()


def wait_for(holds: Callable[[], object], what: str, stage: Stage) -> None:
    wait_until(lambda: bool(holds()), f"{what}, see {stage.folder}", PATIENCE_SECONDS)
