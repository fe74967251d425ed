# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a workload from being rolled back."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards import Case, ask_guards

from .builders import KINDS, history, revisions_of, workload

TWO_IMAGES = ("web:1", "web:2")


def case_of(live: dict[str, t.Any], *images: str, to_revision: int = 0) -> Case:
    return Case(live, revisions_of(live, history(live, *images)), to_revision)


def ready_workload(kind: str, **changes: t.Any) -> dict[str, t.Any]:
    status = {"updateRevision": "web-cr2"} if kind == "StatefulSet" else {}
    return workload(kind, **{"status": status, **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_ready_workload_passes_all_guards_in_their_order(kind: str) -> None:
    asked = ask_guards(case_of(ready_workload(kind), *TWO_IMAGES))
    assert [(guard.name, guard.outcome) for guard in asked] == [
        ("paused", "pass"),
        ("controller_caught_up", "pass"),
        ("target_exists", "pass"),
    ]
    assert asked[1].detail == "its newest template is revision 2"
    assert asked[2].detail == "revision 1 is in its history"


@pytest.mark.parametrize(
    ("live", "images", "to_revision", "blocked_by", "detail"),
    [
        pytest.param(
            workload(spec={"paused": True}),
            TWO_IMAGES,
            0,
            "paused",
            "it is paused. Resume it first: kubectl rollout resume",
            id="is paused",
        ),
        pytest.param(
            workload(image="web:3"),
            TWO_IMAGES,
            0,
            "controller_caught_up",
            "its controller has not yet made a revision of the newest template. "
            "Check that kube-controller-manager runs, then try again",
            id="has a template that no revision has yet",
        ),
        pytest.param(
            workload(image="web:1"),
            TWO_IMAGES,
            0,
            "controller_caught_up",
            "its controller has not yet made a revision of the newest template. "
            "Check that kube-controller-manager runs, then try again",
            id="went back to an old template whose revision is not yet renumbered",
        ),
        pytest.param(
            ready_workload("StatefulSet", generation=3, observed=2),
            TWO_IMAGES,
            0,
            "controller_caught_up",
            "its controller has not yet made a revision of the newest template. "
            "Check that kube-controller-manager runs, then try again",
            id="is a StatefulSet whose newest generation is not observed",
        ),
        pytest.param(
            workload(image="web:1"),
            ("web:1",),
            0,
            "target_exists",
            "has no earlier revision to go back to (have 1). Deploy a good version instead",
            id="has one revision only",
        ),
        pytest.param(
            workload(),
            TWO_IMAGES,
            9,
            "target_exists",
            "revision 9 is not in its history (have 1, 2). Choose one of those",
            id="has no such revision",
        ),
    ],
)
def test_guard_blocks_a_workload_that(
    live: dict[str, t.Any], images: tuple[str, ...], to_revision: int, blocked_by: str, detail: str
) -> None:
    last = ask_guards(case_of(live, *images, to_revision=to_revision))[-1]
    assert (last.name, last.outcome, last.detail) == (blocked_by, "block", detail)


def test_no_guard_is_asked_after_the_one_that_blocks() -> None:
    paused = workload(spec={"paused": True})
    assert [guard.name for guard in ask_guards(case_of(paused, *TWO_IMAGES))] == ["paused"]
