# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each technique the failure that it is for: users fail, mitigated, served, put back.

Users are real requests at a steady rate. The stories run side by side, since most of their time is
waiting.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy, manifests
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.load_report import Report
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

from .support.objects import snapshot
from .support.playbooks import play
from .support.workloads import wait_until

RATE = 10.0
# Requests from which shares and percentiles are taken: three seconds.
ENOUGH = 30
STORIES_AT_ONCE = 3
# The kubelet looks at mounted ConfigMaps every 10 s here.
HEALED_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Story:
    """A failure, and the mitigation for it.

    :param page: that users ask for.
    :param failure: what most of them see before.
    :param version: of the shop.
    :param settings: in the ConfigMap; URLs are added where ``upstream`` is set.
    :param upstream: name of the API that it depends on.
    :param patience: seconds until users give up.
    :param mitigation: as it is declared; {name} in it is the shop's.
    :param seconds_of_trouble: that pass before it is counted what users see.
    :param served: share of users who have to be served at the end.
    :param most_p99: seconds that the slowest may wait then.
    """

    technique: str
    page: str
    failure: str
    mitigation: Mapping[str, Any]
    version: str = "1.0.0"
    replicas: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    upstream: str = ""
    patience: float = 2.0
    seconds_of_trouble: float = 0.0
    served: float = 1.0
    most_p99: float = 1.0

    @property
    def name(self) -> str:
        return self.technique.replace("_", "-")


def setting(name: str, **change: Any) -> dict[str, Any]:
    """A change of a setting in the mounted ConfigMap."""
    key = {"kind": "ConfigMap", "name": "{name}-settings", "key": manifests.SETTINGS_FILE}
    return {**key, "path": f"/{name}", **change}


def variable(name: str, **change: Any) -> dict[str, Any]:
    """A change of a setting in the environment, for which pods start anew."""
    place = {"kind": "Deployment", "name": "{name}", "container": "shop"}
    return {**place, "env": f"SHOP_{name.upper()}", **change}


STORIES = (
    Story(
        "fallback_api",
        page="/shipping",
        failure="http_504",
        upstream="hanging",
        settings={"upstream_fallback": "never", "upstream_timeout_seconds": 1},
        mitigation={"changes": [setting("upstream_fallback", value="always")]},
    ),
    Story(
        "custom",
        page="/shipping",
        failure="http_502",
        upstream="failing",
        mitigation={
            "changes": [
                variable("upstream_fallback", value="on_failure"),
                {
                    "kind": "Deployment",
                    "name": "{name}",
                    "pointer": "/spec/template/spec/terminationGracePeriodSeconds",
                    "value": 5,
                },
            ]
        },
    ),
    Story(
        "disable_feature",
        page="/recommendations",
        failure="http_500",
        version="2.0.0-broken-feature",
        mitigation={"changes": [variable("recommendations_enabled")]},
    ),
    Story(
        "increase_timeout",
        page="/shipping",
        failure="http_504",
        upstream="slow",
        patience=4.0,
        settings={"upstream_timeout_seconds": 1},
        mitigation={"changes": [setting("upstream_timeout_seconds", value=3)]},
        most_p99=3.0,
    ),
    Story(
        "enable_cache",
        page="/catalog",
        failure="timeout",
        settings={
            "database_url": "sqlite:////tmp/orders",
            "fault_query_delay_seconds": 2.5,
            "cache_enabled": False,
        },
        mitigation={"changes": [setting("cache_enabled")]},
    ),
    Story(
        "scale",
        page="/",
        failure="http_503",
        settings={"max_concurrent_requests": 1, "work_seconds": 0.3, "queue_seconds": 0.1},
        mitigation={"workloads": [{"name": "{name}", "replicas": 6}]},
        served=0.9,
    ),
    Story(
        "rate_limit",
        page="/",
        failure="timeout",
        settings={
            "max_concurrent_requests": 1,
            "work_seconds": 0.3,
            "queue_seconds": 20,
            "rate_limit_per_second": 0,
        },
        mitigation={"changes": [setting("rate_limit_per_second", value=2)]},
        # The others are refused at once instead of waiting in vain.
        served=0.15,
        seconds_of_trouble=10,
    ),
    Story(
        "switch_service",
        page="/",
        failure="http_500",
        version="2.0.0-errors",
        mitigation={
            "services": [{"name": "{name}", "selector": {"app.kubernetes.io/instance": "blue"}}]
        },
    ),
    Story(
        "restart",
        page="/",
        failure="http_500",
        mitigation={"workloads": [{"name": "{name}"}]},
    ),
)
UPSTREAMS: dict[str, dict[str, object]] = {
    "hanging": {"fault_hang_share": 1},
    "failing": {"fault_error_share": 1},
    "slow": {"fault_delay_seconds": 1.5},
    "spare": {},
}


@dataclass(frozen=True)
class Told:
    """What users saw, and how the objects looked, before and after."""

    before: Report
    after: Report
    changed: bool
    objects_before: list[dict[str, Any]]
    objects_after: list[dict[str, Any]]
    summary: str


