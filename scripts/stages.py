# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the stages of ``make test``, says how long each took and counts the tests.

What is quick and needs no cluster runs beside the start of the cluster. The two lanes after that
take about the same time; a third would make stories late on a machine of two cores. The first
failure stops the rest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).resolve().parent.parent
REPORTS = CHECKOUT / "tests" / "output" / "junit"

# Lanes of one row run side by side, the targets of a lane one after the other.
ROWS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("unit", "lint"), ("cluster-test",)),
    (("integration", "e2e-apart"), ("e2e", "sanity-ends")),
)


class StageFailed(Exception):
    """A stage ended with an error; its name is the argument."""


class Runner:
    """Runs stages, remembers their times and can stop those that still run.

    :param command: what a stage's name is appended to.
    """

    def __init__(self, command: t.Sequence[str] = ("make",)) -> None:
        self._command = command
        self.times: dict[str, float] = {}
        self.failed: list[str] = []
        self.stopped: list[str] = []
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def run_row(self, lanes: t.Sequence[t.Sequence[str]]) -> None:
        """Run ``lanes`` side by side; raise StageFailed for the first stage that fails."""
        with ThreadPoolExecutor(len(lanes)) as pool:
            futures: list[Future[None]] = [pool.submit(self._run_lane, lane) for lane in lanes]
            try:
                done = wait(futures, return_when=FIRST_EXCEPTION).done
                failures = [future.exception() for future in done if future.exception()]
            except KeyboardInterrupt:
                self.stop()
                raise
            if failures:
                self.stop()
                raise t.cast(BaseException, failures[0])

    def stop(self) -> None:
        """End the process groups of the stages that still run."""
        with self._lock:
            self._stopping = True
            for process in self._running.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)

    def _run_lane(self, stages: t.Sequence[str]) -> None:
        for stage in stages:
            started = time.monotonic()
            succeeded = self._run_stage(stage)
            self.times[stage] = time.monotonic() - started
            if not succeeded:
                (self.stopped if self._stopping else self.failed).append(stage)
                raise StageFailed(stage)

    def _run_stage(self, stage: str) -> bool:
        with self._lock:
            if self._stopping:
                return False
            process = subprocess.Popen(
                [*self._command, stage],
                cwd=CHECKOUT,
                env={**os.environ, "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running[stage] = process
        with process:
            for line in process.stdout or ():
                print(f"{stage:>12} | {line}", end="", flush=True)
        with self._lock:
            del self._running[stage]
        return process.returncode == 0


def count_tests(reports: Path) -> tuple[int, int, int]:
    """How many tests passed, failed and were skipped by the JUnit files in ``reports``.

    Integration targets count as passed: the first that fails ends its stage.
    """
    total = failed = skipped = 0
    for report in reports.glob("*.xml"):
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            tests, wrong, left_out = (
                int(suite.get("tests", 0)),
                int(suite.get("failures", 0)) + int(suite.get("errors", 0)),
                int(suite.get("skipped", 0)),
            )
            if report.name.startswith("integration-"):
                # The cases of a target are its tasks, and some of those fail on purpose and are
                # rescued. The test is the target, and whether it failed is what its stage says.
                tests, wrong, left_out = 1, 0, 0
            total, failed, skipped = total + tests, failed + wrong, skipped + left_out
    return total - failed - skipped, failed, skipped


def print_times(runner: Runner, elapsed: float) -> None:
    """Print the table that ends a run."""
    print("\nstage          time")
    for stage, seconds in runner.times.items():
        outcome = (
            "failed" if stage in runner.failed else "stopped" if stage in runner.stopped else ""
        )
        print(f"{stage:<12} {seconds:6.0f} s  {outcome}".rstrip())
    print(f"{'in all':<12} {elapsed:6.0f} s\n")


def interrupt(*_signal: object) -> t.NoReturn:
    """Treat a polite kill as Ctrl-C, so that the stages are stopped too."""
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, interrupt)
    shutil.rmtree(REPORTS, ignore_errors=True)
    runner, started = Runner(), time.monotonic()
    try:
        for lanes in ROWS:
            runner.run_row(lanes)
    except StageFailed:
        pass  # The table and the lines below it tell which.
    except KeyboardInterrupt:
        print("interrupted; what ran has been stopped", file=sys.stderr)
        return 130
    print_times(runner, time.monotonic() - started)
    tests_passed, tests_failed, tests_skipped = count_tests(REPORTS)
    for stage in runner.failed:
        print(f"{stage} failed. Run it alone with: make {stage}")
    if "integration" in runner.failed:
        tests_passed, tests_failed = tests_passed - 1, tests_failed + 1
    tests_failed = max(tests_failed, len(runner.failed))
    print(f"{tests_passed} passed, {tests_failed} failed, {tests_skipped} skipped")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
