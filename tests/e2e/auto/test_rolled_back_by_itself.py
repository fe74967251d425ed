# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the first failing request to users served, with real parts and nobody there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.auto.slowness import Slowness
from tests.auto.stage import PLAYBOOK, Stage, staged
from tests.auto.story import (
    ACCEPTED,
    BAD,
    DEPLOYED,
    FAILING,
    FIRING,
    GOOD,
    RECEIVED,
    RESOLVED,
    SERVED,
    Timeline,
    bad_version_is_rolled_back,
)
from tests.cluster import Cluster
from tests.e2e.support.playbooks import Played, play

from .shops import installed, live, version_of

# On a machine that has a processor for it; see tests/auto/slowness.py.
MOST_SECONDS_FROM_ALERT_TO_PATCH = 5.0


@dataclass(frozen=True)
class Told:
    """The first story, after its end."""

    stage: Stage
    timeline: Timeline
    slowness: Slowness


@pytest.fixture(scope="module")
def told(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder, slowness = tmp_path_factory.mktemp("auto"), Slowness()
    with installed(cluster, "first", GOOD) as shop, staged(cluster, shop, folder) as stage:
        slowness.measure()
        measuring = threading.Thread(target=slowness.measure)
        timeline = bad_version_is_rolled_back(stage, on_alert=measuring.start)
        measuring.join()
        yield Told(stage, timeline, slowness)


def test_users_are_served_again_and_nobody_did_anything(told: Told) -> None:
    moments = told.timeline.moments
    print("\n".join(told.timeline.lines()))
    order = [DEPLOYED, FAILING, FIRING, RECEIVED, ACCEPTED, SERVED, RESOLVED]
    # Seconds are counted from the start of the load, so the first may seem a second too early.
    assert moments[DEPLOYED] - 1 <= moments[FAILING]
    assert sorted(order[1:], key=lambda what: moments[what]) == order[1:]
    assert version_of(told.stage) == GOOD


def test_patch_is_accepted_within_five_seconds_of_the_alert(told: Told) -> None:
    seconds = told.timeline.between(RECEIVED, ACCEPTED)
    print(f"{seconds:.1f} s, where a second of work takes {told.slowness.factor:.1f} s")
    assert seconds <= MOST_SECONDS_FROM_ALERT_TO_PATCH * told.slowness.factor


def test_person_on_call_is_told_of_the_beginning_and_of_the_end(told: Told) -> None:
    shop = told.stage.shop
    about = f"Deployment {shop.namespace}/{shop.name}: ErrorRateHigh"
    assert told.stage.subjects() == [f"[FIRING] {about}", f"[RESOLVED] {about}"]


def test_one_patch_is_made_in_the_name_of_the_incident(told: Told) -> None:
    assert len(told.stage.accepted()) == 1
    before = live(told.stage)
    record = json.loads(before["metadata"]["annotations"]["oncall.recovery/rollback"])
    assert record["automatic"] is True
    shop = told.stage.shop
    assert record["incident"].startswith("alert-20")
    assert record["incident"].endswith(f"-{shop.namespace}-deployment-{shop.name}")
    bad = told.stage.kubectl("get", "rs", "-l", "oncall.recovery/verdict=bad", "-o", "json")
    (left,) = json.loads(bad)["items"]
    assert left["spec"]["template"]["spec"]["containers"][0]["image"].endswith(BAD)


def again(told: Told, folder: Path, incident: str) -> Played:
    """What a rulebook that has forgotten all of it would do."""
    shop = told.stage.shop
    return play(
        PLAYBOOK,
        cwd=folder,
        recovery_kubeconfig=str(told.stage.cluster.kubeconfig),
        rollback_workloads=[{"kind": shop.kind, "namespace": shop.namespace, "name": shop.name}],
        rollback_target="last_good",
        rollback_automatic=True,
        rollback_deployed_within=3600,
        rollback_incident=incident,
    )


def test_rulebook_that_was_started_again_does_nothing_twice(told: Told, tmp_path: Path) -> None:
    before = live(told.stage)
    record = json.loads(before["metadata"]["annotations"]["oncall.recovery/rollback"])
    same = again(told, tmp_path, record["incident"])
    assert not same.failed, same.output
    assert "already rolled back in incident alert-20" in same.output
    another = again(told, tmp_path, "alert-of-the-next-minute")
    assert another.failed
    assert live(told.stage)["spec"] == before["spec"]
