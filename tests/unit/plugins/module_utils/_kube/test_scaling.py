# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to scale workloads, what trouble does to it, and how it is told."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube import patching
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import ScaleRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scaling import (
    ScaleResult,
    scale_workloads,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
)

from .builders import autoscaler, workload
from .scripted import ScriptedClient

Object = dict[str, t.Any]

WEB = WorkloadReference("Deployment", "shop", "web")
AUTOSCALERS = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers"
FORBIDDEN = ApiError("shop: hpa", 403, "Forbidden", "cannot list horizontalpodautoscalers")
REFUSED = ApiError("Deployment shop/web", 422, "Invalid", "the request is invalid")
LOST = Unanswered("Deployment shop/web", "the API server gave no whole answer")
DONE: Object = {"kind": "Scale"}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "SECONDS_BETWEEN_ATTEMPTS", 0.0)


def having(replicas: int) -> Object:
    return workload(spec={"replicas": replicas})


def scale(
    patches: list[t.Any],
    *reads: Object,
    before: int = 4,
    autoscalers: t.Any = (),
    **request: t.Any,
) -> tuple[ScaleResult, ScriptedClient]:
    """``reads`` are what is read after the first look."""
    client = ScriptedClient(
        {AUTOSCALERS: list(autoscalers)}, gets=[having(before), *reads], patches=patches
    )
    result = scale_workloads(
        t.cast(t.Any, client), Selection((WEB,)), ScaleRequest(**request), wait_seconds=0
    )
    return result, client


def sent(client: ScriptedClient) -> list[tuple[str, Object]]:
    """Where each patch went, and the numbers that it set."""
    return [
        (
            path.rpartition("/")[2],
            {step["path"]: step["value"] for step in patch if step["op"] == "add"},
        )
        for path, patch, _dry_run in client.patched
    ]


def only(result: ScaleResult) -> Object:
    (told,) = result.as_result()["workloads"]
    return t.cast(Object, told)


def test_number_goes_to_the_scale_subresource() -> None:
    result, client = scale([DONE], replicas=6)
    assert sent(client) == [("scale", {"/spec/replicas": 6})]
    assert result.failure == ""
    assert only(result) == {
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "outcome": "scaled",
        "changed": True,
        "failed": False,
        "message": "Deployment shop/web: scaled from 4 to 6 replicas",
        "replicas_before": 4,
        "replicas": 6,
        "limited_by": None,
        "autoscaler": None,
        "ready_replicas": None,
        "duration": 0.0,
    }


def test_number_that_is_there_sends_nothing() -> None:
    result, client = scale([], replicas=4)
    assert client.patched == []
    assert (only(result)["outcome"], result.as_result()["changed"]) == ("already", False)
    assert only(result)["message"] == "Deployment shop/web: already has 4 replicas"


def test_check_mode_has_the_server_try_everything() -> None:
    result, client = scale([DONE, DONE], autoscalers=[autoscaler()], replicas=6, dry_run=True)
    assert [dry_run for _path, _patch, dry_run in client.patched] == [True, True]
    assert only(result)["message"] == (
        "Deployment shop/web: would be scaled from 4 to 6 replicas, minReplicas of "
        "HorizontalPodAutoscaler shop/web-hpa would be raised from 2 to 6"
    )


def test_autoscaler_follows_the_workload_with_the_difference_told() -> None:
    result, client = scale(
        [DONE, DONE], autoscalers=[autoscaler(2, 5)], replicas=9, hpa_max_replicas=7
    )
    assert sent(client) == [
        ("scale", {"/spec/replicas": 7}),
        ("web-hpa", {"/spec/minReplicas": 7, "/spec/maxReplicas": 7}),
    ]
    assert only(result)["limited_by"] == "hpa_max_replicas"
    assert only(result)["autoscaler"] == {
        "name": "web-hpa",
        "min_replicas_before": 2,
        "min_replicas": 7,
        "max_replicas_before": 5,
        "max_replicas": 7,
    }
    (difference,) = result.as_result(with_diff=True)["diff"]
    name = "HorizontalPodAutoscaler shop/web-hpa"
    assert difference["before"] == {
        "replicas": 4,
        name: {"min_replicas": 2, "max_replicas": 5},
    }
    assert difference["after"] == {"replicas": 7, name: {"min_replicas": 7, "max_replicas": 7}}


