# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``incident_response`` where a person watches, approves, or does not come.

What breaks is a deploy whose image is missing, which the cluster tells without a Prometheus.
The scenarios (``test_scenarios.py``) show how it decides. The stories run side by side.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.versions import build_shop_images

from .support.playbooks import Played, environment, play
from .support.workloads import Workload, wait_until

GOOD, BAD = "1.0.0", "2.0.0-missing"
STORIES_AT_ONCE = 4
# A port of loopback that nobody listens on.
NOBODY = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Story:
    """One incident of a shop of its own.

    :param kubeconfig: of the cluster.
    :param folder: what this story writes.
    """

    kubeconfig: Path
    namespace: str
    name: str
    folder: Path

    @property
    def records(self) -> Path:
        return self.folder / "incidents"

    def deploy(self, version: str) -> Shop:
        shop = Shop(name=self.name, namespace=self.namespace, version=version, replicas=1)
        deploy.apply(self.kubeconfig, shop)
        return shop

    def version(self) -> str:
        workload = Workload(self.kubeconfig, "Deployment", self.namespace, self.name)
        (container,) = workload.template["spec"]["containers"]
        return str(container["image"]).rpartition(":")[2]

    def respond(self, mode: str, *arguments: str, **variables: Any) -> Played:
        return play(
            "oncall.recovery.incident_response",
            *arguments,
            cwd=self.folder,
            **{
                "recovery_kubeconfig": str(self.kubeconfig),
                "incident_mode": mode,
                "incident_response_incident": "INC-1",
                "incident_response_namespace": self.namespace,
                "incident_response_name": self.name,
                "incident_response_presets": [],
                "incident_response_prometheus": {"url": NOBODY},
                "incident_response_interval": 1,
                "incident_response_verify_for": 30,
                "incident_response_soak_for": 2,
                "incident_response_approval_timeout": 60,
                "incident_response_folder": str(self.records),
                **variables,
            },
        )

    def record(self, **options: Any) -> None:
        """Add to the record as a person would."""
        module = "incident" if "state" in options else "incident_event"
        options = {"id": "INC-1", "folder": str(self.records), **options}
        subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible")),
                *("localhost", "-m", f"oncall.recovery.{module}", "-a", json.dumps(options)),
            ],
            env=environment(self.folder),
            check=True,
            capture_output=True,
        )

    def events(self) -> list[dict[str, Any]]:
        path = self.records / "INC-1" / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


def observed(story: Story) -> Played:
    return story.respond("observe")


def approved_in_the_record(story: Story) -> Played:
    def approve() -> None:
        wait_until(lambda: "decision" in story.types(), "a decision", 60)
        story.record(type="approval", text="go", actor="ada", data={"action": "rollback"})

    with ThreadPoolExecutor(1) as aside:
        approved = aside.submit(approve)
        played = story.respond("approve")
        approved.result()
    return played


def approved_for_something_else(story: Story) -> Played:
    return story.respond(
        "approve",
        incident_response_approved_by="ada",
        incident_response_approved_action="restart",
        incident_response_approval_timeout=2,
    )


def approved_elsewhere(story: Story) -> Played:
    return story.respond(
        "approve",
        incident_response_approved_by="ada",
        incident_response_approved_action="rollback",
    )


def without_a_record(story: Story) -> Played:
    story.records.write_text("no folder")
    return story.respond("automatic")


def nobody_is_told(story: Story) -> Played:
    receivers = [{"name": "chat", "type": "slack", "url": f"{NOBODY}/secret-part"}]
    return story.respond("automatic", incident_response_receivers=receivers)


def killed_after_it_acted(story: Story) -> Played:
    story.record(state="opened", title="x")
    story.record(type="action", text="rollback begins", data={"action": "rollback"})
    return story.respond("automatic", incident_response_verify_for=2)


def check_mode(story: Story) -> Played:
    return story.respond("automatic", "--check")


