# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story: users are served, a bad version comes, and nobody has to do anything about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tests.cluster.errors import ClusterError
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.load_report import Report
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch

from .stage import Stage

GOOD, BAD = "1.0.0", "2.0.0-errors"
REQUESTS_PER_SECOND = 20.0
SERVED_BEFORE = 60
CLEAN_SECONDS_WANTED = 5
LONGEST_WAIT_SECONDS = 120.0

DEPLOYED = "bad version deployed"
FAILING = "first failing request"
FIRING = "alert firing"
RECEIVED = "alert received"
ACCEPTED = "rollback accepted"
SERVED = "first second without failures"
RESOLVED = "alert resolved"


@dataclass
class Timeline:
    """When what happened, in Unix time of this machine."""

    moments: dict[str, float] = field(default_factory=dict)
    report: Report | None = None

    def between(self, earlier: str, later: str) -> float:
        return self.moments[later] - self.moments[earlier]

    def lines(self) -> list[str]:
        """A table of the moments, in their order, counted from the first failing request."""
        first = self.moments[FAILING]
        told = sorted(self.moments.items(), key=lambda moment: moment[1])
        return [
            f"{'what':<32}{'after the first failing request':>32}",
            *(f"{what:<32}{at - first:>30.1f} s" for what, at in told),
        ]


@contextmanager
def users_of(stage: Stage) -> Iterator[LoadGenerator]:
    shop = stage.shop
    with (
        EndpointsWatch(stage.cluster.kubeconfig, shop.namespace, shop.name) as targets,
        LoadGenerator(targets, rate=REQUESTS_PER_SECOND) as load,
    ):
        yield load


def release(stage: Stage, version: str, *, wait: bool = True) -> Shop:
    """Deploy a version as a CI job would, and wait for its pods or not."""
    shop = replace(stage.shop, version=version)
    deploy.apply(stage.cluster.kubeconfig, shop)
    if wait:
        deploy.wait(stage.cluster.kubeconfig, shop)
    return shop


def bad_version_is_rolled_back(
    stage: Stage,
    chapter: Callable[[str], None] = lambda _text: None,
    each_second: Callable[[LoadGenerator], None] = lambda _load: None,
    on_alert: Callable[[], None] = lambda: None,
) -> Timeline:
    """Tell the story; the good version has to run already.

    :param chapter: is told what happens.
    :param each_second: is called about once a second while users come.
    :param on_alert: is called once, when the rulebook acts on the alert.
    """
    timeline = Timeline()
    moments = timeline.moments

    def wait_for(what: str, holds: Callable[[], object]) -> None:
        deadline, next_second = time.monotonic() + LONGEST_WAIT_SECONDS, time.monotonic() + 1
        while not holds():
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"not within {LONGEST_WAIT_SECONDS:.0f} s: {what}", f"look into {stage.folder}"
                )
            if time.monotonic() > next_second:
                next_second += 1
                each_second(load)
            time.sleep(0.1)

    with users_of(stage) as load:
        chapter(f"Users are served, {REQUESTS_PER_SECOND:.0f} requests a second")
        wait_for("users are served", lambda: load.report().ok >= SERVED_BEFORE)
        chapter(f"A bad version is deployed: {BAD}. From here on nobody does anything")
        release(stage, BAD, wait=False)
        moments[DEPLOYED] = time.time()
        wait_for("users see errors", lambda: load.report().failed)
        chapter("Users see errors")
        wait_for("Prometheus sees it", stage.alerts)
        moments[FIRING] = stage.firing_since()
        chapter(
            "Prometheus raises the alert, Alertmanager tells the person on call and the rulebook"
        )
        wait_for("the rulebook acts on the alert", stage.received)
        moments[RECEIVED] = stage.received()[0]
        on_alert()
        chapter("The rulebook starts the rollback")
        wait_for("the API server accepts the rollback", stage.accepted)
        moments[ACCEPTED] = stage.accepted()[0]
        chapter("The API server has accepted it")
        wait_for("users are served again", lambda: _clean_seconds(load) >= CLEAN_SECONDS_WANTED)
        chapter("Users are served again")
        wait_for("the alert is resolved", lambda: _says_resolved(stage))
        moments[RESOLVED] = time.time()
        chapter("The alert is resolved")
    report = load.report()
    assert report.first_failing_second is not None
    assert report.last_failing_second is not None
    moments[FAILING] = report.started_at_unix + report.first_failing_second
    moments[SERVED] = report.started_at_unix + report.last_failing_second + 1
    timeline.report = report
    return timeline


def _clean_seconds(load: LoadGenerator) -> int:
    """How many of the last whole seconds had no failure."""
    clean = 0
    for second in reversed(load.report().seconds[:-1]):
        if second.failed or not second.ok:
            break
        clean += 1
    return clean


def _says_resolved(stage: Stage) -> bool:
    has_mail = any("RESOLVED" in subject for subject in stage.subjects())
    return has_mail and bool(stage.rulebook.lines("resolved: "))
