# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks an application under load on a real cluster and rolls it back: ``make demo``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster import Cluster, up
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import kubectl
from tests.cluster.model import DEFAULT_NAME
from tests.cluster.places import cache_folder
from tests.cluster.shop.deploy import apply
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

GOOD, BAD = "1.0.0", "2.0.0-errors"
REQUESTS_PER_SECOND = 20.0
SECONDS_OF_TROUBLE = 5
CLEAN_SECONDS_WANTED = 5
LONGEST_WAIT_SECONDS = 60


class Story:
    """Tells what happens, second by second, and remembers when."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.moments: list[tuple[str, float]] = []

    def chapter(self, text: str) -> None:
        print(f"\n== {text}", flush=True)

    def moment(self, text: str, at: float | None = None) -> None:
        self.moments.append((text, (at or time.monotonic()) - self._started))

    def print_table(self) -> None:
        first = next(at for text, at in self.moments if text == "first failing request")
        print(f"\n{'what':<32}{'after the first failing request':>32}")
        for text, at in sorted(self.moments, key=lambda moment: moment[1]):
            print(f"{text:<32}{at - first:>30.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_NAME, help="of the cluster to use")
    options = parser.parse_args()
    try:
        tell(options.name)
    except (ClusterError, subprocess.CalledProcessError) as error:
        print(f"The demo ended early: {error}", file=sys.stderr)
        return 1
    return 0


def tell(cluster_name: str) -> None:
    story = Story()
    story.chapter("A real Kubernetes, and an application with three pods")
    cluster = up(cluster_name)
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    deploy(cluster, GOOD)

    with users(cluster) as load:
        began = time.monotonic()
        story.chapter(f"Users are served, {REQUESTS_PER_SECOND:.0f} requests a second")
        watch(load, seconds=3)

        story.chapter(f"A bad version is deployed: {BAD}")
        story.moment("bad version deployed")
        deploy(cluster, BAD)
        watch(load, seconds=SECONDS_OF_TROUBLE)

        story.chapter("On-call rolls back")
        story.moment("rollback started")
        roll_back(cluster)
        story.moment("rollback complete")

        story.chapter("Users are served again")
        wait_for_clean_seconds(load)
    report = load.report()
    if report.first_failing_second is None or report.last_failing_second is None:
        raise ClusterError("no user ever failed, so there was nothing to show", "run it again")
    story.moment("first failing request", began + report.first_failing_second)
    story.moment("users served again", began + report.last_failing_second + 1)
    story.print_table()
    print(f"\nUsers sent {report.total} requests, and {report.failed} of them failed.")
    say_what_to_try()


def deploy(cluster: Cluster, version: str) -> None:
    """Apply the version and wait for its pods, as a CI job would."""
    shop = Shop(version=version)
    apply(cluster.kubeconfig, shop)
    status = ("rollout", "status", f"deployment/{shop.name}", "--timeout=60s")
    print(kubectl(cluster.kubeconfig, "-n", shop.namespace, *status), end="")


@contextmanager
def users(cluster: Cluster) -> Iterator[LoadGenerator]:
    shop = Shop()
    with (
        EndpointsWatch(cluster.kubeconfig, shop.namespace, shop.name) as targets,
        LoadGenerator(targets, rate=REQUESTS_PER_SECOND) as load,
    ):
        yield load


def watch(load: LoadGenerator, *, seconds: int) -> None:
    """Print what users saw in each of the next seconds."""
    for _second in range(seconds):
        time.sleep(1)
        print_newest_second(load)


def print_newest_second(load: LoadGenerator) -> int:
    """Print the last whole second; return how many requests failed in it."""
    whole = load.report().seconds[:-1]
    if not whole:
        return 0
    print(f"   {whole[-1].ok:3} served {whole[-1].failed:3} failed", flush=True)
    return whole[-1].failed


def roll_back(cluster: Cluster) -> None:
    shop = Shop()
    command = ["ansible-playbook", "oncall.recovery.rollback"]
    for name, value in (("name", shop.name), ("namespace", shop.namespace)):
        command += ["-e", f"rollback_{name}={value}"]
    print(f"$ {' '.join(command)}\n", flush=True)
    quiet = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    environment = {**os.environ, **quiet, "KUBECONFIG": str(cluster.kubeconfig)}
    subprocess.run(command, env=environment, check=True)


def wait_for_clean_seconds(load: LoadGenerator) -> None:
    clean = 0
    for _second in range(LONGEST_WAIT_SECONDS):
        time.sleep(1)
        clean = 0 if print_newest_second(load) else clean + 1
        if clean == CLEAN_SECONDS_WANTED:
            return
    raise ClusterError(
        f"users still fail {LONGEST_WAIT_SECONDS} s after the rollback",
        "look at: kubectl -n shop get pods",
    )


def say_what_to_try() -> None:
    print(
        """
Try next, in a shell with: eval "$(make -s env)"
  kubectl -n shop rollout history deployment/web
  python -m tests.cluster.shop deploy --version 2.0.0-crash
  ansible-playbook oncall.recovery.rollback --check -e rollback_namespace=shop -e rollback_name=web
"""
    )


if __name__ == "__main__":
    sys.exit(main())
