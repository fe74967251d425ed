# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which action fits which evidence: the table of the decision tree."""

from __future__ import annotations

from typing import Any

import pytest

from .evidence import (
    DEPLOYED,
    GOOD,
    OLD,
    WEB,
    ago,
    changed,
    container,
    crashing,
    decided,
    dependency,
    leaking,
    line,
    pod,
    revision,
    sample,
    signal,
    triage,
    unknown,
    waiting,
    workload,
)

ERRORS = signal(bad_since=100)
REVERT = {"kind": "ConfigMap", "name": "web-settings", "key": "a", "value": "1"}


def flapping() -> dict[str, Any]:
    history = [sample(n * 10, 0.4 if n % 4 < 2 else 0.0, bad=n % 4 < 2) for n in range(60, -1, -1)]
    return {**signal(bad_since=0), "history": history}


def late(reason: str) -> dict[str, Any]:
    """A pod of revision 2 that ended after it had run for twenty minutes."""
    last = {"reason": reason, "exit_code": 137, "started": ago(1260), "finished": ago(60)}
    return pod("web-hash2-a", 2, containers=[container(restarts=1, last=last)])


CASES = [
    pytest.param({}, "investigate", "unknown", id="nothing is known at all"),
    pytest.param(
        {"symptoms": [unknown()]}, "investigate", "unknown", id="Prometheus is down and no triage"
    ),
    pytest.param(
        {"symptoms": [unknown()], "triage": GOOD},
        "investigate",
        "unknown",
        id="Prometheus is down and the cluster is well",
    ),
    pytest.param(
        {"symptoms": [signal()], "triage": GOOD, "onset": ago(60)},
        "none",
        "nothing",
        id="a false alarm",
    ),
    pytest.param(
        {"symptoms": [signal()], "triage": DEPLOYED}, "none", "nothing", id="a deploy that is well"
    ),
    pytest.param({"symptoms": [signal()]}, "none", "nothing", id="users are well, no triage"),
    pytest.param(
        {"symptoms": [signal(), unknown("seconds")], "triage": GOOD},
        "investigate",
        "unknown",
        id="one signal is well and another one is not known",
    ),
    pytest.param(
        {"symptoms": [flapping()], "triage": DEPLOYED},
        "investigate",
        "unknown",
        id="a flapping signal after a deploy",
    ),
    pytest.param(
        {"symptoms": [ERRORS], "triage": DEPLOYED},
        "rollback",
        "rollout",
        id="errors follow a deploy",
    ),
    pytest.param(
        {"symptoms": [signal(bad_since=100)], "triage": GOOD},
        "investigate",
        "unknown",
        id="errors, and the last deploy was yesterday",
    ),
    pytest.param(
        {"symptoms": [signal(bad_since=300)], "triage": DEPLOYED},
        "investigate",
        "unknown",
        id="errors began before the deploy",
    ),
    pytest.param(
        {"symptoms": [{**ERRORS, "history": []}], "triage": DEPLOYED},
        "investigate",
        "unknown",
        id="since when there are errors is not known",
    ),
    pytest.param(
        {"symptoms": [{**ERRORS, "history": []}], "triage": DEPLOYED, "onset": ago(90)},
        "rollback",
        "rollout",
        id="an alert tells since when there are errors",
    ),
    pytest.param(
        {
            "symptoms": [signal()],
            "triage": {
                **triage(workload(revision(2, 40), OLD, verdict="failed", message="crash")),
                "pods": [pod("web-hash1-a", 1), crashing("web-hash2-a", 2)],
            },
        },
        "rollback",
        "rollout",
        id="new pods crash while old ones serve",
    ),
    pytest.param(
        {
            "symptoms": [unknown()],
            "triage": {
                **triage(workload(revision(2, 40), OLD, verdict="failed", message="crash")),
                "pods": [pod("web-hash1-a", 1), crashing("web-hash2-a", 2)],
            },
        },
        "rollback",
        "rollout",
        id="new pods crash and Prometheus is down",
    ),
    pytest.param(
        {
            "symptoms": [signal()],
            "triage": {
                **triage(workload(revision(2, 70), OLD, verdict="stalled", message="late")),
                "pods": [
                    pod("web-hash1-a", 1),
                    pod("web-hash2-a", 2, ready=False, created=ago(65)),
                ],
            },
        },
        "rollback",
        "rollout",
        id="new pods never become ready",
    ),
    pytest.param(
        {
            "symptoms": [signal()],
            "triage": {
                **triage(workload(revision(2, 20), OLD, verdict="progressing")),
                "pods": [
                    pod("web-hash1-a", 1),
                    pod("web-hash2-a", 2, ready=False, created=ago(15)),
                ],
            },
        },
        "none",
        "nothing",
        id="new pods are still starting",
    ),
    pytest.param(
        {
            "symptoms": [signal()],
            "triage": {
                **triage(workload(revision(2, 70), OLD, verdict="failed")),
                "pods": [
                    pod("web-hash1-a", 1),
                    pod("web-hash2-a", 2, ready=False, containers=[waiting("ImagePullBackOff")]),
                ],
            },
        },
        "rollback",
        "rollout",
        id="the image does not exist",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [
                dependency("payments", "external_api", signal(bad_since=300), mitigation="cached")
            ],
            "triage": DEPLOYED,
        },
        "enable_fallback",
        "external_api",
        id="a deploy during an outage of a third party",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [
                dependency("payments", "external_api", signal(bad_since=95), mitigation="cached")
            ],
            "triage": DEPLOYED,
        },
        "rollback",
        "rollout",
        id="a deploy whose calls to a third party fail from its start",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [
                dependency(
                    "payments",
                    "external_api",
                    signal(bad_since=95),
                    mitigation="cached",
                    measured_at="itself",
                )
            ],
            "triage": DEPLOYED,
        },
        "enable_fallback",
        "external_api",
        id="a third party that fails by its own account right after a deploy",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [
                dependency("payments", "external_api", signal(verdict="unhealthy", looked_for=0))
            ],
            "triage": DEPLOYED,
        },
        "enable_fallback",
        "external_api",
        id="since when a third party fails is not known",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [dependency("payments", "external_api", ERRORS, mitigation="cached")],
            "triage": GOOD,
        },
        "enable_fallback",
        "external_api",
        id="a third party fails",
    ),
    pytest.param(
        {"symptoms": [ERRORS], "dependencies": [dependency("db", "database", ERRORS)]},
        "restore_database",
        "database",
        id="the database fails",
    ),
    pytest.param(
        {"symptoms": [signal()], "dependencies": [dependency("db", "database", ERRORS)]},
        "investigate",
        "unknown",
        id="the database fails and users are well",
    ),
    pytest.param(
        {"symptoms": [unknown()], "dependencies": [dependency("db", "database", ERRORS)]},
        "investigate",
        "unknown",
        id="the database fails and what users get is not known",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [dependency("db", "database", ERRORS)],
            "triage": {
                **GOOD,
                "findings": [
                    {
                        "type": "credentials_refused",
                        "message": "password authentication failed for user shop",
                    }
                ],
            },
        },
        "investigate",
        "credentials",
        id="the database refuses an expired credential",
    ),
    pytest.param(
        {"symptoms": [ERRORS], "dependencies": [dependency("queue", "other", ERRORS)]},
        "investigate",
        "dependency",
        id="a dependency fails for which there is no action",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {
                **GOOD,
                "changes": [changed("ConfigMap", "web-settings", 130, revert=[REVERT])],
            },
        },
        "revert_config",
        "configuration",
        id="a ConfigMap was changed and what it was is known",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**GOOD, "changes": [changed("ConfigMap", "web-settings", 130)]},
        },
        "investigate",
        "configuration",
        id="a ConfigMap was changed and nobody knows what it was",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**GOOD, "changes": [changed("Secret", "web-token", 130)]},
        },
        "investigate",
        "configuration",
        id="a Secret was changed",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {
                **GOOD,
                "changes": [changed("ConfigMap", "x", 130, revert=[REVERT], workloads=[])],
            },
        },
        "investigate",
        "unknown",
        id="a ConfigMap that nobody uses was changed",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**GOOD, "changes": [changed("ConfigMap", "x", 130, what="made")]},
        },
        "investigate",
        "unknown",
        id="a ConfigMap was made together with what uses it",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**GOOD, "changes": [changed("ConfigMap", "x", 50, revert=[REVERT])]},
        },
        "investigate",
        "unknown",
        id="a ConfigMap was changed after the onset",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**DEPLOYED, "changes": [changed("ConfigMap", "x", 104, revert=[REVERT])]},
        },
        "revert_config",
        "configuration",
        id="a ConfigMap was changed between a deploy and the onset",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**DEPLOYED, "changes": [changed("ConfigMap", "x", 125, revert=[REVERT])]},
        },
        "rollback",
        "rollout",
        id="a ConfigMap was changed by the deploy itself",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "dependencies": [dependency("payments", "external_api", signal(bad_since=300))],
            "triage": {**GOOD, "changes": [changed("ConfigMap", "x", 130, revert=[REVERT])]},
        },
        "enable_fallback",
        "external_api",
        id="a ConfigMap was changed during an outage of a third party",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "load": [line("requests", {1800: 40, 120: 40, 100: 200, 0: 200})],
            "saturation": [signal("queue", bad_since=90)],
            "triage": GOOD,
        },
        "scale",
        "load",
        id="a spike of traffic",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "load": [line("requests", {1800: 40, 120: 40, 100: 200, 0: 200})],
            "saturation": [signal("queue", bad_since=90)],
            "triage": DEPLOYED,
        },
        "scale",
        "load",
        id="a spike of traffic right after a deploy",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "load": [line("requests", {1800: 40, 0: 44})],
            "saturation": [signal("queue", bad_since=90)],
            "triage": GOOD,
        },
        "investigate",
        "unknown",
        id="full pods under the usual load",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "load": [signal("requests", bad_since=100)],
            "triage": GOOD,
        },
        "investigate",
        "unknown",
        id="a spike of traffic, and whether pods are full is not known",
    ),
    pytest.param(
        {
            "symptoms": [signal(bad_since=60)],
            "memory": [line("memory", {1800: 30, 600: 30, 60: 64, 0: 40}, verdict="unhealthy")],
            "triage": {**GOOD, "pods": [leaking("web-hash1-a", 1)]},
        },
        "restart",
        "memory",
        id="memory climbs long after the last deploy",
    ),
    pytest.param(
        {
            "symptoms": [signal(bad_since=60)],
            "memory": [line("memory", {1800: 30, 600: 30, 60: 64, 0: 40}, verdict="unhealthy")],
            "triage": {
                **triage(workload(revision(2, 1500), OLD)),
                "pods": [leaking("web-hash2-a", 2)],
            },
        },
        "restart",
        "memory",
        id="memory climbs, and not since the deploy inside the window",
    ),
    pytest.param(
        {
            "symptoms": [signal(bad_since=60)],
            "memory": [line("memory", {1800: 30, 1500: 30, 60: 64, 0: 40}, verdict="unhealthy")],
            "triage": {
                **triage(workload(revision(2, 1500), OLD)),
                "pods": [leaking("web-hash2-a", 2)],
            },
        },
        "rollback",
        "rollout",
        id="memory climbs from the deploy on, though users suffer late",
    ),
    pytest.param(
        {"triage": {**GOOD, "pods": [leaking("web-hash1-a", 1)]}},
        "restart",
        "memory",
        id="a pod was killed for want of memory, and nothing else is known",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {
                **DEPLOYED,
                "nodes": [
                    {
                        "name": "node-1",
                        "busiest": [
                            {
                                "namespace": "batch",
                                "name": "burn",
                                "cpu_share": 0.9,
                                "started": ago(110),
                            }
                        ],
                    }
                ],
            },
        },
        "investigate",
        "platform",
        id="a deploy that is well beside a noisy neighbour",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {
                **DEPLOYED,
                "nodes": [
                    {
                        "name": "node-1",
                        "busiest": [
                            {
                                "namespace": "batch",
                                "name": "burn",
                                "cpu_share": 0.9,
                                "started": ago(90000),
                            }
                        ],
                    }
                ],
            },
        },
        "rollback",
        "rollout",
        id="a bad deploy beside a neighbour that has always been noisy",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {
                **DEPLOYED,
                "nodes": [
                    {
                        "name": "node-1",
                        "busiest": [
                            {
                                "namespace": "shop",
                                "name": "web-hash2-0",
                                "cpu_share": 0.9,
                                "started": ago(110),
                                "workload": WEB,
                            }
                        ],
                    }
                ],
            },
        },
        "rollback",
        "rollout",
        id="a deploy whose own pods keep the node busy",
    ),
    pytest.param(
        {"triage": {**triage(workload(revision(2, 1500), OLD)), "pods": [late("OOMKilled")]}},
        "restart",
        "memory",
        id="a pod was killed for want of memory long after the deploy",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**DEPLOYED, "nodes": [{"name": "node-1", "troubles": ["MemoryPressure"]}]},
        },
        "investigate",
        "platform",
        id="a deploy on a node under pressure",
    ),
    pytest.param(
        {
            "symptoms": [ERRORS],
            "triage": {**DEPLOYED, "nodes": [{"name": "node-9", "troubles": ["MemoryPressure"]}]},
        },
        "rollback",
        "rollout",
        id="a bad deploy, and another node is under pressure",
    ),
    pytest.param(
        {"symptoms": [ERRORS], "platform": [signal("nodes", bad_since=300)], "triage": DEPLOYED},
        "investigate",
        "platform",
        id="what all share failed before the deploy",
    ),
]


