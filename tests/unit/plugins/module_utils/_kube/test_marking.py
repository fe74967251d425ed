# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks on revisions: what is sent, what a repeat does, and what a refusal leads to."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube import undo
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.marking import label_value
from ansible_collections.oncall.recovery.plugins.module_utils._kube.outcome import UndoResult
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.status import (
    StatusRequest,
    StatusResult,
    read_status,
)

from .builders import history, template, workload
from .scripted import ScriptedClient

Object = dict[str, t.Any]

WORKLOADS = "/apis/apps/v1/namespaces/shop/deployments"
REVISIONS = "/apis/apps/v1/namespaces/shop/replicasets"
WEB = Selection((WorkloadReference("Deployment", "shop", "web"),))
FORBIDDEN = ApiError("revision 2 of Deployment shop/web", 403, "Forbidden", "cannot patch")
SERVED = {"updatedReplicas": 3, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "SECONDS_TO_CATCH_UP", 0.2)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("INC-2041", "INC-2041"),
        ("alert: web/5xx\n<b>", "alert-web-5xx-b"),
        ("--x--", "x"),
        ("\u00fcber", "ber"),
        ("a" * 80, "a" * 63),
        ("a" * 62 + "--b", "a" * 62),
        ("...", ""),
    ],
)
def test_label_holds_what_kubernetes_allows(text: str, label: str) -> None:
    assert label_value(text) == label


def deployment(record: Object | None = None, **changes: t.Any) -> Object:
    noted = {"oncall.recovery/rollback": json.dumps(record)} if record else {}
    return workload(annotations={"owner": "shop", **noted}, **changes)


def undo_web(
    live: Object, objects: list[Object], *patches: t.Any, **request: t.Any
) -> tuple[UndoResult, ScriptedClient]:
    client = ScriptedClient({WORKLOADS: [live], REVISIONS: objects}, gets=[live], patches=patches)
    return undo.undo_rollouts(client, WEB, UndoRequest(**{"mark": True, **request})), client


def rolled_back(live: Object) -> Object:
    after = copy.deepcopy(live)
    after["metadata"]["generation"] += 1
    after["spec"]["template"] = template("web:1", app="web")
    return after


class TestMarkingWhatIsLeft:
    @pytest.mark.parametrize("dry_run", [False, True], ids=["for real", "in check mode"])
    def test_it_is_marked_after_the_change(self, dry_run: bool) -> None:
        live = deployment()
        result, client = undo_web(
            live,
            history(live, "web:1", "web:2"),
            rolled_back(live),
            {},
            incident="INC 1",
            dry_run=dry_run,
        )
        assert [(path, dry) for path, _patch, dry in client.patched] == [
            (f"{WORKLOADS}/web", dry_run),
            (f"{REVISIONS}/web-rs2", dry_run),
        ]
        assert client.patched[1][1] == {
            "metadata": {
                "uid": "uid-of-web-rs2",
                "labels": {
                    "oncall.recovery/verdict": "bad",
                    "oncall.recovery/incident": "INC-1",
                },
            }
        }
        assert result.as_result()["workloads"][0]["marked"] == "bad"

    def test_mark_that_is_refused_is_a_warning_and_the_rollback_stands(self) -> None:
        live = deployment()
        result, _client = undo_web(
            live, history(live, "web:1", "web:2"), rolled_back(live), FORBIDDEN
        )
        assert result.failure == ""
        assert result.as_result()["workloads"][0]["outcome"] == "rolled_back"
        (warning,) = result.warnings
        assert "403 Forbidden: cannot patch" in warning
        assert "could not be marked bad, so a later rollback may take it" in warning

    def test_nothing_is_marked_where_nothing_was_changed(self) -> None:
        live = deployment(spec={"paused": True})
        _result, client = undo_web(live, history(live, "web:1", "web:2"))
        assert client.patched == []


