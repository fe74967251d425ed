# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making room for the target where a StatefulSet waits for pods that will not become ready.

With ``OrderedReady``, the controller waits for every pod to be ready before it replaces the next,
so that a restored template alone changes nothing (Kubernetes' page on StatefulSets, "Forced
rollback"; kubernetes#67250).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import follow
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    STATEFUL_SET,
    object_path,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import (
    is_ready,
    pods_of_revision,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    current_revision,
    is_superseded,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    View,
    partition_of,
    rollout_status,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.outcome import Outcome

    Object = Mapping[str, t.Any]

CORE = "/api/v1"
# A PodDisruptionBudget may allow an eviction later; nothing tells when.
SECONDS_BETWEEN_REFUSALS = 3.0


def evict_stuck_pods(client: Client, outcomes: Sequence[Outcome], deadline: float) -> list[Outcome]:
    """Evict the stuck pods of the StatefulSets among these until ``deadline`` (monotonic seconds).

    Side by side for several of them, one pod at a time for each. What keeps a pod from being
    evicted becomes the outcome's warning; the wait for the rollout then tells the rest.
    """

    def free(outcome: Outcome) -> Outcome:
        if outcome.live is None or not _waits_for_order(outcome.live):
            return outcome
        return _Evictor(client, deadline).free(outcome, outcome.live)

    return client.side_by_side(free, outcomes)


def stuck_pod(view: View) -> Object | None:
    """The pod that the controller waits for: not ready, not of the newest revision, the highest.

    None while the controller has not yet seen the restored template, and where a pod is about to
    end: one at a time. Pods below the partition are left alone, since they would come back as
    they are.
    """
    current = current_revision(view.workload, view.revisions)
    if current is None or any(p["metadata"].get("deletionTimestamp") for p in view.pods):
        return None
    spared = {id(pod) for pod in pods_of_revision(view.workload, current, view.pods)}
    partition = partition_of(view.workload)
    stuck = [
        pod
        for pod in view.pods
        if id(pod) not in spared and not is_ready(pod) and _ordinal(pod) >= partition
    ]
    return max(stuck, key=_ordinal, default=None)


class _Evictor:
    """Frees one StatefulSet."""

    def __init__(self, client: Client, deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._evicted: dict[str, str] = {}
        self._refusal = ""

    def free(self, outcome: Outcome, workload: Object) -> Outcome:
        try:
            while remaining(self._deadline) and (pod := self._next(workload)):
                self._evict(pod)
        except RecoveryError as error:
            self._refusal = error.message
        refusal = self._refusal.rstrip(".")
        warning = f"{refusal}. Its stuck pods were not all evicted" if refusal else ""
        return dataclasses.replace(
            outcome, evicted=list(self._evicted.values()), warning=outcome.warning or warning
        )

    def _next(self, workload: Object) -> Object | None:
        """Wait for a stuck pod; None once the rollout has come to an end without one."""

        def judge(view: View) -> tuple[Object | None, bool]:
            if view.is_deleted or is_superseded(workload, view.workload):
                # The pods of the target would not be spared any more.
                return None, True
            pod = stuck_pod(view)
            if pod is None:
                # It went, whoever removed it.
                self._refusal = ""
            if pod and pod["metadata"]["uid"] not in self._evicted:
                return pod, True
            return None, rollout_status(view).is_final

        seconds = remaining(self._deadline)
        followed = follow(self._client, [workload], judge, seconds=seconds)
        return followed[workload["metadata"]["uid"]].judgement

    def _evict(self, pod: Object) -> None:
        metadata = pod["metadata"]
        body = {
            "apiVersion": f"policy/{eviction_version(self._client)}",
            "kind": "Eviction",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
            "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
        }
        path = object_path("pods", metadata["namespace"], metadata["name"], CORE)
        subject = f"Pod {metadata['namespace']}/{metadata['name']}"
        try:
            self._client.post(f"{path}/eviction", body, subject=subject, patience=0.0)
        except RecoveryError as error:
            # 404: somebody else removed it. 409: another pod has its name by now.
            if isinstance(error, ApiError) and error.status in (404, 409):
                return
            if not is_passing(error):
                raise
            # A budget that may allow it later, or trouble on the wire: look again, then try again.
            self._refusal = error.message
            time.sleep(min(SECONDS_BETWEEN_REFUSALS, remaining(self._deadline)))
            return
        self._refusal = ""
        self._evicted[metadata["uid"]] = metadata["name"]


def eviction_version(client: Client) -> str:
    """``v1``, or ``v1beta1`` before Kubernetes 1.22, as the server says of ``pods/eviction``."""
    found = client.get(CORE, subject="the resources of the API")["resources"]
    return next(str(r["version"]) for r in found if r["name"] == "pods/eviction")


def _waits_for_order(workload: Object) -> bool:
    policy = workload["spec"].get("podManagementPolicy", "OrderedReady")
    return workload["kind"] == STATEFUL_SET.name and bool(policy == "OrderedReady")


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