@pytest.mark.parametrize(("evidence", "action", "cause"), CASES)
def test_evidence_leads_to_an_action(evidence: dict[str, Any], action: str, cause: str) -> None:
    answer = decided(**evidence)
    assert (answer["action"], answer["cause"]) == (action, cause), answer["considered"]


@pytest.mark.parametrize(("evidence", "action", "cause"), CASES)
def test_every_answer_tells_why_and_what_was_considered(
    evidence: dict[str, Any], action: str, cause: str
) -> None:
    answer = decided(**evidence)
    assert answer["reasons"] and all(answer["reasons"])
    assert answer["would_change"]
    assert answer["confidence"] in ("low", "medium", "high")
    assert answer["summary"].startswith(answer["action"])
    considered = answer["considered"]
    assert len(considered) == 9
    assert [one["taken"] for one in considered].count(True) == 1
    assert all(one["why"] for one in considered)
    assert answer["automatic"] == (not answer["blockers"] and action != "investigate")


@pytest.mark.parametrize(("evidence", "action", "cause"), CASES)
def test_without_any_symptom_nothing_is_done_but_for_what_the_cluster_shows(
    evidence: dict[str, Any], action: str, cause: str
) -> None:
    answer = decided(**{**evidence, "symptoms": [unknown()]})
    assert answer["action"] in ("none", "investigate", "rollback", "restart")
    if answer["action"] in ("rollback", "restart"):
        pods = evidence["triage"]["pods"]
        assert any(not pod["ready"] or pod["containers"][0]["last"] for pod in pods)