class TestRepeat:
    RECORD: t.ClassVar[Object] = {
        "incident": "INC-1",
        "automatic": True,
        "at": "2026-11-23T03:04:05Z",
        "from": "web-rs2",
        "to": "web-rs3",
    }

    def repeat(
        self, *patches: t.Any, bad: bool = False, record: Object | None = None, **request: t.Any
    ) -> tuple[Object, list[str], ScriptedClient]:
        """Revision 1 was reused as 3 when 2 was left; now somebody asks again."""
        live = deployment(record or self.RECORD, image="web:1")
        objects = history(live, "web:0", "web:2", "web:1")
        if bad:
            objects[1]["metadata"]["labels"]["oncall.recovery/verdict"] = "bad"
        result, client = undo_web(live, objects, *patches, **request)
        return result.as_result()["workloads"][0], result.warnings, client

    @pytest.mark.parametrize(
        "request_",
        [
            pytest.param({"incident": "INC-1"}, id="the same incident"),
            pytest.param({"target": "last_good"}, id="last_good without an incident"),
            pytest.param({"target": "last_good", "incident": "INC-1"}, id="both"),
        ],
    )
    def test_is_skipped_for(self, request_: Object) -> None:
        told, _warnings, client = self.repeat(bad=True, **request_)
        assert client.patched == []
        assert (told["outcome"], told["changed"]) == ("skipped", False)
        assert told["message"] == (
            "Deployment shop/web: already rolled back in incident INC-1 at 2026-11-23 03:04:05 "
            "UTC, to what is now revision 3"
        )

    def test_completes_a_mark_that_is_missing(self) -> None:
        told, _warnings, client = self.repeat({}, incident="INC-1")
        assert [path for path, _patch, _dry in client.patched] == [f"{REVISIONS}/web-rs2"]
        assert (told["outcome"], told["changed"], told["marked"]) == ("skipped", True, "bad")

    def test_of_another_incident_goes_further_back(self) -> None:
        told, _warnings, _client = self.repeat(
            {}, {}, bad=True, incident="INC-2", target="last_good"
        )
        assert (told["outcome"], told["to"]["revision"]) == ("rolled_back", 1)

    def test_is_known_by_its_generation_where_a_webhook_made_another_template(self) -> None:
        record = {
            **self.RECORD,
            "to": "web-rs1",
            "generation": deployment()["metadata"]["generation"],
        }
        told, _warnings, client = self.repeat(record=record, bad=True, incident="INC-1")
        assert (told["outcome"], client.patched) == ("skipped", [])

    def test_of_what_somebody_has_deployed_since_is_none(self) -> None:
        told, _warnings, _client = self.repeat(
            {}, {}, record={**self.RECORD, "to": "web-rs1"}, bad=True, incident="INC-1"
        )
        assert told["outcome"] == "blocked"

    def test_with_a_number_does_what_is_asked(self) -> None:
        told, _warnings, _client = self.repeat({}, {}, incident="INC-1", to_revision=1)
        assert (told["outcome"], told["to"]["revision"]) == ("rolled_back", 1)


def test_same_rollback_that_another_run_does_meanwhile_is_a_repeat_and_no_failure() -> None:
    live = deployment()
    refused = ApiError("Deployment shop/web", 422, "Invalid", "the server rejected our request")
    done = rolled_back(live)
    record = {**TestRepeat.RECORD, "to": "web-rs1", "incident": "INC-1"}
    done["metadata"]["annotations"]["oncall.recovery/rollback"] = json.dumps(record)
    before, after = history(live, "web:1", "web:2"), history(live, "web:1", "web:2")
    after[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    client = ScriptedClient(
        {WORKLOADS: [live], REVISIONS: [before, after]}, gets=[live, done], patches=[refused, {}]
    )
    result = undo.undo_rollouts(client, WEB, UndoRequest(incident="INC-1", mark=True))
    assert result.failure == ""
    assert result.as_result()["workloads"][0]["outcome"] == "skipped"


class TestMarkingGood:
    def look(
        self,
        *patches: t.Any,
        labels: Object | None = None,
        spec: Object | None = None,
        **status: t.Any,
    ) -> tuple[StatusResult, ScriptedClient]:
        live = workload(spec=spec, status={**SERVED, **status})
        objects = history(live, "web:1", "web:2")
        objects[1]["metadata"]["labels"].update(labels or {})
        client = ScriptedClient(
            {WORKLOADS: [live], REVISIONS: objects}, gets=[live], patches=patches
        )
        return read_status(client, WEB, StatusRequest(mark_good=True)), client

    def test_complete_rollout_is_marked(self) -> None:
        result, client = self.look({})
        told = result.as_result()
        assert (told["changed"], told["workloads"][0]["marked"]) == (True, "good")
        assert client.patched[0][1]["metadata"]["labels"]["oncall.recovery/verdict"] == "good"

    def test_it_is_marked_once(self) -> None:
        result, client = self.look(labels={"oncall.recovery/verdict": "good"})
        assert (client.patched, result.as_result()["changed"]) == ([], False)

    def test_rollout_that_is_not_complete_is_not_marked(self) -> None:
        _result, client = self.look(availableReplicas=2)
        assert client.patched == []

    def test_revision_that_no_pod_runs_is_not_marked(self) -> None:
        nothing = dict.fromkeys(SERVED, 0)
        result, client = self.look(spec={"replicas": 0}, **nothing)
        assert (result.failure, client.patched) == ("", [])
        assert "no pod runs it, so nothing shows that it works" in result.warnings[0]

    def test_bad_mark_stays_with_a_warning(self) -> None:
        result, client = self.look(labels={"oncall.recovery/verdict": "bad"})
        assert client.patched == []
        assert "marked bad, and stays so" in result.warnings[0]

    def test_refusal_is_a_warning(self) -> None:
        result, _client = self.look(FORBIDDEN)
        assert result.failure == ""
        assert "could not be marked good" in result.warnings[0]
