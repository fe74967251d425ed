# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to change a rollout on purpose, and what is refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube import patching
from ansible_collections.oncall.recovery.plugins.module_utils._kube.change import (
    ChangeRequest,
    change_patch,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.changes import change_rollouts
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.result import CallResult
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
)

from .builders import KINDS, workload
from .scripted import ScriptedClient

Object = dict[str, t.Any]

RESTART = "kubectl.kubernetes.io/restartedAt"
WEB = WorkloadReference("Deployment", "shop", "web")
REFUSED = ApiError("Deployment shop/web", 422, "Invalid", "the server rejected our request")
LOST = Unanswered("Deployment shop/web", "the API server gave no whole answer")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "SECONDS_BETWEEN_ATTEMPTS", 0.0)


def changed_fields(live: Object, **request: t.Any) -> Object:
    """Values by path of all that a patch sets."""
    patch = change_patch(live, ChangeRequest(**request))
    return {step["path"]: step["value"] for step in patch if step["op"] != "test"}


def two_containers() -> Object:
    live = workload(annotations={"owner": "shop"})
    live["spec"]["template"]["spec"] = {
        "initContainers": [{"name": "init", "image": "init:1"}],
        "containers": [{"name": "web", "image": "web:1"}, {"name": "proxy", "image": "proxy:1"}],
    }
    return live


class TestUpdated:
    def test_only_images_that_differ_are_set(self) -> None:
        images = {"init": "init:2", "web": "web:1", "proxy": "proxy:2"}
        assert changed_fields(two_containers(), state="updated", images=images) == {
            "/spec/template/spec/initContainers/0/image": "init:2",
            "/spec/template/spec/containers/1/image": "proxy:2",
        }

    def test_only_annotations_that_differ_are_set_on_the_template(self) -> None:
        live = two_containers()
        live["spec"]["template"]["metadata"] = {"annotations": {"a/b": "1", "c": "2"}}
        request = {"images": {"web": "web:1"}, "annotations": {"a/b": "1", "c": "3"}}
        path = "/spec/template/metadata/annotations"
        assert changed_fields(live, state="updated", **request) == {f"{path}/c": "3"}
        del live["spec"]["template"]["metadata"]
        assert changed_fields(live, state="updated", **request) == {path: request["annotations"]}

    def test_reason_becomes_the_change_cause(self) -> None:
        fields = changed_fields(
            two_containers(), state="updated", images={"web": "web:2"}, reason="2.4.2"
        )
        assert fields["/metadata/annotations/kubernetes.io~1change-cause"] == "2.4.2"

    def test_images_that_run_already_are_no_change_even_with_a_reason(self) -> None:
        request = ChangeRequest("updated", {"web": "web:1"}, "again")
        assert change_patch(two_containers(), request) == []

    def test_container_that_is_not_there_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(RecoveryError) as raised:
            changed_fields(two_containers(), state="updated", images={"wbe": "x", "web": "web:2"})
        assert raised.value.message == (
            "Deployment shop/web: it has no container wbe (it has init, web, proxy). "
            "Name one of those"
        )


class TestRestarted:
    @pytest.mark.parametrize("kind", KINDS)
    def test_template_gets_kubectls_annotation(self, kind: str) -> None:
        (value,) = changed_fields(workload(kind), state="restarted").values()
        assert list(value) == [RESTART]

    def test_other_annotations_of_the_template_stay(self) -> None:
        live = workload()
        live["spec"]["template"]["metadata"]["annotations"] = {"owner": "shop"}
        path = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
        assert list(changed_fields(live, state="restarted")) == [path]

    def test_paused_deployment_is_refused(self) -> None:
        with pytest.raises(RecoveryError, match="it is paused, and a restart would wait"):
            changed_fields(workload(spec={"paused": True}), state="restarted")


class TestPause:
    @pytest.mark.parametrize(
        ("is_paused", "state", "fields"),
        [
            (False, "paused", {"/spec/paused": True}),
            (True, "paused", {}),
            (True, "resumed", {"/spec/paused": False}),
            (False, "resumed", {}),
        ],
    )
    def test_only_what_differs_is_set(self, is_paused: bool, state: str, fields: Object) -> None:
        assert changed_fields(workload(spec={"paused": is_paused}), state=state) == fields

    @pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
    def test_only_deployments_can_be_paused(self, kind: str) -> None:
        with pytest.raises(RecoveryError, match=f"{kind} shop/web: only a Deployment can be"):
            changed_fields(workload(kind), state="paused")


def update(
    *patches: t.Any, reads: list[t.Any] | None = None, **request: t.Any
) -> tuple[CallResult, ScriptedClient]:
    live = workload(annotations={"owner": "shop"}, image="web:1")
    client = ScriptedClient({}, gets=[live, *(reads or [])], patches=patches)
    images = ChangeRequest("updated", {"web": "web:2"}, **request)
    return change_rollouts(client, Selection((WEB,)), images, wait_seconds=0), client


def updated(image: str = "web:2", **others: t.Any) -> Object:
    return workload(annotations={"owner": "shop"}, image=image, **others)


def test_change_tells_what_it_did_and_shows_the_difference() -> None:
    result, client = update(updated())
    told = result.as_result(with_diff=True)
    assert result.failure == ""
    assert told["changed"] is True
    assert told["workloads"][0]["message"] == "Deployment shop/web: updated"
    assert told["workloads"][0]["images"] == {"web": "web:2"}
    before, after = (told["diff"][0][side]["template"]["spec"] for side in ("before", "after"))
    assert before["containers"][0]["image"] == "web:1"
    assert after["containers"][0]["image"] == "web:2"
    assert [dry_run for _path, _patch, dry_run in client.patched] == [False]


def test_check_mode_asks_the_server_to_try_only() -> None:
    result, client = update(updated(), dry_run=True)
    assert [dry_run for _path, _patch, dry_run in client.patched] == [True]
    assert result.as_result()["workloads"][0]["message"] == "Deployment shop/web: would be updated"


def test_change_is_decided_anew_where_another_was_faster() -> None:
    other = updated("web:1", generation=3)
    result, client = update(REFUSED, updated(), reads=[other])
    assert result.failure == ""
    assert [patch[1]["value"] for _path, patch, _dry in client.patched] == [2, 3]


def test_lost_answer_to_a_change_that_is_there_counts_as_done() -> None:
    result, client = update(LOST, reads=[updated()])
    assert len(client.patched) == 1
    assert (result.failure, result.as_result()["changed"]) == ("", True)


def test_refusal_of_the_server_is_passed_on() -> None:
    result, _client = update(REFUSED, reads=[updated("web:1")])
    assert "422 Invalid: the server rejected our request" in result.failure
    assert result.as_result()["workloads"][0]["failed"] is True


def test_answers_that_stay_lost_are_told_as_not_known() -> None:
    result, client = update(*[LOST] * 4, reads=[updated("web:1")] * 4)
    assert len(client.patched) == 4
    assert "whether it is as asked is not known after 4 attempts" in result.failure