def test_two_pods_of_the_new_revision_fail_and_the_old_one_does_not() -> None:
    """Old and new pods beside each other outweigh even an outage that began before."""
    pods = {"web-hash2-a": True, "web-hash2-b": True, "web-hash1-a": False}
    outage = dependency("payments", "external_api", signal(bad_since=300))
    answer = decided(
        symptoms=[signal(bad_since=100, pods=pods)], dependencies=[outage], triage=DEPLOYED
    )
    assert (answer["action"], answer["confidence"]) == ("rollback", "high")
    assert "2 of 2 samples of new pods and in 0 of 1 of old pods" in str(answer["reasons"])


def test_pod_that_crashed_once_long_after_the_deploy_is_a_guess() -> None:
    looked = {**triage(workload(revision(2, 1500), OLD)), "pods": [late("Error")]}
    answer = decided(symptoms=[signal()], triage=looked)
    assert (answer["action"], answer["confidence"]) == ("rollback", "low")
    assert not answer["automatic"]


def test_one_bad_sample_of_a_new_pod_compares_nothing() -> None:
    pods = {"web-hash2-a": True, "web-hash1-a": False}
    outage = dependency("payments", "external_api", signal(bad_since=300))
    answer = decided(
        symptoms=[signal(bad_since=100, pods=pods)], dependencies=[outage], triage=DEPLOYED
    )
    assert answer["action"] == "enable_fallback"


