# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To what a rollback goes, and what keeps it for a person to decide."""

from __future__ import annotations

from typing import Any

import pytest

from .evidence import (
    OLD,
    ago,
    changed,
    crashing,
    decided,
    dependency,
    pod,
    revision,
    signal,
    triage,
    workload,
)

ERRORS = signal(bad_since=100)
DEPLOYED_TWICE = [revision(3, 80), revision(2, 120), OLD]


def rolled_back(*revisions: dict[str, Any], **evidence: Any) -> dict[str, Any]:
    one = workload(*revisions, **evidence.pop("workload_fields", {}))
    given = {"symptoms": [ERRORS], "triage": triage(one), **evidence}
    return decided(**given)


@pytest.mark.parametrize(
    ("revisions", "symptoms", "to_revision"),
    [
        pytest.param([revision(2, 120), OLD], [ERRORS], 0, id="one deploy"),
        pytest.param(DEPLOYED_TWICE, [ERRORS], 1, id="onset between two deploys"),
        pytest.param(
            [revision(3, 120), revision(2, 150), OLD],
            [ERRORS],
            1,
            id="onset after two deploys, the first of which never could show itself",
        ),
        pytest.param(
            [revision(3, 120), revision(2, 150, mark="good"), OLD],
            [ERRORS],
            0,
            id="the first of two deploys is marked good",
        ),
        pytest.param(
            [revision(3, 120), revision(2, 1000), OLD],
            [ERRORS],
            0,
            id="the first of two deploys ran for long",
        ),
        pytest.param(
            [revision(3, 120), revision(2, 500), OLD],
            [ERRORS],
            0,
            id="users were well while the first of two deploys ran",
        ),
        pytest.param(
            [revision(4, 80), revision(3, 120), revision(2, 5000, mark="bad"), OLD],
            [ERRORS],
            1,
            id="the one before is marked bad",
        ),
        pytest.param(
            [revision(5, 80), revision(4, 120), revision(3, 5000), revision(2, 9000, mark="good")],
            [ERRORS],
            2,
            id="an earlier one is marked good",
        ),
        pytest.param(
            [revision(3, 110, is_restart=True), revision(2, 120), OLD],
            [ERRORS],
            1,
            id="the bad one was restarted since",
        ),
    ],
)
def test_rollback_goes_to_before_all_that_is_suspected(
    revisions: list[dict[str, Any]], symptoms: list[dict[str, Any]], to_revision: int
) -> None:
    answer = rolled_back(*revisions, symptoms=symptoms)
    assert answer["action"] == "rollback"
    assert answer["target"]["to_revision"] == to_revision
    assert answer["target"]["target"] == "last_good"
    assert answer["target"]["from_revision"] == revisions[0]["revision"]


def test_first_deploy_is_kept_where_its_pods_serve_while_those_of_the_second_cannot_start() -> None:
    one = workload(revision(3, 60), revision(2, 200), OLD, verdict="failed")
    pods = [pod("web-hash2-a", 2), crashing("web-hash3-a", 3)]
    answer = decided(symptoms=[signal()], triage={**triage(one), "pods": pods})
    assert answer["target"]["to_revision"] == 0


