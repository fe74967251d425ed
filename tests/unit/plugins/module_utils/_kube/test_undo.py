# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of workloads that are asked to roll back, whatever the server answers."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube import follow, undo
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    Unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo import (
    UndoResult,
    undo_rollouts,
)

from .builders import condition, container, history, pod, template, workload
from .scripted import ScriptedClient

WORKLOADS = "/apis/apps/v1/namespaces/shop/deployments"
REVISIONS = "/apis/apps/v1/namespaces/shop/replicasets"
PODS = "/api/v1/namespaces/shop/pods"
WEB = WorkloadReference("Deployment", "shop", "web")
SERVED = {"updatedReplicas": 3, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3}

REFUSED = ApiError("Deployment shop/web", 422, "Invalid", "the server rejected our request")
FORBIDDEN = ApiError("Deployment shop/web", 403, "Forbidden", "cannot patch")
LOST = Unanswered("Deployment shop/web", "the API server gave no whole answer")
NO_CONNECTION = Unreachable("Deployment shop/web", "no connection")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "SECONDS_TO_CATCH_UP", 0.2)
    monkeypatch.setattr(undo, "SECONDS_BETWEEN_ATTEMPTS", 0.0)
    monkeypatch.setattr(follow, "SECONDS_BETWEEN_LISTS", 0.01)


def deployment(image: str = "web:2", **changes: t.Any) -> dict[str, t.Any]:
    return workload(image=image, **{"annotations": {"owner": "shop"}, **changes})


def rolled_back(before: dict[str, t.Any], image: str = "web:1") -> dict[str, t.Any]:
    after = copy.deepcopy(before)
    after["metadata"]["generation"] += 1
    after["spec"]["template"] = template(image, app="web")
    return after


def undo_web(
    live: dict[str, t.Any],
    *,
    patches: list[t.Any],
    reads: list[t.Any] | None = None,
    lists: dict[str, t.Any] | None = None,
    **request: t.Any,
) -> tuple[UndoResult, ScriptedClient]:
    """Undo one Deployment that has run web:1 and web:2; ``reads`` are what is found later."""
    client = ScriptedClient(
        {
            WORKLOADS: [reads[-1] if reads else live],
            REVISIONS: history(live, "web:1", "web:2"),
            **(lists or {}),
        },
        gets=[live, *(reads or [])],
        patches=patches,
    )
    try:
        return undo_rollouts(client, Selection((WEB,)), UndoRequest(**request)), client
    finally:
        client.stop()


def test_rolled_back_workload_tells_both_revisions() -> None:
    live = deployment()
    result, client = undo_web(live, patches=[rolled_back(live)])
    outcome = result.as_result()["workloads"][0]
    assert result.failure == ""
    assert (outcome["outcome"], outcome["changed"]) == ("rolled_back", True)
    assert (outcome["from"]["revision"], outcome["to"]["revision"]) == (2, 1)
    assert outcome["message"] == "Deployment shop/web: rolled back from revision 2 to 1"
    assert [(path, dry_run) for path, _patch, dry_run in client.patched] == [
        (f"{WORKLOADS}/web", False)
    ]


def test_check_mode_asks_the_server_to_try_only() -> None:
    live = deployment()
    result, client = undo_web(live, patches=[rolled_back(live)], dry_run=True, wait_seconds=5)
    assert [dry_run for _path, _patch, dry_run in client.patched] == [True]
    assert client.watched == []
    outcome = result.as_result()["workloads"][0]
    assert (outcome["outcome"], outcome["changed"]) == ("rolled_back", True)
    assert "would be rolled back" in outcome["message"]


@pytest.mark.parametrize(
    ("live", "request_", "outcome", "words"),
    [
        pytest.param(
            deployment(),
            {"to_revision": 2},
            "skipped",
            "already at revision 2",
            id="equal template",
        ),
        pytest.param(deployment(spec={"paused": True}), {}, "blocked", "it is paused", id="paused"),
        pytest.param(
            deployment(), {"to_revision": 9}, "blocked", "revision 9 is not in", id="no revision"
        ),
        pytest.param(
            deployment("web:3"), {}, "blocked", "has not yet made a revision", id="not caught up"
        ),
    ],
)
def test_nothing_is_sent_for(
    live: dict[str, t.Any], request_: dict[str, t.Any], outcome: str, words: str
) -> None:
    result, client = undo_web(live, patches=[], **request_)
    told = result.as_result()
    assert client.patched == []
    assert told["changed"] is False
    assert told["workloads"][0]["outcome"] == outcome
    assert words in told["workloads"][0]["message"]
    assert bool(result.failure) is (outcome == "blocked")


