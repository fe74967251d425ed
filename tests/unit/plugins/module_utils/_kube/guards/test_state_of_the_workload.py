# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards that look at the workload and its history alone."""

from __future__ import annotations

import typing as t

import pytest

from ..builders import replica_set, workload
from .cases import answer_of, case_of, ready_workload

NOT_CAUGHT_UP = (
    "its controller has not yet made a revision of the newest template. "
    "Check that kube-controller-manager runs, then try again"
)


@pytest.mark.parametrize(
    ("live", "images", "to_revision", "name", "detail"),
    [
        pytest.param(
            workload(spec={"paused": True}),
            (),
            0,
            "paused",
            "it is paused. Resume it first: kubectl rollout resume",
            id="is paused",
        ),
        pytest.param(
            workload(image="web:3"),
            (),
            0,
            "controller_caught_up",
            NOT_CAUGHT_UP,
            id="has a template that no revision has yet",
        ),
        pytest.param(
            workload(image="web:1"),
            (),
            1,
            "controller_caught_up",
            NOT_CAUGHT_UP,
            id="went back to an old template whose revision is not yet renumbered",
        ),
        pytest.param(
            ready_workload("StatefulSet", generation=3, observed=2),
            (),
            0,
            "controller_caught_up",
            NOT_CAUGHT_UP,
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
            (),
            9,
            "target_exists",
            "revision 9 is not in its history (have 1, 2). Choose one of those",
            id="has no such revision",
        ),
    ],
)
def test_guard_blocks_a_workload_that(
    live: dict[str, t.Any], images: tuple[str, ...], to_revision: int, name: str, detail: str
) -> None:
    assert answer_of(name, case_of(live, *images, to_revision=to_revision)) == ("block", detail)


def test_paused_workload_is_not_said_to_have_a_controller_that_lags() -> None:
    paused = workload(image="web:3", spec={"paused": True})
    assert answer_of("controller_caught_up", case_of(paused))[0] == "warn"


class TestMigrationBarrier:
    def answer(self, now: str, then: str, **request: t.Any) -> tuple[str, str]:
        live = ready_workload()
        live["spec"]["template"]["metadata"]["annotations"] = annotated(now)
        objects = [replica_set(live, 1, "web:1"), replica_set(live, 2, "web:2")]
        for kept, migration in zip(objects, (then, now), strict=True):
            kept["spec"]["template"]["metadata"]["annotations"] = annotated(migration)
        return answer_of("migration_barrier", case_of(live, objects=objects, **request))

    def test_same_migration_passes(self) -> None:
        assert self.answer("42", "42") == ("pass", "both run with migration 42")

    def test_no_migration_passes(self) -> None:
        assert self.answer("", "") == ("pass", "neither names a migration")

    @pytest.mark.parametrize(("now", "then"), [("42", "41"), ("42", ""), ("", "41")])
    def test_different_migrations_block(self, now: str, then: str) -> None:
        outcome, detail = self.answer(now, then)
        assert outcome == "block"
        assert f"(from {then or 'none'} to {now or 'none'})" in detail
        assert "approved_by" in detail

    def test_reversible_migration_passes(self) -> None:
        assert self.answer("42", "41", reversible_migrations=frozenset({"42"}))[0] == "pass"

    def test_reversible_is_what_is_crossed_and_not_what_is_returned_to(self) -> None:
        assert self.answer("42", "41", reversible_migrations=frozenset({"41"}))[0] == "block"

    def test_approved_migration_warns_with_the_name(self) -> None:
        outcome, detail = self.answer("42", "41", approved_by="Ada")
        assert (outcome, detail.endswith("approved by Ada")) == ("warn", True)


def annotated(migration: str) -> dict[str, str]:
    return {"oncall.recovery/migration": migration} if migration else {}


@pytest.mark.parametrize(
    ("then", "now", "outcome"),
    [
        pytest.param("web:1.4.2", "web:1.4.3", "pass", id="a version"),
        pytest.param("web@sha256:0a1b", "web:2", "pass", id="a digest"),
        pytest.param("web:latest@sha256:0a1b", "web:2", "pass", id="a tag with a digest"),
        pytest.param("registry:5000/web:7", "web:2", "pass", id="a registry with a port"),
        pytest.param("web:stable", "web:2", "warn", id="a tag without a digit"),
        pytest.param("registry:5000/web", "web:2", "warn", id="no tag behind a port"),
        pytest.param("web:latest", "web:latest", "block", id="latest, which runs now, too"),
        pytest.param("web", "web", "block", id="no tag at all, which runs now, too"),
        pytest.param("web:1.4.2", "web:1.4.2", "pass", id="the same version, another setting"),
    ],
)
def test_mutable_tag_of(then: str, now: str, outcome: str) -> None:
    live = ready_workload(image=now)
    live["spec"]["template"]["metadata"]["annotations"] = {"restarted": "yes"}
    objects = [replica_set(live, 1, then), replica_set(live, 2, now)]
    objects[1]["spec"]["template"]["metadata"]["annotations"] = {"restarted": "yes"}
    assert answer_of("mutable_tag", case_of(live, objects=objects))[0] == outcome


class TestHealthOfADeployment:
    def answer(self, then: tuple[int, int], now: tuple[int, int]) -> tuple[str, str]:
        live = ready_workload()
        objects = [replica_set(live, 1, "web:1"), replica_set(live, 2, "web:2")]
        for kept, (pods, available) in zip(objects, (then, now), strict=True):
            kept["status"] = {"replicas": pods, "availableReplicas": available}
        return answer_of("health", case_of(live, objects=objects))

    def test_target_without_pods_passes(self) -> None:
        assert self.answer((0, 0), (3, 3)) == (
            "pass",
            "revision 1 has no pods that could be compared",
        )

    def test_target_that_serves_passes(self) -> None:
        assert self.answer((2, 2), (1, 0)) == ("pass", "2 of 2 pods of revision 1 are ready")

    def test_target_that_does_not_serve_blocks_where_the_newest_does(self) -> None:
        outcome, detail = self.answer((1, 0), (3, 2))
        assert outcome == "block"
        assert detail.startswith("none of the 1 pods of revision 1 is ready, while 2 of revision 2")

    def test_nothing_that_serves_passes(self) -> None:
        assert self.answer((1, 0), (3, 0))[0] == "pass"
