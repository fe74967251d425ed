# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many replicas a workload gets, and what is changed for that."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    Bounds,
    bounds_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import managers_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import (
    ScaleDecision,
    ScaleRequest,
    bounds_patch,
    decide_scale,
    replicas_patch,
)

from .builders import autoscaler, owned_by, workload

Object = dict[str, t.Any]


def having(replicas: int, kind: str = "Deployment", **more: t.Any) -> Object:
    return workload(kind, spec={"replicas": replicas}, **more)


def decide(live: Object, *autoscalers: Object, **request: t.Any) -> ScaleDecision:
    return decide_scale(live, autoscalers, ScaleRequest(**request))


def numbers(decision: ScaleDecision) -> dict[str, tuple[int, int]]:
    """Each number that changes, before and after."""
    pairs = {"replicas": (decision.before, decision.after)}
    if decision.autoscaler and decision.bounds:
        now = bounds_of(decision.autoscaler)
        pairs["minReplicas"] = (now.least, decision.bounds.least)
        pairs["maxReplicas"] = (now.greatest, decision.bounds.greatest)
    changed = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    assert decision.is_change == bool(changed)
    return changed


def refusal(live: Object, *autoscalers: Object, **request: t.Any) -> str:
    with pytest.raises(RecoveryError) as raised:
        decide(live, *autoscalers, **request)
    return raised.value.message


class TestNumber:
    @pytest.mark.parametrize(
        ("before", "request_", "after"),
        [
            pytest.param(3, {"replicas": 5}, 5, id="up"),
            pytest.param(3, {"replicas": 0}, 0, id="to none"),
            pytest.param(3, {"factor": "1.5"}, 5, id="a factor is rounded up"),
            pytest.param(4, {"factor": "1.5"}, 6, id="a factor that comes out even is not"),
            pytest.param(10, {"factor": "1.1"}, 11, id="decimals are exact, as floats are not"),
            pytest.param(3, {"factor": "0.5"}, 2, id="a factor that shrinks is rounded up, too"),
            pytest.param(3, {"replicas": 9, "max_replicas": 6}, 6, id="ceiling for a number"),
            pytest.param(4, {"factor": "3", "max_replicas": 6}, 6, id="ceiling for a factor"),
            pytest.param(8, {"factor": "2", "max_replicas": 6}, 8, id="ceiling takes nothing away"),
            pytest.param(
                8, {"replicas": 8, "max_replicas": 6}, 8, id="ceiling below what is there"
            ),
            pytest.param(9, {"replicas": 8, "max_replicas": 6}, 6, id="ceiling of a way down"),
        ],
    )
    def test_number_is_the_one_asked_for(
        self, before: int, request_: dict[str, t.Any], after: int
    ) -> None:
        if "factor" in request_:
            request_ = {**request_, "factor": Decimal(request_["factor"])}
        decision = decide(having(before), **request_)
        assert decision.wanted == after
        assert numbers(decision) == ({} if before == after else {"replicas": (before, after)})

    def test_ceiling_that_limits_is_named(self) -> None:
        assert decide(having(3), replicas=9, max_replicas=6).limited_by == "max_replicas"
        assert decide(having(3), replicas=6, max_replicas=6).limited_by == ""

    def test_number_that_is_not_given_is_one(self) -> None:
        live = having(1)
        del live["spec"]["replicas"]
        assert numbers(decide(live, replicas=1)) == {}

    def test_factor_of_nothing_is_refused(self) -> None:
        assert refusal(having(0), factor=Decimal(2)) == (
            "Deployment shop/web: it has no replicas to multiply. Use replicas instead"
        )

    @pytest.mark.parametrize("how", [{"replicas": 2**31}, {"factor": Decimal("1e300")}])
    def test_more_than_can_be_counted_is_refused(self, how: dict[str, t.Any]) -> None:
        assert "more than Kubernetes can count" in refusal(having(3), **how)
        assert decide(having(3), max_replicas=5, **how).wanted == 5

    def test_replica_set_of_a_deployment_is_refused_with_its_owner(self) -> None:
        live = having(3, "ReplicaSet", name="web-1")
        live["metadata"]["ownerReferences"] = [{**owned_by(workload())[0], "name": "web"}]
        assert refusal(live, replicas=5) == (
            "ReplicaSet shop/web-1: Deployment shop/web controls it and would set it back. "
            "Scale Deployment shop/web instead"
        )


