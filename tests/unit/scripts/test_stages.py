# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from pathlib import Path

import pytest

from scripts.stages import Runner, StageFailed, count_tests


def test_lanes_run_side_by_side_and_a_lane_in_order(tmp_path: Path) -> None:
    meeting = tmp_path / "meeting"
    wait = f"for i in $(seq 500); do [ ! -e {meeting} ] || exit 0; sleep 0.02; done; exit 1"
    runner = Runner(("sh", "-c"))
    runner.run_row([(wait, f"[ -e {meeting} ] && echo met"), (f"touch {meeting}",)])
    assert not runner.failed
    lane = [stage for stage in runner.times if not stage.startswith("touch")]
    assert lane == [wait, f"[ -e {meeting} ] && echo met"]


def test_first_failure_stops_what_still_runs_and_starts_nothing_more() -> None:
    runner = Runner(("sh", "-c"))
    started = time.monotonic()
    with pytest.raises(StageFailed, match="exit 3"):
        runner.run_row([("sleep 20", "echo never"), ("exit 3",)])
    assert time.monotonic() - started < 5
    assert (runner.failed, runner.stopped) == (["exit 3"], ["sleep 20"])
    assert "echo never" not in runner.times


def report(folder: Path, name: str, attributes: str, suites: int = 1) -> None:
    suite = f"<testsuite {attributes}/>"
    (folder / name).write_text(f"<testsuites>{suite * suites}</testsuites>")


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        pytest.param(
            "unit.xml",
            'tests="9" failures="1" errors="2" skipped="3"',
            (3, 3, 3),
            id="pytest: errors are failures, and skipped tests did not pass",
        ),
        pytest.param(
            "integration-2.19-undo.xml",
            'tests="40" failures="0" errors="0" skipped="7"',
            (1, 0, 0),
            id="integration: a target is one test, its tasks are none",
        ),
        pytest.param(
            "integration-2.19-undo.xml",
            'tests="40" failures="2" errors="1" skipped="0"',
            (1, 0, 0),
            id="integration: tasks that fail on purpose do not fail their target",
        ),
    ],
)
def test_reports_are_counted(
    tmp_path: Path, name: str, attributes: str, expected: tuple[int, int, int]
) -> None:
    report(tmp_path, name, attributes)
    assert count_tests(tmp_path) == expected


def test_reports_add_up(tmp_path: Path) -> None:
    report(tmp_path, "a.xml", 'tests="2" failures="1"', suites=2)
    report(tmp_path, "b.xml", 'tests="1"')
    assert count_tests(tmp_path) == (3, 2, 0)