@dataclass(frozen=True)
class Stage:
    """Where the stories take place."""

    cluster: Cluster
    namespace: str
    folder: Path

    def shop(self, story: Story, addresses: Mapping[str, str]) -> Shop:
        settings = dict(story.settings)
        if story.upstream:
            settings["upstream_url"] = f"http://{addresses[story.upstream]}"
            settings["upstream_fallback_url"] = f"http://{addresses['spare']}"
        return Shop(
            name=story.name,
            namespace=self.namespace,
            version=story.version,
            replicas=story.replicas,
            settings=settings,
        )

    def set_up(self) -> None:
        """Install everything at once, and wait for all of it."""
        upstreams = [
            Shop(
                name=name,
                namespace=self.namespace,
                replicas=1,
                command="upstream",
                environment=settings,
            )
            for name, settings in UPSTREAMS.items()
        ]
        blue = Shop(name="blue", namespace=self.namespace, replicas=1)
        self._install([*upstreams, blue])
        shops = [self.shop(story, self._addresses()) for story in STORIES]
        self._install(shops)
        for shop in (*upstreams, blue, *shops):
            deploy.wait(self.cluster.kubeconfig, shop)

    def _install(self, shops: list[Shop]) -> None:
        objects = [item for shop in shops for item in manifests.all_objects(shop)[1:]]
        apply(self.cluster.kubeconfig, *objects)

    def _addresses(self) -> dict[str, str]:
        found = self.kubectl("get", "services", "--output=json")
        return {
            item["metadata"]["name"]: item["spec"]["clusterIP"]
            for item in json.loads(found)["items"]
        }

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.cluster.kubeconfig, "--namespace", self.namespace, *arguments)

    def tell(self, story: Story) -> Told:
        """The whole story, with users all the time."""
        kubeconfig, name = self.cluster.kubeconfig, story.name
        objects = [f"configmap/{name}-settings", f"deployment/{name}", f"service/{name}"]
        with EndpointsWatch(kubeconfig, self.namespace, name) as targets:
            if story.technique == "restart":
                spoil(*targets()[0])

            def users(enough: Callable[[Report], bool], what: str) -> Report:
                with LoadGenerator(targets, story.page, RATE, story.patience) as load:
                    wait_until(lambda: enough(load.report()), what, HEALED_WITHIN_SECONDS)
                return load.report()

            if story.seconds_of_trouble:
                users(lambda r: len(r.seconds) >= story.seconds_of_trouble, f"{name}: trouble")
            before = users(lambda r: r.total >= ENOUGH, f"{name}: users have come")
            objects_before = snapshot(kubeconfig, self.namespace, *objects)
            applied = self.mitigate(story)
            heal_deadline = time.monotonic() + HEALED_WITHIN_SECONDS
            after = users(lambda r: r.total >= ENOUGH, f"{name}: users have come again")
            while not is_healed(story, after) and time.monotonic() < heal_deadline:
                after = users(lambda r: r.total >= ENOUGH, f"{name}: users have come again")
        self.mitigate(story, mitigation_state="absent")
        objects_after = snapshot(kubeconfig, self.namespace, *objects)
        changed = applied.statistic("mitigation")["changed"]
        return Told(before, after, changed, objects_before, objects_after, applied.output)

    def mitigate(self, story: Story, **variables: Any) -> Any:
        declared = {
            "name": story.technique,
            "technique": story.technique,
            "namespace": self.namespace,
            **json.loads(json.dumps(story.mitigation).replace("{name}", story.name)),
        }
        folder = self.folder / story.name
        folder.mkdir(exist_ok=True)
        done = play(
            "oncall.recovery.mitigation",
            cwd=folder,
            recovery_kubeconfig=str(self.cluster.kubeconfig),
            mitigations=[declared],
            mitigation=story.technique,
            **variables,
        )
        assert not done.failed, done.output
        return done


def is_healed(story: Story, report: Report) -> bool:
    return report.success_share >= story.served and report.latency_p99 <= story.most_p99


def spoil(host: str, port: int) -> None:
    """Bring one process into a state that only a restart ends."""
    request = urllib.request.Request(
        f"http://{host}:{port}/settings",
        data=json.dumps({"fault_error_share": 1}).encode(),
        method="PUT",
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=5) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def stories(
    cluster: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Told]]]:
    """Every story by its technique, being told."""
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    stage = Stage(cluster, namespace, tmp_path_factory.mktemp("stories"))
    stage.set_up()
    with ThreadPoolExecutor(STORIES_AT_ONCE) as pool:
        yield {story.technique: pool.submit(stage.tell, story) for story in STORIES}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.technique)
def test_users_are_served_again_and_everything_is_put_back(
    stories: dict[str, Future[Told]], story: Story
) -> None:
    told = stories[story.technique].result()
    print(
        f"{story.technique}: {told.before.success_share:.0%} served, p99"
        f" {told.before.latency_p99:.2f} s -> {told.after.success_share:.0%} served, p99"
        f" {told.after.latency_p99:.2f} s"
    )
    assert told.changed
    assert story.failure in told.before.failed_by_reason
    assert told.before.success_share < 0.7
    assert not is_healed(story, told.before)
    assert is_healed(story, told.after), told.after.failed_by_reason
    if story.technique != "restart":
        assert told.objects_after == told.objects_before
