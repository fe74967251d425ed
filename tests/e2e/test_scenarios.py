# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick half of the catalogue, from the alert to the postmortem. ``make scorecard`` tells all.

The scenarios are told side by side, since most of their time is waiting.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster import Cluster, up
from tests.cluster.places import cache_folder
from tests.cluster.shop.versions import build_shop_images
from tests.scorecard.scenario import CATALOGUE, Scenario, scenarios_in
from tests.scorecard.telling import Score, tell

AT_ONCE = 4
QUICK = [scenario for scenario in scenarios_in(CATALOGUE) if scenario.quick]


@pytest.fixture(scope="module")
def told(
    cluster: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Score]]]:
    """Every scenario by its name, being told."""
    if cluster.provider != "debian":
        pytest.skip(f"provider {cluster.provider} brings its own Prometheus, or none")
    watched = up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"), with_addons=["prometheus"])
    watched.load_images([build_shop_images(cache_folder() / "images")])
    folder = tmp_path_factory.mktemp("scenarios")

    def start(scenario: Scenario) -> Score:
        return tell(watched, scenario, folder / scenario.name, f"{namespace}-{scenario.name}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {scenario.name: pool.submit(start, scenario) for scenario in QUICK}


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_scenario_is_dealt_with(told: dict[str, Future[Score]], scenario: Scenario) -> None:
    score = told[scenario.name].result()
    assert score.is_right, score
    assert not score.wrong_action, score
    document = Path(score.postmortem).read_text()
    for heading in ("Root Cause", "Impact", "Resolution", "Prevention"):
        assert heading in document
