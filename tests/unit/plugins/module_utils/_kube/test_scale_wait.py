# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a scaled workload has what it was given, and what is told where it does not get it."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube import scale_wait
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import (
    ScaleDecision,
    ScaleRequest,
    decide_scale,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale_outcome import (
    SCALED,
    ScaleOutcome,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale_wait import (
    replica_state,
    wait_for_replicas,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    reference_to,
)

from .builders import autoscaler, condition, container, pod, workload
from .scripted import Event, ScriptedClient

Object = dict[str, t.Any]

DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
SCALABLE_KINDS = ("Deployment", "StatefulSet", "ReplicaSet")


def having(wanted: int, kind: str = "Deployment", *, seen: bool = True, **status: int) -> Object:
    """A workload with this number; ``status`` defaults to all of them ready and updated."""
    counts = {"replicas": wanted, "readyReplicas": wanted, "updatedReplicas": wanted}
    return workload(
        kind,
        generation=3,
        observed=3 if seen else 2,
        spec={"replicas": wanted},
        status={**counts, **status},
    )


def decided(
    replicas: int,
    *,
    before: int = 3,
    kind: str = "Deployment",
    autoscalers: Sequence[Object] = (),
    **how: t.Any,
) -> ScaleDecision:
    live = workload(kind, spec={"replicas": before})
    return decide_scale(live, autoscalers, ScaleRequest(replicas=replicas, **how))


class TestState:
    @pytest.mark.parametrize("kind", SCALABLE_KINDS)
    def test_all_ready_is_ready(self, kind: str) -> None:
        state = replica_state(View(having(5, kind), [], []), decided(5, kind=kind))
        assert (state.verdict, state.ready) == ("ready", 5)

    @pytest.mark.parametrize(
        ("live", "message"),
        [
            pytest.param(
                having(5, seen=False),
                "its controller has not yet seen the newest change",
                id="unseen",
            ),
            pytest.param(having(5, readyReplicas=4), "4 of 5 replicas are ready", id="one missing"),
            pytest.param(
                having(5, replicas=7, updatedReplicas=7),
                "2 replicas too many have not yet ended",
                id="two too many",
            ),
        ],
    )
    def test_less_is_waited_for(self, live: Object, message: str) -> None:
        state = replica_state(View(live, [], []), decided(5))
        assert (state.verdict, state.message) == ("waiting", message)

    def test_surplus_of_a_rollout_is_not_waited_for(self) -> None:
        rolling = having(5, replicas=6, readyReplicas=5, updatedReplicas=1)
        assert replica_state(View(rolling, [], []), decided(5)).verdict == "ready"

    def test_no_replicas_are_ready_once_all_have_ended(self) -> None:
        ending = having(0, replicas=1, readyReplicas=1, updatedReplicas=1)
        assert replica_state(View(ending, [], []), decided(0)).verdict == "waiting"
        assert replica_state(View(having(0), [], []), decided(0)).verdict == "ready"

    def test_pods_reason_is_told(self) -> None:
        live = having(5, readyReplicas=4)
        waiting = pod(live, containers=[container("waiting", reason="ImagePullBackOff")])
        state = replica_state(View(live, [], [waiting]), decided(5))
        assert state.message == "4 of 5 replicas are ready (web-x1/web: ImagePullBackOff)"

    def test_quota_that_lets_no_pod_be_made_is_told(self) -> None:
        live = having(5, readyReplicas=4)
        failure = condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")
        live["status"]["conditions"] = [failure]
        state = replica_state(View(live, [], []), decided(5))
        assert state.message == "4 of 5 replicas are ready (FailedCreate: exceeded quota)"

    @pytest.mark.parametrize("replicas", [3, 9])
    def test_other_number_is_overridden(self, replicas: int) -> None:
        state = replica_state(View(having(replicas), [], []), decided(5))
        assert state.verdict == "overridden"
        assert state.message == f"something else set it from 5 to {replicas} replicas"

    def test_autoscaler_may_have_more_and_not_fewer(self) -> None:
        decision = decided(5, autoscalers=[autoscaler(2, 9)])
        assert replica_state(View(having(9), [], []), decision).verdict == "ready"
        fewer = replica_state(View(having(4), [], []), decision)
        assert fewer.verdict == "overridden"
        assert "HorizontalPodAutoscaler shop/web-hpa or someone else" in fewer.message

    def test_deleted_object_is_a_failure(self) -> None:
        state = replica_state(View(having(5), [], [], is_deleted=True), decided(5))
        assert (state.verdict, state.message) == ("failed", "the object has been deleted")


def wait(
    clients: list[ScriptedClient],
    decision: ScaleDecision,
    lists: list[t.Any],
    *events: Event,
    seconds: float = 3.0,
) -> ScaleOutcome:
    """Wait for one workload that was scaled. ``lists`` are those of the Deployments, in turn."""
    client = ScriptedClient({DEPLOYMENTS: lists}, watches={DEPLOYMENTS: [list(events)]})
    clients.append(client)
    reference = reference_to(decision.workload)
    outcome = ScaleOutcome(reference, SCALED, f"{reference}: scaled", decision, is_changed=True)
    (waited,) = wait_for_replicas(t.cast(t.Any, client), [outcome], seconds)
    return waited


def test_ready_replicas_are_success(clients: list[ScriptedClient]) -> None:
    waited = wait(clients, decided(5), [[having(5, readyReplicas=1)]], ("MODIFIED", having(5)))
    assert (waited.outcome, waited.failure, waited.ready) == ("scaled", "", 5)


def test_number_that_is_set_back_fails_at_once(clients: list[ScriptedClient]) -> None:
    waited = wait(
        clients, decided(5), [[having(5, readyReplicas=1)]], ("MODIFIED", having(3)), seconds=30
    )
    assert waited.outcome == "overridden"
    assert waited.failure == (
        "Deployment shop/web: scaled, but something else set it from 5 to 3 replicas"
    )
    assert waited.seconds < 10


def test_replicas_that_do_not_come_fail_after_the_time(clients: list[ScriptedClient]) -> None:
    waited = wait(clients, decided(5), [[having(5, readyReplicas=1)]], seconds=0.3)
    assert waited.outcome == "failed"
    assert waited.is_changed
    assert waited.failure == (
        "Deployment shop/web: scaled, but after 0 s 1 of 5 replicas are ready"
    )


def test_autoscaler_is_given_time_to_come_to_its_new_floor(clients: list[ScriptedClient]) -> None:
    decision = decided(5, autoscalers=[autoscaler(2, 9)])
    assert wait(clients, decision, [[having(2)]], ("MODIFIED", having(5))).outcome == "scaled"
    assert wait(clients, decision, [[having(2)]], seconds=0.3).outcome == "overridden"


def test_number_past_an_autoscaler_has_to_outlive_its_next_look(
    clients: list[ScriptedClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale_wait, "SECONDS_TO_OUTLIVE_AN_AUTOSCALER", 0.3)
    decision = decided(1, autoscalers=[autoscaler(2, 9)], hpa="ignore")
    assert wait(clients, decision, [[having(1)], [having(1)]]).outcome == "scaled"
    assert wait(clients, decision, [[having(1)], [having(2)]]).outcome == "overridden"


def test_pod_that_fails_after_all_were_ready_is_not_taken_for_an_override(
    clients: list[ScriptedClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale_wait, "SECONDS_TO_OUTLIVE_AN_AUTOSCALER", 0.3)
    decision = decided(3, autoscalers=[autoscaler(2, 9)], hpa="ignore")
    assert wait(clients, decision, [[having(3)], [having(3, readyReplicas=2)]]).failure == ""


def test_objects_that_may_not_be_watched_fail_with_the_reason(
    clients: list[ScriptedClient],
) -> None:
    forbidden = ApiError("shop: deployments", 403, "Forbidden", "cannot list deployments")
    waited = wait(clients, decided(5), [forbidden])
    assert waited.outcome == "failed"
    assert "scaled, but its replicas could not be watched" in waited.failure
    assert "cannot list deployments" in waited.failure


def test_what_failed_before_is_not_waited_for() -> None:
    client = ScriptedClient({})
    reference = reference_to(workload())
    failed = ScaleOutcome(reference, "failed", f"{reference}: no")
    assert wait_for_replicas(t.cast(t.Any, client), [failed], 5) == [failed]
    assert client.listed == []
