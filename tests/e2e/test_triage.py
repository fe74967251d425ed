# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A namespace in which everything is wrong at once, as the module and the playbook tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.images import BUSYBOX_IMAGE
from tests.cluster.kubectl import apply

from .support.modules import run_module
from .support.playbooks import play
from .support.proxy import Faults, Trouble, proxy_to
from .support.rights import grant, right, rules_of
from .support.workloads import wait_until

SECRET = "hunter2-of-the-triage"
# What a program that is broken, or an attacker, may write.
HOSTILE = r"""
echo "starting with db_password=$SECRET"
echo '{"level": "error", "message": "no", "api_token": "'"$SECRET"'", "exception": "KeyError: 7"}'
echo '{"level": "error", "message": "no", "api_token": "'"$SECRET"'", "exception": "KeyError: 8"}'
printf '\033[2J\033]0;owned\007 screen\n\342\200\256 reversed\n'
head -c 300000 /dev/zero | tr '\0' '{'
echo
exit 3
"""
FINDINGS = {
    "crashing": "crash_loop",
    "hungry": "oom_killed",
    "missing": "image_missing",
    "unready": "probe_failing",
}


def deployment(namespace: str, name: str, **container: Any) -> dict[str, Any]:
    labels = {"app": name}
    main = {
        "name": "main",
        "image": BUSYBOX_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sleep", "3600"],
        **container,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": False,
                    "containers": [main],
                },
            },
        },
    }


def deployments(namespace: str) -> Iterator[dict[str, Any]]:
    yield deployment(
        namespace,
        "crashing",
        command=["/bin/sh", "-c", HOSTILE],
        env=[{"name": "SECRET", "value": SECRET}],
    )
    limit = {"limits": {"memory": "16Mi"}}
    # tail keeps the last line, which never ends.
    yield deployment(
        namespace, "hungry", command=["/bin/sh", "-c", "tail /dev/zero"], resources=limit
    )
    yield deployment(namespace, "missing", image=f"{BUSYBOX_IMAGE}-never-built")
    probe = {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1}
    yield deployment(namespace, "unready", readinessProbe=probe)
    yield deployment(namespace, "healthy")


@pytest.fixture(scope="module")
def troubled(cluster: Cluster, namespace: str) -> str:
    """The namespace, once each of its workloads is in the state that it is there for."""
    apply(cluster.kubeconfig, *deployments(namespace))

    def everything_is_wrong() -> bool:
        found = look(cluster.kubeconfig, namespace)["findings"]
        told = {f["workload"]["name"]: f["type"] for f in reversed(found) if f["workload"]}
        return all(told.get(name) == kind for name, kind in FINDINGS.items())

    wait_until(everything_is_wrong, "all workloads to be in trouble")
    return namespace


def look(kubeconfig: Path, namespace: str, **options: Any) -> dict[str, Any]:
    answer = run_module("k8s_triage_info", kubeconfig, namespace=namespace, **options)
    assert not answer.failed, answer.message
    return dict(answer.result)


def test_each_workload_has_its_finding_first(cluster: Cluster, troubled: str) -> None:
    result = look(cluster.kubeconfig, troubled)
    first: dict[str, dict[str, Any]] = {}
    for finding in result["findings"]:
        if finding["workload"]:
            first.setdefault(finding["workload"]["name"], finding)
    assert {name: first[name]["type"] for name in FINDINGS} == FINDINGS
    healthy = first.get("healthy", {"severity": "info"})
    assert healthy["severity"] == "info"
    assert "exit code 3" in str(first["crashing"]["evidence"])
    assert "exit code 137" in str(first["hungry"]["evidence"])
    assert "limit 16 MiB" in str(first["hungry"]["evidence"])
    assert f"{BUSYBOX_IMAGE}-never-built" in str(first["missing"]["evidence"])
    assert {pod["workload"]["name"] for pod in result["pods"]} == {*FINDINGS, "healthy"}
    assert "late" not in {source["outcome"] for source in result["sources"]}