def test_server_checks_a_precondition_also_where_only_the_autoscaler_changes() -> None:
    _result, client = scale(
        [DONE, DONE], before=7, autoscalers=[autoscaler()], replicas=6, current_replicas=7
    )
    assert [where for where, _numbers in sent(client)] == ["scale", "web-hpa"]


def test_precondition_that_stops_to_hold_leaves_the_autoscaler_alone() -> None:
    result, client = scale(
        [REFUSED], having(5), autoscalers=[autoscaler()], replicas=6, current_replicas=4
    )
    assert [where for where, _numbers in sent(client)] == ["scale"]
    assert "it has 5 replicas, not 4, so it is left alone" in result.failure
    assert result.as_result()["changed"] is False


def test_autoscaler_that_cannot_be_changed_after_the_workload_was_is_told() -> None:
    result, _client = scale([DONE, FORBIDDEN], autoscaler(), autoscalers=[autoscaler()], replicas=6)
    assert result.failure.startswith(
        "Deployment shop/web: scaled from 4 to 6 replicas, but its autoscaler may set that back, "
        "for its bounds could not be moved: shop: hpa: the API server answered 403"
    )
    assert result.as_result()["changed"] is True


class TestFactor:
    half_more: t.ClassVar[Object] = {"factor": Decimal("1.5")}

    def test_lost_answer_to_a_change_that_is_there_is_not_multiplied_again(self) -> None:
        result, client = scale([LOST], having(6), **self.half_more)
        assert sent(client) == [("scale", {"/spec/replicas": 6})]
        assert (only(result)["outcome"], only(result)["replicas"]) == ("scaled", 6)

    def test_lost_answer_to_a_change_that_is_not_there_is_sent_again(self) -> None:
        result, client = scale([LOST, DONE], having(4), **self.half_more)
        assert sent(client) == [("scale", {"/spec/replicas": 6})] * 2
        assert result.failure == ""

    def test_what_another_made_of_it_meanwhile_is_multiplied(self) -> None:
        _result, client = scale([REFUSED, DONE], having(6), **self.half_more)
        assert sent(client)[-1] == ("scale", {"/spec/replicas": 9})

    def test_lost_answer_with_a_number_of_nobody_knows_whom_is_told(self) -> None:
        result, client = scale([LOST], having(5), **self.half_more)
        assert len(client.patched) == 1
        assert (
            "someone else set it to 5 replicas while it was set from 4 to 6, so nothing more was "
            "done. Look at it, then run again"
        ) in result.failure


def test_autoscalers_that_may_not_be_seen_stop_everything() -> None:
    with pytest.raises(RecoveryError, match="cannot list horizontalpodautoscalers"):
        scale([], autoscalers=[FORBIDDEN], replicas=6)


def test_autoscalers_that_are_ignored_need_not_be_seen() -> None:
    result, _client = scale([DONE], autoscalers=[FORBIDDEN], replicas=6, hpa="ignore")
    assert (result.failure, result.warnings) == ("", [])


def test_warning_about_an_autoscaler_that_is_switched_off_is_passed_on() -> None:
    result, client = scale([DONE], autoscalers=[autoscaler()], replicas=0)
    assert sent(client) == [("scale", {"/spec/replicas": 0})]
    assert [warning.partition(": ")[2] for warning in result.warnings] == [
        "no replicas switch HorizontalPodAutoscaler shop/web-hpa off, until someone sets a number "
        "again"
    ]