STORIES: Mapping[str, Callable[[Story], Played]] = {
    "observed": observed,
    "approved": approved_in_the_record,
    "another-action": approved_for_something_else,
    "approved-elsewhere": approved_elsewhere,
    "no-record": without_a_record,
    "not-told": nobody_is_told,
    "killed": killed_after_it_acted,
    "check-mode": check_mode,
}


@dataclass(frozen=True)
class Told:
    """How a story ended."""

    story: Story
    played: Played
    version: str

    @property
    def facts(self) -> dict[str, Any]:
        return self.played.statistic("incident_response")


@pytest.fixture(scope="module")
def told(
    cluster: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Told]]]:
    """Every story by its name, being told."""
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    stories = {
        name: Story(cluster.kubeconfig, namespace, name, tmp_path_factory.mktemp(name))
        for name in STORIES
    }
    for shop in [story.deploy(GOOD) for story in stories.values()]:
        deploy.wait(cluster.kubeconfig, shop)

    def tell(name: str) -> Told:
        story = stories[name]
        story.deploy(BAD)
        played = STORIES[name](story)
        return Told(story, played, story.version())

    with ThreadPoolExecutor(STORIES_AT_ONCE) as pool:
        yield {name: pool.submit(tell, name) for name in STORIES}


@pytest.mark.parametrize(
    ("name", "outcome", "version", "said"),
    [
        ("observed", "observed", BAD, "It would be rollback"),
        ("approved", "recovered", GOOD, "approved by ada"),
        ("another-action", "handed_over", BAD, "nobody approved rollback within 2 s"),
        ("approved-elsewhere", "recovered", GOOD, "approved by ada"),
        ("no-record", "recovered", GOOD, "NOT RECORDED"),
        ("not-told", "recovered", GOOD, "users are served again"),
        ("killed", "handed_over", BAD, "rollback did not help"),
        ("check-mode", "observed", BAD, "since this is check mode. It would be rollback"),
    ],
)
def test_incident_ends_as_it_should(
    told: dict[str, Future[Told]], name: str, outcome: str, version: str, said: str
) -> None:
    result = told[name].result()
    output = result.played.output
    assert result.facts["decision"]["action"] == "rollback", output
    assert result.facts["outcome"] == outcome, output
    assert result.played.failed == (outcome == "handed_over"), output
    assert result.version == version, output
    assert said in output


def test_record_has_all_that_was_done(told: dict[str, Future[Told]]) -> None:
    story = told["approved"].result().story
    types = [kind for kind in story.types() if kind not in ("milestone", "signal")]
    for earlier, later in zip(
        ["alert", "decision", "approval", "action"],
        ["decision", "approval", "action", "recovery"],
        strict=True,
    ):
        assert types.index(earlier) < types.index(later), types
    state = json.loads((story.records / "INC-1" / "incident.json").read_text())
    assert state["status"] == "closed"
    assert state["milestones"]["mitigated"]
    assert (story.records / "INC-1" / "postmortem.html").exists()


def test_closed_incident_is_left_alone(told: dict[str, Future[Told]]) -> None:
    story = told["approved"].result().story
    before = story.events()
    again = story.respond("automatic")
    assert not again.failed, again.output
    assert again.statistic("incident_response")["acted"] == "rollback"
    assert "the incident is closed; nothing was done" in again.output
    assert [event["type"] for event in story.events()] == [event["type"] for event in before]


def test_secret_address_of_a_receiver_is_nowhere(told: dict[str, Future[Told]]) -> None:
    result = told["not-told"].result()
    assert "not told of" in json.dumps(result.story.events())
    assert "secret-part" not in result.played.output + json.dumps(result.story.events())


def test_check_mode_writes_nothing(told: dict[str, Future[Told]]) -> None:
    assert not told["check-mode"].result().story.records.exists()


@pytest.mark.parametrize("name", ["../web", "web;x", "Web"])
def test_name_that_is_none_is_refused(told: dict[str, Future[Told]], name: str) -> None:
    story = told["observed"].result().story
    refused = story.respond("automatic", incident_response_name=name)
    assert refused.failed
    assert "is no name of a workload" in refused.output