def test_secret_in_a_log_is_masked_and_hostile_lines_do_no_harm(
    cluster: Cluster, troubled: str
) -> None:
    result = look(cluster.kubeconfig, troubled)
    assert SECRET not in json.dumps(result)
    (log,) = [log for log in result["logs"] if log["pod"].startswith("crashing")]
    assert log["groups"][0]["count"] == 2
    assert log["groups"][0]["text"].endswith("KeyError: 7")
    text = "".join(group["text"] for group in log["groups"])
    assert "owned" in text
    assert all(letter.isprintable() or letter in "\n\t" for letter in text)


def test_commands_run_inside_of_pods(cluster: Cluster, troubled: str) -> None:
    result = look(cluster.kubeconfig, troubled, exec=[["cat", "/proc/loadavg"], "id"])
    codes = {(ran["pod"].split("-")[0], ran["command"][0]): ran["rc"] for ran in result["exec"]}
    assert codes == {
        (name, command): 0 for name in ("healthy", "unready") for command in ("cat", "id")
    }
    assert any("uid=0" in ran["stdout"] for ran in result["exec"])


def test_source_that_hangs_does_not_take_more_than_the_budget(
    cluster: Cluster, troubled: str
) -> None:
    events = Faults("GET", "/events", Trouble.STALL, for_ever=True)
    with proxy_to(cluster.kubeconfig, events) as host:
        result = look(cluster.kubeconfig, troubled, host=host, budget="4s")
    assert result["duration"] <= 4
    outcomes = {source["name"]: source["outcome"] for source in result["sources"]}
    assert outcomes[f"events in namespace {troubled}"] in ("late", "failed")
    assert result["findings"][0]["severity"] == "critical"
    assert not result["complete"]


def test_rights_of_the_examples_suffice_and_what_is_missing_is_said(
    cluster: Cluster, troubled: str
) -> None:
    rules = rules_of("observer", "triage")
    user = grant(cluster, troubled, "triage", rules)
    ask: dict[str, Any] = {"impersonate_user": user, "exec": ["id"]}
    result = look(cluster.kubeconfig, troubled, **ask)
    unread = {
        source["name"]: source["outcome"]
        for source in result["sources"]
        if source["outcome"] not in ("read", "absent")
    }
    assert unread == {
        "nodes in any namespace": "forbidden",
        "usage of nodes in any namespace": "forbidden",
    }
    assert result["exec"]
    needed = {
        "list events": "events in namespace",
        "list configmaps": "configmaps in namespace",
        "list secrets": "secrets in namespace",
        "list horizontalpodautoscalers": "horizontalpodautoscalers in namespace",
        "get pods/log": "log of",
        "get pods/exec": "id in",
    }
    grant(cluster, troubled, "triage", [rule for rule in rules if right(rule) not in needed])
    result = look(cluster.kubeconfig, troubled, **ask)
    for source in needed.values():
        told = {s["outcome"] for s in result["sources"] if s["name"].startswith(source)}
        assert told == {"forbidden"}, source
    assert result["findings"][0]["severity"] == "critical"


def test_playbook_prints_what_is_wrong_in_80_columns(
    cluster: Cluster, troubled: str, tmp_path: Path
) -> None:
    played = play(
        "oncall.recovery.triage",
        cwd=tmp_path,
        recovery_kubeconfig=str(cluster.kubeconfig),
        triage_namespace=troubled,
    )
    assert not played.failed, played.output
    shown = [line for line in played.stdout.splitlines() if line.startswith('        "')]
    assert len(shown) < 70
    assert max(len(line) for line in shown) <= 80
    assert "critical and" in shown[0]
    assert "image_missing" in shown[1]
    assert SECRET not in played.output
    facts = played.statistic("triage")
    assert facts["findings"][0]["type"] == "image_missing"
