# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``rollout_guard`` right after a deploy, with users and a real Prometheus.

The guard has the rights of examples/rbac and no others.
The stories run side by side, since most of their time is waiting.
"""

from __future__ import annotations

import dataclasses
import os
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.auto.rights import ACCOUNT, rights_of_the_examples
from tests.cluster import Cluster, up
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.load_report import Report
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

from .support.playbooks import Played, play
from .support.web import QuietHandler, serving
from .support.workloads import Workload, wait_until

GOOD = "1.0.0"
RATE = 5.0
PATIENCE_SECONDS = 5.0
# What rates are taken over, and the least that Prometheus has to know from before.
WINDOW_SECONDS = 15
STORIES_AT_ONCE = 4
LOG, STARTED = "ansible.log", "Look | Ask the signals"
# A port of loopback that nobody listens on.
NOBODY = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Story:
    """A deploy, and what the guard makes of it.

    :param version: that is deployed.
    :param settings: of the version before and of this one.
    :param options: of the guard, besides the usual ones.
    :param then: a version that is deployed while the guard watches.
    :param is_late: whether the new pods have crashed before the guard's first look.
    :param is_cut_off: whether Prometheus no longer answers as soon as the guard watches.
    """

    name: str
    version: str
    verdict: str
    reason: str
    settings: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    then: str = ""
    is_late: bool = False
    is_cut_off: bool = False


STORIES = (
    Story("fails", "2.0.0-errors", "unhealthy", "error rate"),
    Story("is-slow", "2.0.0-slow", "unhealthy", "latency"),
    Story("crashes", "2.0.0-crash", "unhealthy", "rollout", is_late=True),
    Story("serves", "1.1.0", "healthy", ""),
    Story(
        "failed-before", "1.1.0", "unknown", "was no better", settings={"fault_error_share": 0.5}
    ),
    Story(
        "nobody-knows",
        "2.0.0-errors",
        "unknown",
        "did not answer",
        options={"rollout_guard_prometheus": {"url": NOBODY}},
    ),
    Story("goes-silent", "2.0.0-errors", "unknown", "did not answer", is_cut_off=True),
    Story("is-replaced", "1.1.0", "superseded", "", then="1.2.0"),
    Story(
        "stays",
        "2.0.0-errors",
        "unhealthy",
        "error rate",
        options={"rollout_guard_roll_back": False},
    ),
)


@dataclass(frozen=True)
class Told:
    """What the guard did, how the workload was right after it, and what users saw in the end."""

    played: Played
    facts: Mapping[str, Any]
    workload: Workload
    version: str
    users: Report


@dataclass(frozen=True)
class Stage:
    """Where the stories take place."""

    cluster: Cluster
    namespace: str
    folder: Path
    prometheus: str

    def shop(self, story: Story, version: str) -> Shop:
        return Shop(
            name=story.name,
            namespace=self.namespace,
            version=version,
            replicas=2,
            settings=story.settings,
        )

    def set_up(self) -> None:
        shops = [self.shop(story, GOOD) for story in STORIES]
        for shop in shops:
            deploy.apply(self.cluster.kubeconfig, shop)
        for shop in shops:
            deploy.wait(self.cluster.kubeconfig, shop)

    def tell(self, story: Story) -> Told:
        """Deploy under load, and guard it."""
        kubeconfig = self.cluster.kubeconfig
        with (
            EndpointsWatch(kubeconfig, self.namespace, story.name) as targets,
            LoadGenerator(targets, "/", RATE, PATIENCE_SECONDS) as load,
        ):
            wait_until(
                lambda: len(load.report().seconds) > 2 * WINDOW_SECONDS, f"{story.name}: a past", 60
            )
            deploy.apply(kubeconfig, self.shop(story, story.version))
            if story.is_late:
                wait_until(lambda: self._has_crashed(story), f"{story.name}: a crash", 60)
            with ThreadPoolExecutor(1) as aside:
                if story.then:
                    aside.submit(self._replace, story)
                if story.is_cut_off:
                    with serving(self._way_to_prometheus(story)) as url:
                        played = self.guard(story, prometheus=url)
                else:
                    played = self.guard(story)
        workload = Workload(kubeconfig, "Deployment", self.namespace, story.name)
        (container,) = workload.template["spec"]["containers"]
        with (
            EndpointsWatch(kubeconfig, self.namespace, story.name) as targets,
            LoadGenerator(targets, "/", RATE, PATIENCE_SECONDS) as load,
        ):
            wait_until(lambda: load.report().total >= 3 * RATE, f"{story.name}: users", 60)
        facts = played.statistic("rollout_guard")
        version = container["image"].rpartition(":")[2]
        return Told(played, facts, workload, version, load.report())

    def _replace(self, story: Story) -> None:
        """Deploy the next version as soon as the guard watches."""
        wait_until(lambda: self._is_watched(story), "a guard that watches", 60)
        deploy.apply(self.cluster.kubeconfig, self.shop(story, story.then))

    def _has_crashed(self, story: Story) -> bool:
        deployed = Workload(self.cluster.kubeconfig, "Deployment", self.namespace, story.name)
        labels = self.shop(story, story.version).selector
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        restarts = "{.items[*].status.containerStatuses[*].restartCount}"
        counted = deployed.kubectl("get", "pods", f"-l{selector}", f"-ojsonpath={restarts}")
        return any(int(count) for count in counted.split())

    def _is_watched(self, story: Story) -> bool:
        log = self._folder(story) / LOG
        return log.exists() and STARTED in log.read_text()

    def _way_to_prometheus(self, story: Story) -> type[QuietHandler]:
        """Passes questions on until the guard watches, and then none."""
        stage = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                if stage._is_watched(story):
                    return
                with urllib.request.urlopen(f"{stage.prometheus}{self.path}") as answer:
                    self.send_response(answer.status)
                    self.end_headers()
                    self.wfile.write(answer.read())

        return Handler

    def _folder(self, story: Story) -> Path:
        folder = self.folder / story.name
        folder.mkdir(exist_ok=True)
        return folder

    def guard(self, story: Story, *arguments: str, prometheus: str = "") -> Played:
        folder = self._folder(story)
        return play(
            "oncall.recovery.rollout_guard",
            *arguments,
            cwd=folder,
            env={
                "ANSIBLE_LOG_PATH": str(folder / LOG),
                "K8S_AUTH_IMPERSONATE_USER": ACCOUNT.format(namespace=self.namespace),
            },
            **{
                "recovery_kubeconfig": str(self.cluster.kubeconfig),
                "rollout_guard_namespace": self.namespace,
                "rollout_guard_name": story.name,
                "rollout_guard_prometheus": {"url": prometheus or self.prometheus},
                "rollout_guard_window": f"{WINDOW_SECONDS}s",
                "rollout_guard_watch_for": 40,
                "rollout_guard_healthy_for": 10,
                "rollout_guard_report_every": 8,
                "rollout_guard_interval": 2,
                "rollout_guard_verify_for": 90,
                **story.options,
            },
        )


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    if cluster.provider != "debian":
        pytest.skip(f"provider {cluster.provider} brings its own Prometheus, or none")
    addons = up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"), with_addons=["prometheus"])
    assert addons.prometheus is not None
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    stage = Stage(cluster, namespace, tmp_path_factory.mktemp("guard"), addons.prometheus.url)
    stage.set_up()
    with rights_of_the_examples(cluster, namespace):
        yield stage


@pytest.fixture(scope="module")
def told(stage: Stage) -> Iterator[dict[str, Future[Told]]]:
    """Every story by its name, being told."""
    with ThreadPoolExecutor(STORIES_AT_ONCE) as pool:
        yield {story.name: pool.submit(stage.tell, story) for story in STORIES}


@pytest.fixture(scope="module")
def guarded_again(stage: Stage, told: dict[str, Future[Told]]) -> Iterator[Future[Played]]:
    """The guard of a version that was rolled back, started once more."""
    (story,) = [story for story in STORIES if story.name == "crashes"]
    quiet = dataclasses.replace(story, options={"rollout_guard_presets": []})

    def guard() -> Played:
        told[story.name].result()
        return stage.guard(quiet)

    with ThreadPoolExecutor(1) as aside:
        yield aside.submit(guard)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.usefixtures("guarded_again")
def test_guard_knows_what_the_rollout_is_to_blame_for(
    told: dict[str, Future[Told]], story: Story
) -> None:
    result = told[story.name].result()
    output, facts = result.played.output, result.facts
    rolls_back = story.verdict == "unhealthy" and story.options.get("rollout_guard_roll_back", True)
    assert facts["verdict"] == story.verdict, output
    assert result.played.failed == (story.verdict != "healthy"), output
    assert story.reason in " ".join(facts["reasons"]), output
    assert facts["rolled_back"] == rolls_back, output
    assert facts["marked_good"] == (story.verdict == "healthy"), output
    assert f"watching Deployment {result.workload.namespace}/{story.name} revision 2" in output
    if rolls_back:
        assert result.version == GOOD
        assert facts["verified"] == "healthy", output
        assert result.users.success_share == 1.0
        assert "rolled back, and all is well again" in facts["message"]
    else:
        assert result.version == (story.then or story.version)


def marks_by_version(workload: Workload) -> dict[str, str]:
    """The marks of the workload's revisions, "" for none."""
    marks = {}
    for listed in workload.list_all():
        metadata, template = listed["metadata"], listed["spec"]["template"]
        owners = [owner["name"] for owner in metadata.get("ownerReferences", [])]
        if owners == [workload.name]:
            (container,) = template["spec"]["containers"]
            version = container["image"].rpartition(":")[2]
            marks[version] = metadata["labels"].get("oncall.recovery/verdict", "")
    return marks


