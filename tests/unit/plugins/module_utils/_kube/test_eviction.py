# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pod keeps a StatefulSet from going on, and which never is."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube import eviction
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.eviction import (
    evict_stuck_pods,
    eviction_version,
    stuck_pod,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.outcome import Outcome
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import reference_to

from .builders import condition, history, pod, revisions_of, workload
from .scripted import ScriptedClient

Object = dict[str, t.Any]

OLD, NEW = "queue-cr2", "queue-cr1"


def member(ordinal: int, revision: str, *, ready: bool = False, ending: bool = False) -> Object:
    made = pod(
        workload("StatefulSet", "queue"),
        f"queue-{ordinal}",
        conditions=[condition("Ready", str(ready))],
        labels={"controller-revision-hash": revision},
    )
    if ending:
        made["metadata"]["deletionTimestamp"] = "2026-11-25T10:00:00Z"
    return made


def stuck(*pods: Object, observed: int = 2, partition: int = 0) -> str | None:
    """Name of the stuck pod of a StatefulSet that went back to its first revision."""
    live = workload(
        "StatefulSet",
        "queue",
        observed=observed,
        spec={"updateStrategy": {"rollingUpdate": {"partition": partition}}},
        status={"updateRevision": "queue-cr1"},
    )
    revisions = revisions_of(live, history(live, "queue:1", "queue:2"))
    found = stuck_pod(View(live, revisions, list(pods), False))
    return found["metadata"]["name"] if found else None


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param([member(2, OLD)], "queue-2", id="the one that is not ready"),
        pytest.param(
            [member(9, OLD), member(10, OLD), member(2, OLD)], "queue-10", id="the highest ordinal"
        ),
        pytest.param([member(2, OLD, ready=True)], None, id="none that is ready"),
        pytest.param([member(2, NEW)], None, id="none of the target revision"),
        pytest.param(
            [member(2, OLD, ending=True), member(1, OLD)], None, id="none while another ends"
        ),
        pytest.param([member(2, NEW), member(1, OLD)], "queue-1", id="the old beside the new"),
        pytest.param([], None, id="none of none"),
    ],
)
def test_stuck_is(pods: list[Object], expected: str | None) -> None:
    assert stuck(*pods) == expected


@pytest.mark.parametrize(("partition", "expected"), [(1, "queue-1"), (2, None)])
def test_pods_below_the_partition_would_come_back_as_they_are(
    partition: int, expected: str | None
) -> None:
    assert stuck(member(0, OLD), member(1, OLD), partition=partition) == expected


def test_nothing_is_stuck_before_the_controller_has_seen_the_template() -> None:
    assert stuck(member(2, OLD), observed=1) is None


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_version_of_evictions_is_what_the_server_says(version: str) -> None:
    class Server:
        def get(self, path: str, *, subject: str) -> Object:
            eviction = {"name": "pods/eviction", "group": "policy", "version": version}
            return {"/api/v1": {"resources": [{"name": "pods"}, eviction]}}[path]

    assert eviction_version(t.cast(t.Any, Server())) == version


class Queue(ScriptedClient):
    """A StatefulSet as it is read, whose evictions are answered in the order of ``answers``."""

    def __init__(self, live: Object, pods: list[Object], *answers: t.Any) -> None:
        super().__init__(
            {
                "/apis/apps/v1/namespaces/shop/statefulsets": [live],
                "/apis/apps/v1/namespaces/shop/controllerrevisions": history(live, "q:1", "q:2"),
                "/api/v1/namespaces/shop/pods": pods,
            }
        )
        self._answers = iter(answers)
        self._pods = pods
        self.evicted: list[str] = []

    def get(self, path: str, *, subject: str) -> Object:
        return {"resources": [{"name": "pods/eviction", "version": "v1"}]}

    def post(self, path: str, body: Object, **_: t.Any) -> Object:
        self.evicted.append(body["metadata"]["name"])
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        self._pods.clear()
        return {}


def free(client: Queue, live: Object) -> Outcome:
    outcome = Outcome(reference_to(live), "rolled_back", "rolled back", live=live)
    (freed,) = evict_stuck_pods(t.cast(t.Any, client), [outcome], time.monotonic() + 1)
    client.stop()
    return freed


def restored(**changes: t.Any) -> Object:
    status = {"updateRevision": "queue-cr1"}
    return workload("StatefulSet", "queue", **{"image": "q:1", "status": status, **changes})


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eviction, "SECONDS_BETWEEN_REFUSALS", 0.0)


@pytest.mark.parametrize(
    "trouble",
    [
        ApiError("Pod shop/queue-2", 429, "TooManyRequests", "the budget"),
        ApiError("Pod shop/queue-2", 503, "", "down"),
        Unanswered("Pod shop/queue-2", "the connection was lost"),
    ],
    ids=["the budget", "an ill server", "a lost answer"],
)
def test_eviction_is_tried_again_after(trouble: Exception) -> None:
    live = restored()
    client = Queue(live, [member(2, OLD)], trouble, {})
    freed = free(client, live)
    assert (client.evicted, freed.evicted, freed.warning) == (["queue-2"] * 2, ["queue-2"], "")


def test_eviction_that_may_not_be_is_said_and_not_tried_again() -> None:
    live = restored()
    refusal = ApiError("Pod shop/queue-2", 403, "Forbidden", "cannot create pods/eviction")
    client = Queue(live, [member(2, OLD)], refusal)
    freed = free(client, live)
    assert (client.evicted, freed.evicted) == (["queue-2"], [])
    assert "403 Forbidden: cannot create pods/eviction" in freed.warning


def test_no_pod_is_evicted_once_someone_has_deployed_something_else() -> None:
    """The pods of the target are then old ones that are not ready, as the stuck ones were."""
    newer = restored(image="q:3", generation=3)
    client = Queue(newer, [member(2, OLD)])
    assert free(client, restored()).evicted == []
    assert client.evicted == []
