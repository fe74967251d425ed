# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the modules beside their peers: ``make bench``. Ends with 1 where a bound is broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.cluster import ClusterError, up

from .comparison import Comparison, table, write_results
from .hotfix import measure_hotfix
from .rollback import measure, measure_memory
from .waiting import measure_waiting

PARTS = ("rollback", "waiting", "memory", "hotfix")
PARTS_WITH_A_CLUSTER = PARTS[:3]
HOLLOW_NODES = 3
RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results.json"


def main() -> int:
    options = _options()
    rows: list[Comparison] = []
    try:
        for row in _measure(options):
            rows.append(row)
            print(table([row]).splitlines()[-1], file=sys.stderr, flush=True)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(rows))
    write_results(rows, RESULTS)
    print(f"the single runs are in {RESULTS.relative_to(Path.cwd())}")
    return 0 if all(row.holds for row in rows) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure; all by default"
    )
    parser.add_argument("--workloads", type=int, default=500, help="Deployments to roll back")
    parser.add_argument("--few", type=int, default=10, help="how many of them kubernetes.core gets")
    parser.add_argument("--rolling", type=int, default=200, help="rollouts to wait for")
    parser.add_argument("--memory", type=int, default=2000, help="Deployments to weigh")
    parser.add_argument(
        "--files", type=int, default=50_000, help="files of the hotfix's repository"
    )
    parser.add_argument("--commits", type=int, default=5_000, help="commits of that repository")
    parser.add_argument("--runs", type=int, default=3, help="turns of each side")
    return parser.parse_args()


def _measure(options: argparse.Namespace) -> Iterator[Comparison]:
    if set(options.only) & set(PARTS_WITH_A_CLUSTER):
        yield from _measure_on_a_cluster(options)
    if "hotfix" in options.only:
        sizes = {"files": options.files, "commits": options.commits}
        with tempfile.TemporaryDirectory() as folder:
            yield from measure_hotfix(Path(folder), **sizes, runs=options.runs)


def _measure_on_a_cluster(options: argparse.Namespace) -> Iterator[Comparison]:
    cluster = up("bench", node=False, hollow=HOLLOW_NODES)
    try:
        if "rollback" in options.only:
            sizes = {"size": options.workloads, "few": options.few, "runs": options.runs}
            with tempfile.TemporaryDirectory() as folder:
                yield from measure(cluster, Path(folder), **sizes)
        if "waiting" in options.only:
            yield from measure_waiting(cluster, size=options.rolling)
        if "memory" in options.only:
            yield measure_memory(cluster, sizes=(options.workloads, options.memory))
    finally:
        cluster.down()


if __name__ == "__main__":
    sys.exit(main())
