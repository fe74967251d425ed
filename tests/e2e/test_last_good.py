# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks, the last good revision, and rollbacks that are asked for twice, on the real cluster."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.workloads import KINDS, Workload


def ask(module: str, workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    answer = run_module(module, workload.kubeconfig, **{"wait": False, **where, **options})
    if answer.changed:
        workload.settle()
    return answer


def undo(workload: Workload, **options: Any) -> Answer:
    return ask("k8s_rollout_undo", workload, **options)


def mark_good(workload: Workload) -> Answer:
    return ask("k8s_rollout_status", workload, mark_good=True)


def release(workload: Workload, *versions: str) -> Workload:
    """Deploy versions that differ in their images, too, as releases do."""
    for version in versions:
        manifest = workload.manifest(version)
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        container["image"] = f"example.invalid/web:{version}"
        apply(workload.kubeconfig, manifest)
        workload.settle()
    return workload


def marks(workload: Workload) -> dict[str, str]:
    """Marks by version, as kubectl shows them."""
    found = {}
    for item in workload.list_all():
        owners = [owner["name"] for owner in item["metadata"].get("ownerReferences", [])]
        if owners == [workload.name]:
            template = item.get("data", item)["spec"]["template"]
            version = template["spec"]["containers"][0]["env"][0]["value"]
            labels = item["metadata"]["labels"]
            found[version] = " ".join(
                labels[name]
                for name in ("oncall.recovery/verdict", "oncall.recovery/incident")
                if name in labels
            )
    return found


@pytest.fixture(params=KINDS)
def web(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    """A workload without pods of each kind, with a name of its own for each test."""
    test = abs(hash(request.node.name)) % 10**8
    return Workload(cluster.kubeconfig, request.param, namespace, f"web-{test}")


def test_undo_goes_past_what_nobody_marked_to_the_last_good(web: Workload) -> None:
    web = dataclasses.replace(web, pods=1).deploy("1")
    marked = ask("k8s_rollout_status", web, mark_good=True, wait=True, wait_timeout=60)
    assert marked.only["marked"] == "good", marked.message
    assert not mark_good(web).changed
    release(web, "2", "3")

    answer = undo(web, target="last_good", incident="INC-1: 5xx")

    assert answer.only["proof"] == "good"
    assert web.version == "1"
    assert marks(web) == {"1": "good", "2": "", "3": "bad INC-1-5xx"}


def test_revision_that_no_pod_runs_is_not_marked_good(web: Workload) -> None:
    release(web, "1")
    answer = mark_good(web)
    assert (answer.failed, answer.changed, answer.only["marked"]) == (False, False, None)
    assert "no pod runs it" in str(answer.result["warnings"])
    assert marks(web) == {"1": ""}


def test_same_incident_is_rolled_back_once(web: Workload) -> None:
    release(web, "1", "2", "3")
    first = undo(web, target="last_good", incident="INC-2", automatic=True)
    assert first.only["proof"] == "unproven"
    assert web.version == "2"

    again = undo(web, target="last_good", incident="INC-2", automatic=True)

    assert (again.outcomes, again.changed) == ({web.name: "skipped"}, False)
    assert "already rolled back in incident INC-2 at 20" in again.message + again.only["message"]
    assert web.version == "2"
    release(web, "4")
    another = undo(web, target="last_good", incident="INC-2", automatic=True)
    assert another.outcomes == {web.name: "blocked"}
    assert "in this very incident" in another.message
    assert undo(web, target="last_good", incident="INC-2").outcomes == {web.name: "rolled_back"}
    assert marks(web)["4"] == "bad INC-2"


def test_undo_twice_does_not_come_back_to_what_was_left(web: Workload) -> None:
    release(web, "1", "2")
    assert undo(web).outcomes == {web.name: "rolled_back"}
    assert web.version == "1"

    twice = undo(web)

    assert twice.outcomes == {web.name: "blocked"}
    assert "revision 2, the one before, is marked bad. Use target last_good" in twice.message
    named = undo(web, to_revision=2)
    assert named.outcomes == {web.name: "rolled_back"}
    assert web.version == "2"


def test_mitigation_that_restarts_does_not_make_the_bad_image_the_one_before(
    web: Workload,
) -> None:
    release(web, "1", "2")
    web.kubectl("rollout", "restart", web.address)
    web.settle()
    web.kubectl("set", "env", web.address, "FLAG=off")
    web.settle()

    answer = undo(web, target="last_good")

    assert answer.outcomes == {web.name: "rolled_back"}
    assert web.version == "1"


def test_restart_of_what_was_marked_good_is_no_way_back(web: Workload) -> None:
    """It seemed good at the time; under its old number, it is still what runs now."""
    release(web, "1", "2")
    web.label_newest_revision("oncall.recovery/verdict=good")
    web.kubectl("rollout", "restart", web.address)
    web.settle()

    before = undo(web)
    assert before.outcomes == {web.name: "blocked"}
    assert "revision 2, the one before, is what runs now, but for a restart" in before.message

    assert undo(web, target="last_good").outcomes == {web.name: "rolled_back"}
    assert web.version == "1"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_two_bad_versions_in_a_row_lead_back_to_the_one_that_still_serves(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    web = Workload(cluster.kubeconfig, kind, namespace, "hasty", pods=2).deploy("1")
    web.kubectl("rollout", "status", web.address, "--timeout=60s")
    release(web, "2", "3")

    answer = undo(web, target="last_good")

    assert (answer.only["outcome"], answer.only["proof"]) == ("rolled_back", "unproven")
    assert web.version == "1"


def test_no_good_revision_stops_and_says_what_was_considered(web: Workload) -> None:
    release(web, "1", "2")
    undo(web, target="last_good", incident="INC-3")

    answer = undo(web, target="last_good", incident="INC-4")

    assert answer.outcomes == {web.name: "blocked"}
    assert "(revision 2 is marked bad by incident INC-3)" in answer.message
    assert web.version == "1"


def test_marks_stay_where_they_are_through_kubectls_own_undo(
    cluster: Cluster, namespace: str
) -> None:
    web = release(Workload(cluster.kubeconfig, "Deployment", namespace, "kubectl"), "1", "2")
    undo(web, incident="INC-5")
    for _time in range(2):
        web.kubectl("rollout", "undo", web.address)
        web.settle()

    assert marks(web) == {"1": "", "2": "bad INC-5"}


def test_check_mode_marks_nothing(cluster: Cluster, web: Workload) -> None:
    release(web, "1", "2")
    with requests_to(cluster, web.namespace) as requests:
        answer = run_module(
            "k8s_rollout_undo",
            web.kubeconfig,
            check=True,
            kind=web.kind,
            namespace=web.namespace,
            name=web.name,
            target="last_good",
        )
    assert answer.only["marked"] == "bad"
    assert requests.writes == []
    assert len(requests.dry_runs) == 2
    assert marks(web) == {"1": "", "2": ""}


def test_person_who_takes_over_is_not_undone_by_automation(
    cluster: Cluster, namespace: str
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "taken-over")
    release(web, "1", "2")
    automatic = {"automatic": True, "target": "last_good"}
    assert undo(web, incident="INC-7", **automatic).outcomes == {web.name: "rolled_back"}

    by_hand = undo(web, to_revision=2, mark=False)
    assert by_hand.outcomes == {web.name: "rolled_back"}
    by_name = undo(web, incident="INC-8", **automatic)
    assert by_name.outcomes == {web.name: "blocked"}
    assert "so the next is allowed in" in by_name.message

    for _time in range(2):
        web.kubectl("rollout", "undo", web.address)
        web.settle()
    by_kubectl = undo(web, incident="INC-7", **automatic)
    assert by_kubectl.outcomes == {web.name: "blocked"}
    assert "was left as bad in this very incident" in by_kubectl.message
    assert web.version == "2"


def test_record_holds_no_more_than_what_a_repeat_needs(cluster: Cluster, namespace: str) -> None:
    web = release(Workload(cluster.kubeconfig, "Deployment", namespace, "noted"), "1", "2")
    undo(web, incident="INC-6", reason="token=hunter2 leaked")
    metadata = web.live()["metadata"]
    record = json.loads(metadata["annotations"]["oncall.recovery/rollback"])
    assert set(record) == {"incident", "automatic", "at", "from", "to", "generation"}
    assert record["generation"] == metadata["generation"]
    assert (record["incident"], record["automatic"]) == ("INC-6", False)