def test_undo_waits_for_the_controller_and_goes_to_the_revision_before_the_newest() -> None:
    live = deployment("web:3")
    result, client = undo_web(
        live,
        patches=[rolled_back(live, "web:2")],
        lists={
            REVISIONS: [history(live, "web:1", "web:2"), history(live, "web:1", "web:2", "web:3")]
        },
    )
    outcome = result.as_result()["workloads"][0]
    assert (outcome["from"]["revision"], outcome["to"]["revision"]) == (3, 2)
    assert len(client.patched) == 1


class TestWhenThePatchIsRefused:
    def test_it_is_decided_anew_where_only_other_fields_changed(self) -> None:
        live = deployment()
        scaled = deployment(generation=3, spec={"replicas": 9})
        result, client = undo_web(live, patches=[REFUSED, rolled_back(scaled)], reads=[scaled])
        assert result.as_result()["workloads"][0]["outcome"] == "rolled_back"
        tested = [patch[1]["value"] for _path, patch, _dry_run in client.patched]
        assert tested == [2, 3]

    def test_a_template_of_somebody_else_is_reported_and_left_alone(self) -> None:
        live = deployment()
        result, client = undo_web(
            live, patches=[REFUSED], reads=[deployment("web:9", generation=3)]
        )
        assert len(client.patched) == 1
        assert result.as_result()["changed"] is False
        assert result.failure == (
            "Deployment shop/web: someone else changed its template meanwhile (generation 2 is now "
            "3), so nothing was done to it. Look at what runs now, then run again"
        )

    def test_an_object_that_was_made_anew_is_left_alone(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[REFUSED], reads=[deployment(uid="uid-of-another")])
        assert len(client.patched) == 1
        assert result.as_result()["workloads"][0]["outcome"] == "failed"

    def test_it_is_not_sent_again_where_nothing_moved(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[REFUSED], reads=[live])
        assert len(client.patched) == 1
        assert "422 Invalid: the server rejected our request" in result.failure

    def test_it_is_given_up_where_others_never_stop_changing_it(self) -> None:
        live = deployment()
        moving = [deployment(generation=3 + n, spec={"replicas": n}) for n in range(4)]
        result, client = undo_web(live, patches=[REFUSED] * 4, reads=moving)
        assert len(client.patched) == 4
        assert "others changed it during each of 4 attempts" in result.failure

    def test_missing_permission_is_told_with_the_next_step(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[FORBIDDEN], reads=[live])
        assert len(client.patched) == 1
        assert "403 Forbidden: cannot patch" in result.failure
        assert "Give the account that verb" in result.failure


class TestWhenTheAnswerToThePatchIsLost:
    def test_it_counts_as_done_where_the_template_is_there(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[LOST], reads=[rolled_back(live)])
        assert len(client.patched) == 1
        outcome = result.as_result()["workloads"][0]
        assert (outcome["outcome"], outcome["changed"]) == ("rolled_back", True)

    def test_it_is_sent_again_where_nothing_was_done(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[LOST, rolled_back(live)], reads=[live])
        assert len(client.patched) == 2
        assert result.as_result()["workloads"][0]["outcome"] == "rolled_back"

    def test_it_counts_as_done_where_the_first_arrives_before_the_second(self) -> None:
        live = deployment()
        result, _client = undo_web(live, patches=[LOST, REFUSED], reads=[live, rolled_back(live)])
        assert result.as_result()["workloads"][0]["outcome"] == "rolled_back"

    def test_trouble_inside_of_the_server_is_looked_into_and_tried_again(self) -> None:
        live = deployment()
        trouble = ApiError("Deployment shop/web", 503, "ServiceUnavailable", "etcd is busy")
        result, client = undo_web(live, patches=[trouble, rolled_back(live)], reads=[live])
        assert len(client.patched) == 2
        assert result.as_result()["workloads"][0]["outcome"] == "rolled_back"

    def test_trouble_that_came_after_the_change_counts_as_done(self) -> None:
        live = deployment()
        trouble = ApiError("Deployment shop/web", 500, "InternalError", "timed out")
        result, client = undo_web(live, patches=[trouble], reads=[rolled_back(live)])
        assert len(client.patched) == 1
        assert result.as_result()["workloads"][0]["outcome"] == "rolled_back"

    def test_answers_that_stay_lost_are_not_told_as_nothing_done(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[LOST] * 4, reads=[live] * 4)
        assert len(client.patched) == 4
        assert (
            "whether it was rolled back is not known after 4 attempts (the API server gave no "
            "whole answer); when it was last read, it was not. Look at it, then run again"
        ) in result.failure

    def test_it_is_not_sent_again_where_no_connection_could_be_made(self) -> None:
        live = deployment()
        result, client = undo_web(live, patches=[NO_CONNECTION])
        assert len(client.patched) == 1
        assert result.as_result()["workloads"][0]["outcome"] == "failed"