class TestPreconditions:
    def test_both_hold(self) -> None:
        decision = decide(having(3), replicas=5, current_replicas=3, resource_version="100")
        assert decision.after == 5

    @pytest.mark.parametrize("replicas", [5, 4])
    def test_other_number_is_refused_even_where_nothing_is_to_change(self, replicas: int) -> None:
        assert refusal(having(4), replicas=replicas, current_replicas=3) == (
            "Deployment shop/web: it has 4 replicas, not 3, so it is left alone. "
            "Look at it, then say in current_replicas what it has"
        )

    def test_no_replicas_can_be_a_precondition(self) -> None:
        assert decide(having(0), replicas=1, current_replicas=0).after == 1
        assert "it has 1 replicas, not 0" in refusal(having(1), replicas=2, current_replicas=0)

    def test_other_version_is_refused(self) -> None:
        told = refusal(having(4), replicas=5, resource_version="99")
        assert "its resourceVersion is 100 and not 99, so it is left alone" in told


class TestAutoscalerIsAdjusted:
    def test_floor_is_raised_and_the_workload_with_it(self) -> None:
        decision = decide(having(3), autoscaler(2, 8), replicas=6)
        assert decision.is_floor
        assert numbers(decision) == {
            "replicas": (3, 6),
            "minReplicas": (2, 6),
        }

    def test_more_than_the_floor_is_left_alone(self) -> None:
        decision = decide(having(7), autoscaler(2, 8), replicas=6)
        assert numbers(decision) == {"minReplicas": (2, 6)}

    def test_factor_multiplies_what_runs_and_not_the_floor(self) -> None:
        decision = decide(having(4), autoscaler(2, 8), factor=Decimal("1.5"))
        assert decision.bounds == Bounds(6, 8)

    def test_floor_that_is_there_is_no_change(self) -> None:
        assert numbers(decide(having(7), autoscaler(6, 8), replicas=6)) == {}

    def test_ceiling_is_not_raised_unless_told_how_far(self) -> None:
        assert refusal(having(3), autoscaler(2, 8), replicas=9) == (
            "Deployment shop/web: HorizontalPodAutoscaler shop/web-hpa allows at most 8 replicas, "
            "and 9 are wanted. Say in hpa_max_replicas how far its maxReplicas may be raised"
        )

    def test_ceiling_is_raised_as_far_as_needed(self) -> None:
        decision = decide(having(3), autoscaler(2, 8), replicas=9, hpa_max_replicas=20)
        assert decision.bounds == Bounds(9, 9)
        assert decision.limited_by == ""

    @pytest.mark.parametrize(("ceiling", "kept"), [(10, 10), (5, 8)])
    def test_ceiling_is_raised_no_further_than_told_and_never_lowered(
        self, ceiling: int, kept: int
    ) -> None:
        decision = decide(having(3), autoscaler(2, 8), replicas=12, hpa_max_replicas=ceiling)
        assert (decision.wanted, decision.bounds) == (kept, Bounds(kept, kept))
        assert decision.limited_by == "hpa_max_replicas"

    def test_less_than_the_floor_is_refused(self) -> None:
        assert "keeps at least 4 replicas, so 2 would not stay" in refusal(
            having(5), autoscaler(4, 8), replicas=2
        )

    def test_factor_that_shrinks_is_refused(self) -> None:
        assert "decides how far it shrinks within its bounds" in refusal(
            having(8), autoscaler(2, 8), factor=Decimal("0.5")
        )

    def test_no_replicas_switch_it_off_and_say_so(self) -> None:
        decision = decide(having(5), autoscaler(4, 8), replicas=0)
        assert numbers(decision) == {"replicas": (5, 0)}
        assert decision.warning == (
            "Deployment shop/web: no replicas switch HorizontalPodAutoscaler shop/web-hpa off, "
            "until someone sets a number again"
        )

    def test_no_replicas_that_are_there_already_warn_of_nothing(self) -> None:
        decision = decide(having(0), autoscaler(4, 8), replicas=0)
        assert (numbers(decision), decision.warning) == ({}, "")

    def test_one_that_is_off_is_switched_on_by_a_number(self) -> None:
        decision = decide(having(0), autoscaler(2, 8), replicas=4)
        assert numbers(decision) == {
            "replicas": (0, 4),
            "minReplicas": (2, 4),
        }

    def test_one_that_something_else_keeps_is_refused(self) -> None:
        keda = {"kind": "ScaledObject", "name": "web", "uid": "k", "controller": True}
        assert "belongs to ScaledObject web, which would set its bounds back" in refusal(
            having(3), autoscaler(owners=[keda]), replicas=6
        )

    def test_two_that_target_it_are_refused_with_both(self) -> None:
        told = refusal(having(3), autoscaler(), autoscaler(name="other"), replicas=6)
        assert "shop/web-hpa and HorizontalPodAutoscaler shop/other all target it" in told


