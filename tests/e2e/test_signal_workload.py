# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of workloads on a real cluster as signals: rollouts, restarts, OOM kills."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.versions import build_shop_images

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.proxy import Trouble, proxy_to
from .support.workloads import KINDS, Workload

MEASURES = ("rollout", "restarts", "oom_kills")


def look(workload: Workload, *measures: str, **options: Any) -> Answer:
    """One signal per measure, named after it."""
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    within = {"within": options.pop("within")} if "within" in options else {}
    signals = [
        {"name": measure, "workload": {"measure": measure, **where, **within}}
        for measure in measures
    ]
    return run_module("signal_info", workload.kubeconfig, signals=signals, **options)


def verdicts(answer: Answer) -> dict[str, str]:
    assert not answer.failed, answer.message
    return {signal["name"]: signal["verdict"] for signal in answer.result["signals"]}


@pytest.fixture(scope="module")
def shop_images(cluster: Cluster) -> None:
    cluster.load_images([build_shop_images(cache_folder() / "images")])


@pytest.mark.parametrize("kind", KINDS)
def test_workload_that_runs_is_healthy_by_all_measures(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    runs = Workload(cluster.kubeconfig, kind, namespace, f"runs-{kind.lower()}", pods=1)
    apply(cluster.kubeconfig, runs.manifest("1"))
    answer = look(runs, *MEASURES, watch_for="60s", interval="1s", watch_until="healthy")
    assert verdicts(answer) == dict.fromkeys(MEASURES, "healthy")
    rollout, restarts, _kills = answer.result["signals"]
    assert rollout["worst"]["detail"].startswith("complete: all 1 pods run revision")
    assert restarts["values"][0]["labels"]["container"] == "app"
    with requests_to(cluster, namespace) as requests:
        look(runs, *MEASURES)
    assert requests.writes == []


@pytest.mark.usefixtures("shop_images")
def test_crash_loop_is_unhealthy_and_ends_the_soak(cluster: Cluster, namespace: str) -> None:
    shop = Shop(name="crash", namespace=namespace, version="2.0.0-crash", replicas=1)
    deploy.apply(cluster.kubeconfig, shop)
    crash = Workload(cluster.kubeconfig, "Deployment", namespace, "crash")
    answer = look(crash, "restarts", watch_for="90s", interval="1s")
    assert verdicts(answer) == {"restarts": "unhealthy"}
    assert "last ended with Error, exit code" in answer.result["reasons"][0]
    assert answer.result["duration"] < 90
    rollout = look(crash, "rollout", "oom_kills", watch_for="60s", interval="1s")
    assert verdicts(rollout) == {"rollout": "unhealthy", "oom_kills": "healthy"}
    assert "CrashLoopBackOff" in rollout.result["reasons"][0]


@pytest.mark.usefixtures("shop_images")
def test_oom_kill_is_seen_and_counts_for_a_time(cluster: Cluster, namespace: str) -> None:
    shop = Shop(name="leak", namespace=namespace, version="2.0.0-leak", replicas=1)
    deploy.apply(cluster.kubeconfig, shop)
    leak = Workload(cluster.kubeconfig, "Deployment", namespace, "leak")
    answer = look(leak, "oom_kills", watch_for="100s", interval="1s")
    assert verdicts(answer) == {"oom_kills": "unhealthy"}
    assert "OOMKilled, exit code 137" in answer.result["reasons"][0]
    (value,) = answer.result["signals"][0]["values"]
    assert (value["value"], value["labels"]["pod"][:5]) == (1, "leak-")


def test_rollout_that_goes_on_is_not_known_and_one_that_cannot_is_unhealthy(
    cluster: Cluster, namespace: str
) -> None:
    waits = Workload(cluster.kubeconfig, "Deployment", namespace, "waits", pods=1)
    # No node has so much, and nothing says that it never will.
    manifest = waits.manifest("1", progressDeadlineSeconds=5)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "1000"}}
    apply(cluster.kubeconfig, manifest)
    answer = look(waits, "rollout")
    assert verdicts(answer) == {"rollout": "unknown"}
    assert "progressing" in answer.result["reasons"][0]
    stalled = look(waits, "rollout", watch_for="60s", interval="1s")
    assert verdicts(stalled) == {"rollout": "unhealthy"}
    assert "stalled: no progress within its progress deadline" in stalled.result["reasons"][0]


def test_workload_without_pods_has_no_data(cluster: Cluster, namespace: str) -> None:
    empty = Workload(cluster.kubeconfig, "Deployment", namespace, "empty").deploy("1")
    answer = look(empty, "restarts", "oom_kills")
    assert verdicts(answer) == {"restarts": "unknown", "oom_kills": "unknown"}
    assert answer.result["reasons"][0] == "restarts: no data, which counts as unknown"


def test_workload_that_is_not_there_is_unknown_and_named(cluster: Cluster, namespace: str) -> None:
    answer = look(Workload(cluster.kubeconfig, "Deployment", namespace, "nobody"), *MEASURES)
    assert verdicts(answer) == dict.fromkeys(MEASURES, "unknown")
    assert f"Deployment {namespace}/nobody: there is no such object" in answer.result["reasons"][0]


def test_api_server_that_is_not_there_is_unknown_within_the_time_limit(
    cluster: Cluster, namespace: str
) -> None:
    lost = Workload(cluster.kubeconfig, "Deployment", namespace, "lost")
    answer = look(lost, "rollout", host="https://127.0.0.1:1", timeout="3s")
    assert verdicts(answer) == {"rollout": "unknown"}
    assert "Connection refused" in answer.result["reasons"][0]
    assert answer.result["duration"] < 4


def test_api_server_that_falls_silent_is_unknown_within_the_time_limit(
    cluster: Cluster, namespace: str
) -> None:
    silent = Workload(cluster.kubeconfig, "Deployment", namespace, "silent").deploy("1")

    def stall(_method: str, path: str) -> Trouble | None:
        return Trouble.STALL if "/replicasets" in path else None

    started = time.monotonic()
    with proxy_to(cluster.kubeconfig, stall) as host:
        answer = look(silent, "rollout", "restarts", host=host, timeout="3s")
    assert verdicts(answer) == {"rollout": "unknown", "restarts": "unknown"}
    # The process ends, too, and waits for no thread that still waits.
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Web"}, "is not a name that Kubernetes allows"),
        ({"name": "../secrets"}, "is not a name that Kubernetes allows"),
        ({"within": "ever"}, "signal web.workload.within: is 'ever', which is no duration"),
        ({"measure": "cpu"}, "rollout, restarts, oom_kills"),
    ],
)
def test_bad_input_is_refused(cluster: Cluster, changes: dict[str, str], words: str) -> None:
    workload = {"measure": "rollout", "name": "web", **changes}
    answer = run_module(
        "signal_info", cluster.kubeconfig, signals=[{"name": "web", "workload": workload}]
    )
    assert answer.failed
    assert words in answer.message


def test_kubeconfig_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    workload = {"measure": "rollout", "name": "web"}
    answer = run_module(
        "signal_info", tmp_path / "none", signals=[{"name": "web", "workload": workload}]
    )
    assert answer.failed
    assert str(tmp_path / "none") in answer.message