class TestWaitingForTheRollout:
    def wait(self, **changed: t.Any) -> tuple[UndoResult, ScriptedClient]:
        live = deployment()
        after = {**rolled_back(live), **changed.pop("after", {})}
        after_history = history(live, "web:1", "web:2")
        after_history[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
        lists = {
            WORKLOADS: [after],
            REVISIONS: [history(live, "web:1", "web:2"), after_history],
            **changed.pop("lists", {}),
        }
        return undo_web(
            live, patches=[rolled_back(live)], lists=lists, **{"wait_seconds": 0.4, **changed}
        )

    def test_a_complete_rollout_is_told_with_its_new_number(self) -> None:
        result, _client = self.wait(after={"status": {"observedGeneration": 3, **SERVED}})
        rollout = result.as_result()["workloads"][0]["rollout"]
        assert result.failure == ""
        assert (rollout["verdict"], rollout["revision"]) == ("complete", 3)

    def test_a_rollout_that_takes_too_long_is_a_failure_that_did_change_something(self) -> None:
        result, _client = self.wait(after={"status": {"observedGeneration": 3}})
        told = result.as_result()
        assert told["changed"] is True
        assert told["workloads"][0]["outcome"] == "failed"
        assert "but its rollout is not complete after" in result.failure

    def test_a_pod_that_cannot_start_ends_the_wait(self) -> None:
        live = deployment()
        crashing = pod(
            history(live, "web:1")[0],
            containers=[container("waiting", reason="CrashLoopBackOff")],
            conditions=[condition("Ready", "False")],
        )
        result, _client = self.wait(
            after={"status": {"observedGeneration": 3}},
            lists={PODS: [crashing]},
            wait_seconds=30,
        )
        assert "but its rollout is failed: web-x1/web: CrashLoopBackOff" in result.failure

    def test_a_template_of_somebody_else_is_superseded(self) -> None:
        another = deployment("web:9", generation=4)
        result, _client = self.wait(after=another, wait_seconds=30)
        assert result.as_result()["workloads"][0]["rollout"]["verdict"] == "superseded"
        assert "someone else changed its template after the rollback" in result.failure

    def test_what_was_changed_is_told_even_where_its_rollout_cannot_be_watched(self) -> None:
        no_watch = ApiError("shop: pods", 403, "Forbidden", "cannot list pods")
        result, client = self.wait(lists={PODS: [no_watch]}, wait_seconds=30)
        told = result.as_result()
        assert len(client.patched) == 1
        assert told["changed"] is True
        assert told["workloads"][0]["outcome"] == "failed"
        assert "rolled back from revision 2 to 1, but" in result.failure
        assert "403 Forbidden: cannot list pods" in result.failure


def test_one_workload_that_fails_does_not_stop_the_others() -> None:
    web, api = deployment(), workload(name="api", annotations={"owner": "shop"})
    paused = workload(name="cart", spec={"paused": True})
    client = ScriptedClient(
        {
            WORKLOADS: [web, api, paused],
            REVISIONS: [
                owned for live in (web, api, paused) for owned in history(live, "web:1", "web:2")
            ],
        },
        gets=[api],
        patches=[FORBIDDEN, rolled_back(web)],
    )
    selection = Selection(kind="Deployment", namespace="shop", label_selector="team=shop")
    result = undo_rollouts(client, selection, UndoRequest())
    told = result.as_result()
    assert [(w["name"], w["outcome"]) for w in told["workloads"]] == [
        ("api", "failed"),
        ("cart", "blocked"),
        ("web", "rolled_back"),
    ]
    assert told["summary"] == {
        "total": 3,
        "rolled_back": 1,
        "skipped": 0,
        "blocked": 1,
        "failed": 1,
    }
    assert told["changed"] is True
    assert result.failure.startswith("2 of 3 workloads were not rolled back well: ")


def test_named_workload_that_is_not_there_fails_and_the_others_go_on() -> None:
    live = deployment()
    client = ScriptedClient(
        {WORKLOADS: [live], REVISIONS: history(live, "web:1", "web:2")}, patches=[rolled_back(live)]
    )
    missing = WorkloadReference("Deployment", "shop", "wbe")
    result = undo_rollouts(client, Selection((WEB, missing)), UndoRequest())
    assert [w["outcome"] for w in result.as_result()["workloads"]] == ["rolled_back", "failed"]
    assert (
        "Deployment shop/wbe: there is no such object. Check kind, namespace and name"
        in result.failure
    )


def test_selectors_that_match_nothing_are_an_error() -> None:
    selection = Selection(kind="Deployment", namespace="shop", label_selector="team=shpo")
    with pytest.raises(RecoveryError) as raised:
        undo_rollouts(ScriptedClient({}), selection, UndoRequest())
    assert raised.value.message == (
        "Deployment in namespace shop with team=shpo: nothing matches. Check the selectors"
    )


def test_template_of_another_after_a_lost_answer_leaves_open_what_was_done() -> None:
    live = deployment()
    theirs = rolled_back(rolled_back(live), "web:3")
    objects = history(live, "web:1", "web:2", "web:3")
    result, _client = undo_web(
        live, patches=[LOST], reads=[theirs], lists={REVISIONS: [objects[:2], objects]}
    )
    assert "whether it was rolled back before that is not known" in result.failure


def test_many_failures_are_told_in_part() -> None:
    paused = [workload(name=f"web{n}", spec={"paused": True}) for n in range(5)]
    selection = Selection(kind="Deployment", namespace="shop", label_selector="team=shop")
    result = undo_rollouts(ScriptedClient({WORKLOADS: paused}), selection, UndoRequest())
    assert result.failure.startswith("5 of 5 workloads were not rolled back well: ")
    assert result.failure.endswith("; and 2 more")


def test_diff_shows_both_templates_with_secrets_masked() -> None:
    live = deployment()
    objects = history(live, "web:1", "web:2")
    for kept, value in zip(objects, ("old-one", "new-one"), strict=True):
        containers = kept["spec"]["template"]["spec"]["containers"]
        containers[0]["env"] = [{"name": "DB_PASSWORD", "value": value}]
    live["spec"]["template"] = objects[1]["spec"]["template"]
    result, _client = undo_web(live, patches=[rolled_back(live)], lists={REVISIONS: objects})
    (diff,) = result.as_result(with_diff=True)["diff"]
    assert diff["before_header"] == "Deployment shop/web revision 2"
    assert diff["after_header"] == "Deployment shop/web revision 1"
    assert diff["before"]["spec"]["containers"][0]["image"] == "web:2"
    assert diff["after"]["spec"]["containers"][0]["image"] == "web:1"
    assert "new-one" not in str(diff) and "old-one" not in str(diff)


class TestAllOrNothing:
    def undo_two(self, *patches: t.Any, paused: bool = False) -> tuple[UndoResult, ScriptedClient]:
        web = deployment()
        cart = workload(name="cart", annotations={}, spec={"paused": paused})
        client = ScriptedClient(
            {
                WORKLOADS: [web, cart],
                REVISIONS: [o for live in (web, cart) for o in history(live, "web:1", "web:2")],
            },
            gets=[cart],
            patches=patches,
        )
        selection = Selection(kind="Deployment", namespace="shop", label_selector="team=shop")
        return undo_rollouts(client, selection, UndoRequest(all_or_nothing=True)), client

    def test_all_are_tried_before_the_first_is_changed(self) -> None:
        done = [rolled_back(deployment())] * 4
        result, client = self.undo_two(*done)
        assert [dry_run for _path, _patch, dry_run in client.patched] == [True, True, False, False]
        assert result.as_result()["summary"]["rolled_back"] == 2

    def test_nothing_is_changed_where_a_guard_blocks_one(self) -> None:
        result, client = self.undo_two(rolled_back(deployment()), paused=True)
        told = {w["name"]: w for w in result.as_result()["workloads"]}
        assert [dry_run for _path, _patch, dry_run in client.patched] == [True]
        assert result.as_result()["changed"] is False
        assert told["cart"]["outcome"] == "blocked"
        assert told["web"]["outcome"] == "skipped"
        assert "left alone, because not all could be rolled back" in told["web"]["message"]

    def test_nothing_is_changed_where_the_server_refuses_the_dry_run_of_one(self) -> None:
        result, client = self.undo_two(FORBIDDEN, rolled_back(deployment()))
        assert [dry_run for _path, _patch, dry_run in client.patched] == [True, True]
        assert result.as_result()["changed"] is False
        assert "403 Forbidden: cannot patch" in result.failure
