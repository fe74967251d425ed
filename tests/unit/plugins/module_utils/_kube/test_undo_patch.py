# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The patch that brings an earlier template back, and what it insists on."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Facts
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import record_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo_patch import undo_patch

from .builders import KINDS, history, revision_object, revisions_of, template, workload

READ_AT = datetime.datetime(2026, 11, 25, 3, 12, tzinfo=datetime.timezone.utc)
CHANGE_CAUSE = "kubernetes.io/change-cause"


def case_of(live: dict[str, t.Any], **request: t.Any) -> Case:
    revisions = revisions_of(live, history(live, "web:1", "web:2"))
    return Case(live, revisions, UndoRequest(**request), Facts({}, READ_AT))


def operations(patch: list[dict[str, t.Any]], kind: str) -> dict[str, t.Any]:
    return {step["path"]: step["value"] for step in patch if step["op"] == kind}


@pytest.mark.parametrize("kind", KINDS)
def test_patch_replaces_the_whole_template_by_the_targets(kind: str) -> None:
    patch = undo_patch(case_of(workload(kind, status={"updateRevision": "web-cr2"})))
    assert operations(patch, "replace") == {"/spec/template": template("web:1", app="web")}


def test_patch_insists_on_the_object_and_generation_that_were_read() -> None:
    live = workload(annotations={"owner": "shop"}, generation=7)
    assert operations(undo_patch(case_of(live)), "test") == {
        "/metadata/uid": "uid-of-web",
        "/metadata/generation": 7,
    }


@pytest.mark.parametrize("annotations", [None, {}], ids=["missing", "empty"])
def test_patch_that_makes_the_annotations_insists_that_nobody_else_made_them(
    annotations: dict[str, str] | None,
) -> None:
    patch = undo_patch(case_of(workload(annotations=annotations), reason="errors"))
    assert operations(patch, "test")["/metadata/resourceVersion"] == "100"
    (added,) = operations(patch, "add").values()
    assert set(added) == {CHANGE_CAUSE, "oncall.recovery/rollback"}
    assert added[CHANGE_CAUSE] == "errors"


def test_patch_keeps_the_annotations_that_are_there() -> None:
    live = workload(annotations={"owner": "shop", CHANGE_CAUSE: "deploy 2"})
    added = operations(undo_patch(case_of(live, reason="errors")), "add")
    assert added["/metadata/annotations/kubernetes.io~1change-cause"] == "errors"
    assert set(added) == {
        "/metadata/annotations/kubernetes.io~1change-cause",
        "/metadata/annotations/oncall.recovery~1rollback",
    }


def test_patch_records_what_is_done_for_which_incident() -> None:
    live = workload(annotations={})
    added = operations(undo_patch(case_of(live, incident="INC-1", automatic=True)), "add")
    live["metadata"]["annotations"] = added["/metadata/annotations"]
    record = record_of(live)
    assert record is not None
    assert (record.incident, record.is_automatic) == ("INC-1", True)
    assert (record.from_hash, record.to_hash) == ("web-rs2", "web-rs1")
    assert record.generation == live["metadata"]["generation"] + 1
    assert record.at == record.last_automatic == READ_AT


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "[]", "{}", '{"incident": "INC-1", "at": "soon"}', "7", "null", "[" * 100_000],
    ids=["nothing", "text", "list", "empty", "vague time", "number", "null", "endless brackets"],
)
def test_record_that_is_not_ours_counts_as_none(text: str) -> None:
    assert record_of(workload(annotations={"oncall.recovery/rollback": text})) is None


def test_patch_tests_before_it_changes() -> None:
    steps = [step["op"] for step in undo_patch(case_of(workload()))]
    assert steps == sorted(steps, key=lambda step: step != "test")


@pytest.mark.parametrize(
    ("cause_of_target", "expected"),
    [
        ("", "rolled back from revision 2 to revision 1"),
        ("deploy 1.0", "rolled back from revision 2 to revision 1 (deploy 1.0)"),
    ],
    ids=["target has none", "target has one"],
)
def test_change_cause_without_a_reason_says_where_it_went(
    cause_of_target: str, expected: str
) -> None:
    live = workload()
    older, newer = revision_object(live, 1, "web:1"), revision_object(live, 2, "web:2")
    older["metadata"]["annotations"][CHANGE_CAUSE] = cause_of_target
    case = Case(live, revisions_of(live, [older, newer]), UndoRequest())
    added = operations(undo_patch(case), "add")
    assert added["/metadata/annotations"][CHANGE_CAUSE] == expected