@pytest.mark.parametrize(
    ("revisions", "fields"),
    [
        pytest.param([revision(1, 120)], {}, id="it has run nothing else"),
        pytest.param(
            [{**revision(3, 120), "created": ago(90000)}, revision(2, 300)],
            {},
            id="somebody went back already",
        ),
        pytest.param(
            [revision(2, 120), OLD],
            {"rolled_back": {"to": "hash2", "automatic": True}},
            id="what runs is the target of a rollback",
        ),
        pytest.param([revision(2, 120, is_restart=True), OLD], {}, id="it was only restarted"),
        pytest.param([revision(2, 7200), OLD], {}, id="the deploy is older than the window"),
    ],
)
def test_nothing_is_rolled_back_where_no_deploy_is_to_blame(
    revisions: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    answer = decided(symptoms=[ERRORS], triage=triage(workload(*revisions, **fields)))
    assert answer["action"] == "investigate", answer["reasons"]


def test_nothing_is_rolled_back_while_the_controller_has_not_caught_up() -> None:
    one = workload(revision(2, 120), OLD)
    one["revisions"][0]["current"] = False
    answer = decided(symptoms=[ERRORS], triage=triage(one))
    assert answer["action"] == "investigate"
    assert "not caught up" in str(answer["considered"])


@pytest.mark.parametrize(
    ("fields", "options", "blockers"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param({"paused": True}, {}, ["paused"], id="the rollout is paused"),
        pytest.param(
            {"managed_by": [{"tool": "Argo CD", "kind": "Application", "name": "shop"}]},
            {},
            ["gitops"],
            id="Argo CD deploys it",
        ),
        pytest.param(
            {"managed_by": [{"tool": "Argo CD", "kind": "Application", "name": "shop"}]},
            {"gitops": "suspend"},
            [],
            id="Argo CD will be suspended",
        ),
        pytest.param(
            {"managed_by": [{"tool": "HorizontalPodAutoscaler", "kind": "x", "name": "web"}]},
            {},
            [],
            id="an autoscaler is no owner",
        ),
        pytest.param({}, {"least_confidence": "high"}, ["confidence"], id="it is too much a guess"),
    ],
)
def test_rollback_waits_for_a_person(
    fields: dict[str, Any], options: dict[str, Any], blockers: list[str]
) -> None:
    answer = rolled_back(revision(2, 120), OLD, workload_fields=fields, **options)
    assert answer["action"] == "rollback"
    assert [blocker["name"] for blocker in answer["blockers"]] == blockers
    assert answer["automatic"] == (not blockers)
    assert all(blocker["detail"] for blocker in answer["blockers"])


@pytest.mark.parametrize(
    ("options", "is_blocked"),
    [
        pytest.param({}, True, id="nobody allowed it"),
        pytest.param({"approved_by": "dba"}, False, id="it was approved"),
        pytest.param({"reversible_migrations": ["0042"]}, False, id="it is reversible"),
        pytest.param({"reversible_migrations": ["0041"]}, True, id="another one is reversible"),
    ],
)
def test_migration_between_the_revisions_is_a_barrier(
    options: dict[str, Any], is_blocked: bool
) -> None:
    answer = rolled_back(revision(2, 120, migration="0042"), OLD, **options)
    assert [b["name"] for b in answer["blockers"]] == ["migration_barrier"] * is_blocked


def test_no_earlier_revision_that_may_be_good_is_said() -> None:
    answer = rolled_back(revision(2, 120), revision(1, 90000, mark="bad"))
    assert [blocker["name"] for blocker in answer["blockers"]] == ["no_target"]


def test_deploy_that_is_blamed_late_is_a_guess() -> None:
    """Without a history that says that users were well in between."""
    late = {**signal(bad_since=100), "history": signal(bad_since=100, looked_for=100)["history"]}
    answer = rolled_back(revision(2, 1500), OLD, symptoms=[late])
    assert (answer["action"], answer["confidence"]) == ("rollback", "low")
    assert [blocker["name"] for blocker in answer["blockers"]] == ["confidence"]
    assert rolled_back(revision(2, 1500), OLD)["action"] == "investigate"


def test_known_healthy_dependencies_raise_the_confidence() -> None:
    well = dependency("db", "database", signal())
    assert rolled_back(revision(2, 120), OLD)["confidence"] == "medium"
    assert rolled_back(revision(2, 120), OLD, dependencies=[well])["confidence"] == "high"


@pytest.mark.parametrize(
    ("mitigation", "blockers"), [("cached", []), (None, ["no_fallback"])], ids=["one", "none"]
)
def test_fallback_has_to_be_declared(mitigation: str | None, blockers: list[str]) -> None:
    api = dependency("payments", "external_api", ERRORS, mitigation=mitigation)
    answer = decided(symptoms=[ERRORS], dependencies=[api])
    assert answer["target"] == {"dependency": "payments", "mitigation": mitigation}
    assert [blocker["name"] for blocker in answer["blockers"]] == blockers


def test_restore_always_waits_for_approval() -> None:
    answer = decided(
        symptoms=[ERRORS], dependencies=[dependency("db", "database", ERRORS)], approved_by="dba"
    )
    assert answer["blockers"][0]["name"] == "approval"
    assert not answer["automatic"]


def test_configuration_goes_back_to_what_the_caller_holds_before_what_triage_holds() -> None:
    found = {"kind": "ConfigMap", "name": "web", "namespace": "shop", "key": "a", "value": "1"}
    held = {**found, "value": "2"}
    other = {**held, "name": "cart"}
    looked = triage(workload(OLD), changes=[changed("ConfigMap", "web", 130, revert=[found])])
    assert decided(symptoms=[ERRORS], triage=looked)["target"]["changes"] == [found]
    answer = decided(symptoms=[ERRORS], triage=looked, held=[other, held])
    assert answer["target"]["changes"] == [held]
    assert answer["target"]["workloads"] == [
        {"kind": "Deployment", "namespace": "shop", "name": "web"}
    ]


def test_configuration_that_was_changed_long_before_is_a_guess() -> None:
    late = {**ERRORS, "history": signal(bad_since=100, looked_for=100)["history"]}
    found = {"kind": "ConfigMap", "name": "web", "namespace": "shop", "key": "a", "value": "1"}
    looked = triage(workload(OLD), changes=[changed("ConfigMap", "web", 1500, revert=[found])])
    answer = decided(symptoms=[late], triage=looked)
    assert (answer["action"], answer["confidence"]) == ("revert_config", "low")
    assert not answer["automatic"]


def test_autoscaler_at_its_limit_is_for_a_person() -> None:
    scaler = {
        "namespace": "shop",
        "name": "web",
        "target": {"kind": "Deployment", "name": "web"},
        "desired_replicas": 5,
        "max_replicas": 5,
    }
    answer = decided(
        symptoms=[ERRORS],
        load=[signal("requests", bad_since=100)],
        saturation=[signal("queue", bad_since=90)],
        triage=triage(workload(OLD), autoscalers=[scaler]),
    )
    assert answer["action"] == "scale"
    assert [blocker["name"] for blocker in answer["blockers"]] == ["autoscaler_limit"]
