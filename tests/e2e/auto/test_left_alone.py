# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts that are no reason to roll back, no alert at all, and one alert told many times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.auto.stage import Stage, staged
from tests.auto.story import BAD, GOOD, release, users_of
from tests.cluster import Cluster
from tests.e2e.alerting.servers import ask
from tests.e2e.support.modules import Answer, run_module

from .shops import installed, live, set_on_all_pods, version_of, wait_for

OTHER_GOOD = "1.1.0"
# What runs for longer is not taken for the cause in these stories.
DEPLOYED_WITHIN = 20
SECONDS_WITHOUT_EYES = 8
COPIES = 50


@dataclass(frozen=True)
class Flooded:
    """The same alert, told by three Alertmanagers and 50 times more, after its end."""

    stage: Stage
    statuses: list[int]


@dataclass(frozen=True)
class Refused:
    """Errors that no deploy caused, then a bad deploy that nobody sees; after their end."""

    stage: Stage
    before: dict[str, Any]
    without_deploy: dict[str, Any]
    seen_without_eyes: Answer
    failed_without_eyes: int
    received_without_eyes: int


@dataclass(frozen=True)
class Stories:
    flooded: Flooded
    refused: Refused


@pytest.fixture(scope="module")
def stories(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """Both run side by side, since they wait most of their time."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        flooded = threads.submit(
            flood, stack.enter_context(ExitStack()), cluster, tmp_path_factory.mktemp("flood")
        )
        refused = threads.submit(
            refuse, stack.enter_context(ExitStack()), cluster, tmp_path_factory.mktemp("refused")
        )
        yield Stories(flooded.result(), refused.result())


def flood(stack: ExitStack, cluster: Cluster, folder: Path) -> Flooded:
    shop = stack.enter_context(installed(cluster, "flood", GOOD))
    stage = stack.enter_context(staged(cluster, shop, folder, managers=3))
    with users_of(stage) as load:
        wait_for(lambda: load.report().ok > 20, "users are served", stage)
        release(stage, BAD, wait=False)
        told = f"{stage.managers[0]}/api/v2/alerts"
        wait_for(lambda: ask(told), "an Alertmanager has the alert", stage)
        (alert,) = ask(told)
        message = {"status": "firing", "alerts": [{**alert, "status": "firing"}]}
        with ThreadPoolExecutor(10) as senders:
            statuses = list(senders.map(stage.rulebook.send, [message] * COPIES))
        wait_for(stage.accepted, "it is rolled back", stage)
        wait_for(lambda: stage.rulebook.lines("PLAY RECAP"), "the playbook ends", stage)
        wait_for(lambda: stage.rulebook.lines("resolved: Deployment"), "it is resolved", stage)
    return Flooded(stage, statuses)


def refuse(stack: ExitStack, cluster: Cluster, folder: Path) -> Refused:
    shop = stack.enter_context(installed(cluster, "refused", GOOD, OTHER_GOOD))
    deployed_at = time.monotonic()
    stage = stack.enter_context(
        staged(cluster, shop, folder, managers=1, deployed_within=DEPLOYED_WITHIN)
    )
    with users_of(stage) as load:
        wait_for(lambda: load.report().ok > 20, "users are served", stage)
        time.sleep(max(0.0, deployed_at + DEPLOYED_WITHIN + 1 - time.monotonic()))
        before = live(stage)
        set_on_all_pods(stage, fault_error_share=0.5)
        wait_for(lambda: stage.rulebook.lines("PLAY RECAP"), "the playbook is run", stage)
        without_deploy = live(stage)
        set_on_all_pods(stage, fault_error_share=0.0)
        wait_for(lambda: stage.rulebook.lines("resolved: Deployment"), "it is resolved", stage)

        received, failed = len(stage.received()), load.report().failed
        stage.blind()
        release(stage, BAD)
        wait_for(lambda: load.report().failed > failed + 20, "users see errors", stage)
        time.sleep(SECONDS_WITHOUT_EYES)
        signal = {"name": "errors", "promql": "sum(rate(http_requests_total[5s]))", "threshold": 1}
        seen = run_module(
            "signal_info", None, prometheus={"url": stage.prometheus}, signals=[signal]
        )
        return Refused(
            stage,
            before,
            without_deploy,
            seen,
            load.report().failed - failed,
            len(stage.received()) - received,
        )


def test_alert_that_is_told_53_times_has_one_rollback(stories: Stories) -> None:
    stage = stories.flooded.stage
    assert stories.flooded.statuses == [200] * COPIES
    assert len(stage.received()) == len(stage.accepted()) == 1
    ignored = stage.rulebook.lines("acted on already, and not all of its alerts are resolved")
    # Some copies may come when the alert is over for all that the rulebook knows.
    ignored += stage.rulebook.lines("its end was told since")
    assert len(ignored) >= COPIES + len(stage.managers) - 1
    assert len(stage.rulebook.lines("PLAY RECAP")) == 1
    assert version_of(stage) == GOOD


def test_alert_that_no_deploy_caused_rolls_nothing_back(stories: Stories) -> None:
    refused = stories.refused
    assert refused.before["spec"] == refused.without_deploy["spec"]
    assert refused.stage.accepted() == []
    assert "so it is not likely to be the cause" in refused.stage.rulebook.said()
    assert "0 of 1 rolled back, 1 blocked" in refused.stage.rulebook.said()
    assert refused.stage.subjects()[0].startswith("[FIRING] Deployment ")


def test_bad_version_that_prometheus_cannot_see_is_left_to_people(stories: Stories) -> None:
    refused = stories.refused
    assert refused.failed_without_eyes > 20
    assert refused.seen_without_eyes.result["verdict"] == "unknown"
    assert refused.received_without_eyes == 0
    assert refused.stage.accepted() == []
    assert version_of(refused.stage) == BAD
