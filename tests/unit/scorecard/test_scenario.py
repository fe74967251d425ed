# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of scenarios are read whole, or refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scorecard.scenario import CATALOGUE, Scenario, ScenarioError, scenarios_in
from tests.scorecard.steps import STEPS

BARE = "description: x\nexpected: {decided: rollback}\n"


def read(folder: Path, text: str) -> Scenario:
    path = folder / "some_thing.yml"
    path.write_text(text)
    return Scenario.from_file(path)


def test_catalogue_is_readable_and_half_of_it_is_quick() -> None:
    scenarios = list(scenarios_in(CATALOGUE))
    quick = [scenario for scenario in scenarios if scenario.quick]
    assert len(scenarios) >= 2 * len(quick) - 4 and quick
    for scenario in scenarios:
        for step in scenario.steps:
            assert len(step) == 1 and step.keys() <= STEPS.keys(), scenario.name


def test_name_is_that_of_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, BARE).name == "some-thing"


@pytest.mark.parametrize(
    ("decided", "action"),
    [("rollback", "rollback"), ("none", ""), ("investigate", "")],
)
def test_what_is_decided_is_done_where_it_is_an_action(
    tmp_path: Path, decided: str, action: str
) -> None:
    assert read(tmp_path, BARE.replace("rollback", decided)).expected.action == action


def test_action_may_be_left_out(tmp_path: Path) -> None:
    text = BARE.replace("rollback", 'rollback, acted: ""')
    assert read(tmp_path, text).expected.action == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- x\n", "holds no dictionary"),
        ("description: x\n", "expected"),
        (BARE + "stepps: []\n", "there is no stepps"),
        (BARE + "users: {rates: 3}\n", "users: there is no rates; use path, patience, rate"),
    ],
)
def test_mistakes_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        read(tmp_path, text)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no"):
        list(scenarios_in(tmp_path))