def test_marks_are_on_the_revisions(told: dict[str, Future[Told]]) -> None:
    def marks(name: str) -> dict[str, str]:
        return marks_by_version(told[name].result().workload)

    assert marks("serves") == {GOOD: "", "1.1.0": "good"}
    assert marks("fails") == {GOOD: "", "2.0.0-errors": "bad"}
    assert marks("failed-before") == {GOOD: "", "1.1.0": ""}
    for silent in ("nobody-knows", "goes-silent"):
        assert marks(silent) == {GOOD: "", "2.0.0-errors": ""}


def test_repeated_guard_rolls_back_nothing_twice(guarded_again: Future[Played]) -> None:
    """What it went back to is healthy, and there is nothing before it to go back to."""
    again = guarded_again.result()
    assert not again.failed, again.output
    assert "NO WAY BACK by itself" in again.output
    assert again.statistic("rollout_guard")["marked_good"]


def test_check_mode_only_says_what_it_would_do(stage: Stage, told: dict[str, Future[Told]]) -> None:
    story = next(story for story in STORIES if story.name == "stays")
    workload = told[story.name].result().workload
    quiet = dataclasses.replace(
        story,
        options={
            "rollout_guard_presets": [],
            "rollout_guard_signals": [
                {"name": "always well", "promql": "vector(1)", "threshold": 2}
            ],
        },
    )
    tried = stage.guard(quiet, "--check")
    assert not tried.failed, tried.output
    assert "would be marked good" in tried.output
    assert marks_by_version(workload) == {GOOD: "", story.version: ""}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"rollout_guard_name": "wbe"}, "/wbe is not there"),
        ({"rollout_guard_watch_for": 5}, "does not work out"),
        ({"rollout_guard_matchers": ['pod="x"} or vector(1) #']}, "is no matcher"),
        ({"rollout_guard_presets": ["errors"]}, "error_rate, latency"),
    ],
    ids=["no such workload", "times", "query in a matcher", "no such preset"],
)
def test_bad_input_is_said(stage: Stage, options: dict[str, Any], complaint: str) -> None:
    refused = stage.guard(dataclasses.replace(STORIES[0], options=options))
    assert refused.failed
    assert complaint in refused.output
