# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for many rollouts on hollow nodes, whose pods only seem to run."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import counts_of

from tests.cluster import Cluster
from tests.e2e.support.audit import requests_to
from tests.e2e.support.workloads import Workload, wait_until

from .comparison import Comparison, single
from .fleet import CONTROLLER_SECONDS, client_of, fleet_of
from .module_process import run

ONE_BY_ONE = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
SHORT_SECONDS, LONG_SECONDS = 2, 25
# Two versions were deployed, so the rollback is the third.
GENERATION_BEFORE = 2


def measure_waiting(cluster: Cluster, *, size: int) -> list[Comparison]:
    """How many requests a wait takes, short and long, and how late its verdict comes."""
    counted: dict[int, int] = {}
    lags: list[float] = []
    for seconds in (SHORT_SECONDS, LONG_SECONDS):
        spec = {"strategy": ONE_BY_ONE, "minReadySeconds": seconds}
        with fleet_of(cluster, size, name=f"wait{seconds}", pods=1, **spec) as fleet:
            wait_until(lambda: _complete(fleet), "all pods are available", CONTROLLER_SECONDS)
            with (
                requests_to(cluster, fleet[0].namespace) as requests,
                Observer(cluster, fleet) as observer,
            ):
                run(
                    "k8s_rollout_undo",
                    kubeconfig=str(cluster.kubeconfig),
                    namespace=fleet[0].namespace,
                    label_selectors=["suite=workloads"],
                    mark=False,
                    wait_timeout=600,
                )
                ended = time.monotonic()
            lags.append(round(ended - observer.completed_at, 3))
            reads = [r for r in requests.all if r["verb"] in ("get", "list", "watch")]
            counted[seconds] = len(reads)
    more = LONG_SECONDS - SHORT_SECONDS
    return [
        single(
            f"requests to wait for {size}, {more} s longer",
            "the same without the longer wait",
            counted[LONG_SECONDS],
            counted[SHORT_SECONDS],
            bound=1.0,
            unit="requests",
        ),
        single(
            f"verdict on {size} after the controllers'",
            "1 s",
            max(lags),
            1.0,
            bound=1.0,
            unit="s",
        ),
    ]


def _complete(fleet: Sequence[Workload]) -> bool:
    listed = fleet[0].list_all()
    workloads = [item for item in listed if item["kind"] == "Deployment"]
    return all(_is_complete(workload) for workload in workloads)


def _is_complete(workload: dict) -> bool:
    observed = (workload.get("status") or {}).get("observedGeneration", 0)
    counts = counts_of({**workload, "kind": "Deployment"})
    is_seen = observed >= workload["metadata"]["generation"]
    return is_seen and counts.desired == counts.total == counts.updated == counts.available


class Observer:
    """Watches the Deployments beside the module; notes when the last one became complete."""

    def __init__(self, cluster: Cluster, fleet: Sequence[Workload]) -> None:
        self._client: Client = client_of(cluster)
        self._path = f"/apis/apps/v1/namespaces/{fleet[0].namespace}/deployments"
        self._incomplete: set[str] = set()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.completed_at = 0.0

    def __enter__(self) -> Observer:
        listed, self._version = self._client.list_objects(self._path, subject="Deployments")
        self._incomplete = {item["metadata"]["name"] for item in listed}
        self._thread.start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._client.close()

    def _watch(self) -> None:
        for event, live in self._client.watch(
            self._path, subject="Deployments", resource_version=self._version, seconds=600
        ):
            if event == "BOOKMARK":
                continue
            name = live["metadata"]["name"]
            if live["metadata"]["generation"] > GENERATION_BEFORE and _is_complete(live):
                self._incomplete.discard(name)
            if not self._incomplete and not self.completed_at:
                self.completed_at = time.monotonic()
                return
