# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_rollout_undo on the real cluster, where kubectl has nothing to compare with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply, kubectl

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.proxy import Fault, proxy_to
from .support.workloads import KINDS, Workload, deploy_all

READER = "reader"


def undo(workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module(
        "k8s_rollout_undo", workload.kubeconfig, **{"wait": False, **where, **options}
    )


@pytest.fixture
def web(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    """A Deployment without pods that went from version 1 to 2."""
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    return Workload(cluster.kubeconfig, "Deployment", namespace, name).deploy("1", "2")


@pytest.mark.parametrize(
    ("labels", "neighbours_labels"),
    [
        pytest.param({"app": "a"}, {"app": "b"}, id="share a label key"),
        pytest.param(
            {"app": "c"}, {"app": "c", "track": "canary"}, id="have overlapping selectors"
        ),
    ],
)
def test_undo_never_takes_a_revision_of_a_neighbour(
    cluster: Cluster, namespace: str, labels: dict[str, str], neighbours_labels: dict[str, str]
) -> None:
    mine, other = (
        Workload(cluster.kubeconfig, "Deployment", namespace, f"{name}-{labels['app']}", shown)
        for name, shown in (("mine", labels), ("other", neighbours_labels))
    )
    mine.deploy("mine-1")
    other.deploy("other-1", "other-2", "other-3")
    mine.deploy("mine-2")
    answer = undo(mine)
    assert answer.outcomes == {mine.name: "rolled_back"}
    assert (mine.version, other.version) == ("mine-1", "other-3")
    mine.settle()
    assert mine.revisions() == {2: "mine-2", 3: "mine-1"}
    assert other.revisions() == {1: "other-1", 2: "other-2", 3: "other-3"}


@pytest.mark.parametrize("kind", KINDS)
def test_undo_right_after_an_apply_leads_one_back_and_not_two(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    fleet = [
        Workload(cluster.kubeconfig, kind, namespace, f"fresh-{kind.lower()}-{n}") for n in range(6)
    ]
    deploy_all(fleet, "1", "2")
    apply(cluster.kubeconfig, *(member.manifest("3") for member in fleet))
    answer = undo_all(fleet)
    assert not answer.failed, answer.message
    assert {w["to"]["revision"] for w in answer.result["workloads"]} == {2}
    assert {member.version for member in fleet} == {"2"}


def undo_all(fleet: list[Workload], **options: Any) -> Answer:
    references = [
        {"kind": member.kind, "namespace": member.namespace, "name": member.name}
        for member in fleet
    ]
    return run_module(
        "k8s_rollout_undo", fleet[0].kubeconfig, workloads=references, wait=False, **options
    )


class Meddler:
    """Runs kubectl once, in the moment before the first patch is passed on."""

    def __init__(self, workload: Workload, manifest: dict[str, Any]) -> None:
        self._workload = workload
        self._manifest = manifest
        self.patches = 0

    def __call__(self, method: str, path: str) -> Fault | None:
        if method == "PATCH" and f"/{self._workload.kind.lower()}s/" in path:
            self.patches += 1
            if self.patches == 1:
                apply(self._workload.kubeconfig, self._manifest)
        return None


def test_template_that_somebody_changes_between_read_and_patch_is_not_overwritten(
    web: Workload,
) -> None:
    meddler = Meddler(web, web.manifest("hotfix"))
    with proxy_to(web.kubeconfig, meddler) as url:
        answer = undo(web, host=url, kubeconfig=None)
    assert meddler.patches == 1
    assert answer.failed
    assert not answer.changed
    assert "someone else changed its template meanwhile" in answer.message
    assert "Look at what runs now, then run again" in answer.message
    assert web.version == "hotfix"


def test_replicas_that_somebody_changes_between_read_and_patch_are_kept(web: Workload) -> None:
    scaled = web.manifest("2", minReadySeconds=7)
    meddler = Meddler(web, scaled)
    with proxy_to(web.kubeconfig, meddler) as url:
        answer = undo(web, host=url, kubeconfig=None)
    assert meddler.patches == 2
    assert answer.outcomes == {web.name: "rolled_back"}
    live = web.live()
    assert (web.version, live["spec"]["minReadySeconds"]) == ("1", 7)


def test_two_that_cannot_be_rolled_back_do_not_hold_up_the_other_28(
    cluster: Cluster, namespace: str
) -> None:
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"fleet-{n:02}") for n in range(30)
    ]
    deploy_all(fleet, "1")
    deploy_all(fleet[1:], "2")
    fleet[29].kubectl("rollout", "pause", fleet[29].address)
    for_fleet = [f"app in ({', '.join(member.name for member in fleet)})"]
    with requests_to(cluster, namespace) as requests:
        answer = run_module(
            "k8s_rollout_undo",
            cluster.kubeconfig,
            namespace=namespace,
            label_selectors=for_fleet,
            wait=False,
        )
    assert answer.failed
    assert answer.changed
    blocked = {name for name, outcome in answer.outcomes.items() if outcome == "blocked"}
    assert blocked == {"fleet-00", "fleet-29"}
    assert answer.result["summary"] == {
        "total": 30, "rolled_back": 28, "skipped": 0, "blocked": 2, "failed": 0
    }  # fmt: skip
    assert "2 of 30 workloads were not rolled back" in answer.message
    assert f"Deployment {namespace}/fleet-29: it is paused" in answer.message
    changed = [r for r in requests.writes if r["objectRef"]["resource"] == "deployments"]
    assert len(changed) == 28
    assert len(requests.all) <= 2 * 28 + 15
    assert [member.version for member in fleet] == ["1"] * 29 + ["2"]


def test_name_that_does_not_exist_fails_and_the_other_is_rolled_back(web: Workload) -> None:
    nobody = Workload(web.kubeconfig, "Deployment", web.namespace, "nobody")
    answer = undo_all([web, nobody])
    assert answer.outcomes == {web.name: "rolled_back", "nobody": "failed"}
    assert f"Deployment {web.namespace}/nobody: there is no such object" in answer.message
    assert web.version == "1"


@pytest.fixture(scope="module")
def reader(cluster: Cluster, namespace: str) -> str:
    """A user who may look at rollouts and change nothing."""
    watch = "--verb=get,list,watch"
    resources = "--resource=deployments.apps,replicasets.apps,pods,resourcequotas,leases"
    kubectl(cluster.kubeconfig, "-n", namespace, "create", "role", READER, watch, resources)
    bind = ("create", "rolebinding", READER, f"--role={READER}", f"--user={READER}")
    kubectl(cluster.kubeconfig, "-n", namespace, *bind)
    return READER


@pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
def test_missing_permission_to_patch_is_named(web: Workload, reader: str, check: bool) -> None:
    answer = undo(web, impersonate_user=reader, check=check)
    assert answer.outcomes == {web.name: "failed"}
    assert f"Deployment {web.namespace}/{web.name}: " in answer.message
    assert 'User "reader" cannot patch resource "deployments"' in answer.message
    assert "Give the account that verb" in answer.message
    assert web.version == "2"


def test_missing_permission_to_read_is_named(web: Workload) -> None:
    answer = undo(web, impersonate_user="nobody")
    assert answer.failed
    assert 'User "nobody" cannot get resource "deployments"' in answer.message
    assert web.version == "2"


def test_wrong_token_is_told_without_the_token(cluster: Cluster, web: Workload) -> None:
    answer = undo(
        web, kubeconfig=None, host=cluster.api_server, api_key="wr0ng-t0ken", validate_certs=False
    )
    assert answer.failed
    assert "401 Unauthorized" in answer.message
    assert "wr0ng-t0ken" not in json.dumps(answer.result)
    assert web.version == "2"


def test_api_server_that_is_down_is_told_with_its_address(web: Workload) -> None:
    answer = undo(web, kubeconfig=None, host="https://127.0.0.1:9", api_key="any")
    assert answer.failed
    assert "https://127.0.0.1:9" in answer.message
    assert "onnection refused" in answer.message


@pytest.mark.parametrize("kind", KINDS)
def test_check_mode_says_what_would_change_and_writes_nothing(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    tried = Workload(cluster.kubeconfig, kind, namespace, f"tried-{kind.lower()}").deploy("1", "2")
    before = tried.live()
    with requests_to(cluster, namespace) as requests:
        answer = undo(tried, check=True, diff=True)
    assert answer.outcomes == {tried.name: "rolled_back"}
    assert answer.changed
    assert "would be rolled back from revision 2 to 1" in answer.only["message"]
    assert requests.writes == []
    assert [request["verb"] for request in requests.dry_runs] == ["patch", "patch"]
    assert tried.live() == before
    (diff,) = answer.result["diff"]
    assert '"2"' in json.dumps(diff["before"]) and '"1"' in json.dumps(diff["after"])


@pytest.fixture
def no_kubeconfig(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "kubeconfig"
    path.write_text("clusters: 3\n")
    yield path


NAMED = {"name": "web"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(
            {**NAMED, "workloads": [{"name": "web"}]},
            "mutually exclusive: name|workloads",
            id="both name and workloads",
        ),
        pytest.param({}, "one of the following is required: name", id="neither"),
        pytest.param(
            {**NAMED, "to_revision": -1},
            "to_revision: is -1. Use 0 or more",
            id="negative",
        ),
        pytest.param(
            {**NAMED, "kind": "ReplicaSet"}, "value of kind must be one of", id="unknown kind"
        ),
        pytest.param({"workloads": []}, "workloads: is an empty list", id="empty list"),
        pytest.param({"name": "web;reboot"}, "is not a name that Kubernetes allows", id="no name"),
        pytest.param({"label_selectors": [""]}, "has an empty selector", id="empty selector"),
        pytest.param(
            {**NAMED, "wait_timeout": 0}, "wait_timeout: is 0. Use 1 or more", id="no time to wait"
        ),
        pytest.param(
            {**NAMED, "concurrency": 0}, "concurrency: is 0. Use 1 or more", id="no concurrency"
        ),
    ],
)
def test_bad_input_is_explained_and_asks_the_server_nothing(
    cluster: Cluster, namespace: str, options: dict[str, Any], words: str
) -> None:
    where = {} if "workloads" in options else {"namespace": namespace}
    with requests_to(cluster, namespace) as requests:
        answer = run_module("k8s_rollout_undo", cluster.kubeconfig, **where, **options)
    assert answer.failed
    assert words in answer.message
    assert requests.all == []


def test_kubeconfig_that_is_not_one_is_explained(no_kubeconfig: Path) -> None:
    answer = run_module("k8s_rollout_undo", no_kubeconfig, **NAMED)
    assert answer.failed
    assert str(no_kubeconfig) in answer.message