def test_old_pods_fail_as_much_as_new_ones_so_the_deploy_is_innocent() -> None:
    pods = {"web-hash2-a": True, "web-hash1-a": True}
    answer = decided(symptoms=[signal(bad_since=100, pods=pods)], triage=DEPLOYED)
    assert answer["action"] == "investigate"


def test_pods_in_trouble_of_both_revisions_do_not_belong_to_the_new_one() -> None:
    pods = [crashing("web-hash2-a", 2), crashing("web-hash1-a", 1)]
    answer = decided(symptoms=[ERRORS], triage={**DEPLOYED, "pods": pods})
    assert answer["action"] == "investigate"


def test_missing_secret_that_the_earlier_revision_needs_too_is_not_mended_by_going_back() -> None:
    needs = [{"kind": "Secret", "name": "token"}]
    stuck = waiting("CreateContainerConfigError", 'secret "token" not found')
    new = pod("web-hash2-a", 2, ready=False, containers=[stuck])
    for references, action in ((needs, "investigate"), ([], "rollback")):
        one = workload(
            revision(2, 70, references=needs),
            revision(1, 90000, references=references),
            verdict="failed",
            message=stuck["message"],
        )
        answer = decided(
            symptoms=[signal()], triage={**triage(one), "pods": [pod("web-hash1-a", 1), new]}
        )
        assert answer["action"] == action


