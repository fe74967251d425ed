# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks an application, and nobody mends it: ``make demo-auto``."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cluster import up
from tests.cluster.debian import packages
from tests.cluster.errors import ClusterError
from tests.cluster.model import DEFAULT_NAME
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.versions import build_shop_images

from .stage import ONCALL, Stage, staged
from .story import ACCEPTED, GOOD, RECEIVED, bad_version_is_rolled_back

NAMESPACE = "shop-auto"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.auto", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_NAME, help="of the cluster to use")
    options = parser.parse_args()
    # The mailbox's server remarks on its own ways of old.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    try:
        # What is said of mails and rules goes away with the folder.
        with tempfile.TemporaryDirectory(prefix="oncall-recovery-") as folder:
            tell(options.name, Path(folder))
    except (AssertionError, ClusterError, subprocess.CalledProcessError) as error:
        print(f"The demo ended early: {error}", file=sys.stderr)
        return 1
    return 0


def tell(cluster_name: str, folder: Path) -> None:
    chapter("A real Kubernetes, and an application with three pods")
    packages.ensure_installed(["prometheus", "prometheus-alertmanager", *packages.JAVA], folder)
    cluster = up(cluster_name, with_addons=["prometheus"])
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    shop = Shop(namespace=NAMESPACE, version=GOOD)
    # What an earlier demo rolled back is not rolled back again within an hour.
    deploy.delete(cluster.kubeconfig, NAMESPACE)
    deploy.apply(cluster.kubeconfig, shop)
    deploy.wait(cluster.kubeconfig, shop)
    chapter("Prometheus, Alertmanager, a mailbox and ansible-rulebook")
    with staged(cluster, shop, folder) as stage:
        timeline = bad_version_is_rolled_back(stage, chapter, print_newest_second)
        print_what_came_of_it(stage)
    print("\n" + "\n".join(timeline.lines()))
    print(f"\nFrom the alert to the accepted patch: {timeline.between(RECEIVED, ACCEPTED):.1f} s.")
    if timeline.report:
        print(f"Users sent {timeline.report.total} requests, {timeline.report.failed} failed.")
    deploy.delete(cluster.kubeconfig, NAMESPACE, wait=False)


def chapter(text: str) -> None:
    print(f"\n== {text}", flush=True)


def print_newest_second(load: LoadGenerator) -> None:
    whole = load.report().seconds[:-1]
    if whole:
        print(f"   {whole[-1].ok:3} served {whole[-1].failed:3} failed", flush=True)


def print_what_came_of_it(stage: Stage) -> None:
    chapter(f"What {ONCALL} finds in the mailbox")
    for subject in stage.subjects():
        print(f"   {subject}")
    chapter("What the rollback said")
    for line in stage.rulebook.lines('        "'):
        if line.startswith('        "'):
            print(f"   {json.loads(line.strip().rstrip(','))}")


if __name__ == "__main__":
    sys.exit(main())
