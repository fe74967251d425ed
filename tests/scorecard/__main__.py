# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell scenarios side by side, and print how they were dealt with."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cluster import Cluster, up
from tests.cluster.debian import packages
from tests.cluster.errors import ClusterError
from tests.cluster.model import DEFAULT_NAME
from tests.cluster.places import cache_folder
from tests.cluster.shop.versions import build_shop_images

from .report import table
from .scenario import CATALOGUE, Scenario, ScenarioError, scenarios_in
from .telling import Score, tell


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scorecard", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with scenarios; the catalogue")
    parser.add_argument("--name", default=DEFAULT_NAME, help="of the cluster to use")
    parser.add_argument("--only", default="", help="names of scenarios, with commas")
    parser.add_argument("--at-once", type=int, default=3, help="how many side by side")
    parser.add_argument("--to", type=Path, default=Path("scorecard.json"), help="the file to write")
    parser.add_argument("--keep", type=Path, help="a folder for what each run said")
    options = parser.parse_args()
    try:
        listed = [one for folder in options.folders or [CATALOGUE] for one in scenarios_in(folder)]
        wanted = options.only.split(",") if options.only else [one.name for one in listed]
        chosen = [one for one in listed if one.name in wanted]
        with tempfile.TemporaryDirectory(prefix="oncall-recovery-") as folder:
            packages.ensure_installed(["prometheus"], Path(folder))
            cluster = up(options.name, with_addons=["prometheus"])
            cluster.load_images([build_shop_images(cache_folder() / "images")])
            scores = tell_all(cluster, chosen, options.keep or Path(folder), options.at_once)
    except (ClusterError, ScenarioError) as error:
        print(f"The scorecard ended early: {error}", file=sys.stderr)
        return 2
    options.to.write_text(json.dumps([score.as_json() for score in scores], indent=2) + "\n")
    print(table(scores))
    return 0 if all(score.is_right for score in scores) else 1


def tell_all(
    cluster: Cluster, scenarios: Sequence[Scenario], folder: Path, at_once: int
) -> list[Score]:
    started = time.monotonic()

    def told(scenario: Scenario) -> Score:
        def chapter(text: str) -> None:
            print(f"[{time.monotonic() - started:6.1f}s] {scenario.name}: {text}", flush=True)

        try:
            return tell(
                cluster, scenario, folder / scenario.name, f"score-{scenario.name}", chapter
            )
        except (AssertionError, ClusterError, OSError, subprocess.SubprocessError) as error:
            return Score.untold(scenario, error)

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(told, scenarios))


if __name__ == "__main__":
    sys.exit(main())
