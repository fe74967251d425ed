# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the modules beside their peers: ``make bench``. Ends with 1 where a bound is broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.cluster import ClusterError, up

from .comparison import table, write_results
from .hotfix import measure_hotfix
from .rollback import measure, measure_memory
from .waiting import measure_waiting

HOLLOW_NODES = 3
RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--workloads", type=int, default=500, help="Deployments to roll back")
    parser.add_argument("--few", type=int, default=10, help="how many of them kubernetes.core gets")
    parser.add_argument("--rolling", type=int, default=200, help="rollouts to wait for")
    parser.add_argument("--memory", type=int, default=2000, help="Deployments to weigh")
    parser.add_argument(
        "--files", type=int, default=50_000, help="files of the hotfix's repository"
    )
    parser.add_argument("--commits", type=int, default=5_000, help="commits of that repository")
    parser.add_argument("--runs", type=int, default=3, help="turns of each side")
    options = parser.parse_args()
    try:
        cluster = up("bench", node=False, hollow=HOLLOW_NODES)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(
                cluster,
                Path(folder),
                size=options.workloads,
                few=options.few,
                runs=options.runs,
            )
            rows += measure_waiting(cluster, size=options.rolling)
            rows.append(measure_memory(cluster, sizes=(options.workloads, options.memory)))
    finally:
        cluster.down()
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"files": options.files, "commits": options.commits}
        rows += measure_hotfix(Path(folder), **sizes, runs=options.runs)
    print(table(rows))
    write_results(rows, RESULTS)
    print(f"the single runs are in {RESULTS.relative_to(Path.cwd())}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