class TestAutoscalerIsNotAdjusted:
    def test_refusal_names_it(self) -> None:
        told = refusal(having(3), autoscaler(), replicas=6, hpa="refuse")
        assert "HorizontalPodAutoscaler shop/web-hpa decides how many replicas it has" in told

    @pytest.mark.parametrize(
        ("replicas", "warning"),
        [
            (6, "may choose another number than 6 at any time"),
            (12, "is going to set it to 8, since 12 is out of its bounds"),
            (1, "is going to set it to 2, since 1 is out of its bounds"),
            (0, "no replicas switch HorizontalPodAutoscaler shop/web-hpa off"),
        ],
    )
    def test_ignoring_it_sets_the_number_and_says_what_will_come_of_it(
        self, replicas: int, warning: str
    ) -> None:
        decision = decide(having(3), autoscaler(2, 8), replicas=replicas, hpa="ignore")
        assert numbers(decision) == {"replicas": (3, replicas)}
        assert warning in decision.warning

    @pytest.mark.parametrize(
        "target",
        [
            {"name": "wbe"},
            {"kind": "StatefulSet"},
            {"apiVersion": "argoproj.io/v1alpha1"},
        ],
        ids=["name", "kind", "group"],
    )
    def test_one_of_something_else_does_not_count(self, target: Object) -> None:
        other = autoscaler(target=target)
        assert numbers(decide(having(3), other, replicas=9)) == {"replicas": (3, 9)}
        assert managers_of(having(3), [other]) == []


class TestPatches:
    def test_replicas_are_set_where_they_are_as_they_were_read(self) -> None:
        assert replicas_patch(having(3), 5) == [
            {"op": "test", "path": "/metadata/uid", "value": "uid-of-web"},
            {"op": "test", "path": "/spec/replicas", "value": 3},
            {"op": "add", "path": "/spec/replicas", "value": 5},
        ]

    def test_no_replicas_are_told_by_the_version(self) -> None:
        assert replicas_patch(having(0), 5)[:-1] == [
            {"op": "test", "path": "/metadata/uid", "value": "uid-of-web"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "100"},
        ]

    def test_version_is_sent_to_the_server(self) -> None:
        tested = {"op": "test", "path": "/metadata/resourceVersion", "value": "100"}
        assert tested in replicas_patch(having(3), 5, "100")

    def test_bounds_are_set_where_they_are_as_they_were_read(self) -> None:
        assert bounds_patch(autoscaler(2, 8), Bounds(6, 9)) == [
            {"op": "test", "path": "/metadata/uid", "value": "uid-of-web-hpa"},
            {"op": "test", "path": "/spec/minReplicas", "value": 2},
            {"op": "test", "path": "/spec/maxReplicas", "value": 8},
            {"op": "add", "path": "/spec/minReplicas", "value": 6},
            {"op": "add", "path": "/spec/maxReplicas", "value": 9},
        ]

    def test_bounds_that_are_there_need_no_patch(self) -> None:
        assert bounds_patch(autoscaler(2, 8), Bounds(2, 8)) == []