def test_migration_that_breaks_the_old_pods_is_not_gone_back_over() -> None:
    pods = {"web-hash2-a": False, "web-hash1-a": True}
    one = workload(revision(2, 120, migration="0042"), OLD)
    answer = decided(symptoms=[signal(bad_since=100, pods=pods)], triage=triage(one))
    assert (answer["action"], answer["cause"]) == ("investigate", "migration")
    assert "0042" in str(answer["reasons"])


def test_subject_keeps_other_workloads_out_of_it() -> None:
    other = {**workload(revision(2, 110), OLD), "name": "cart"}
    both = triage(workload(OLD), other)
    assert decided(symptoms=[ERRORS], triage=both)["target"]["name"] == "cart"
    assert decided(symptoms=[ERRORS], triage=both, workload=WEB)["action"] == "investigate"


def test_two_deploys_of_two_workloads_lower_the_confidence() -> None:
    other = {**workload(revision(2, 110), OLD), "name": "cart"}
    well = [dependency("db", "database", signal())]
    one = decided(symptoms=[ERRORS], dependencies=well, triage=triage(other))
    two = decided(
        symptoms=[ERRORS],
        dependencies=well,
        triage=triage(workload(revision(2, 130), OLD), other),
    )
    assert (one["confidence"], two["confidence"]) == ("high", "medium")
    assert two["target"]["name"] == "cart"


def test_usage_of_the_pods_can_show_that_they_are_full() -> None:
    full = pod("web-hash1-a", 1, containers=[container(usage={"cpu_share": 0.95})])
    answer = decided(
        symptoms=[ERRORS],
        load=[signal("requests", bad_since=100)],
        triage={**GOOD, "pods": [full]},
    )
    assert answer["action"] == "scale"
    assert answer["target"] == {**WEB, "replicas": 6, "factor": 2.0}


def test_load_that_rises_tells_by_how_much_to_scale_up_to_a_limit() -> None:
    for height, factor, replicas in ((100, 2.5, 8), (400, 3.0, 9)):
        answer = decided(
            symptoms=[ERRORS],
            load=[line("requests", {1800: 40, 120: 40, 100: height, 0: height})],
            saturation=[signal("queue", bad_since=90)],
            triage=GOOD,
        )
        assert answer["target"] == {**WEB, "replicas": replicas, "factor": factor}
