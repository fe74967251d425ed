# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps pods from being ready."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import (
    Reason,
    pods_of_revision,
    reasons_of,
)

from .builders import condition, container, history, pod, revisions_of, workload

NOT_READY = condition("Ready", "False")
OWNER = workload()


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        pytest.param(
            pod(
                OWNER,
                containers=[
                    container("waiting", reason="ImagePullBackOff", message="no such image")
                ],
            ),
            Reason("web-x1", "web", "ImagePullBackOff", "no such image"),
            id="an image that cannot be pulled",
        ),
        pytest.param(
            pod(
                OWNER,
                containers=[
                    container(
                        "waiting",
                        reason="CrashLoopBackOff",
                        message="back-off 10s",
                        last={"reason": "OOMKilled", "exitCode": 137},
                    )
                ],
            ),
            Reason(
                "web-x1",
                "web",
                "CrashLoopBackOff",
                "last ended with OOMKilled, exit code 137; back-off 10s",
            ),
            id="a crash, with how it ended last",
        ),
        pytest.param(
            pod(
                OWNER,
                containers=[container("terminated", reason="Error", exitCode=3, message="no db")],
            ),
            Reason("web-x1", "web", "Error", "last ended with Error, exit code 3: no db"),
            id="a crash just now",
        ),
        pytest.param(
            pod(OWNER, containers=[container("running")]),
            Reason("web-x1", "web", "NotReady", "its readiness probe does not succeed"),
            id="a readiness probe",
        ),
        pytest.param(
            pod(OWNER, containers=[container("running", last={"reason": "Error", "exitCode": 1})]),
            Reason(
                "web-x1",
                "web",
                "NotReady",
                "its readiness probe does not succeed; last ended with Error, exit code 1",
            ),
            id="a readiness probe after a restart",
        ),
        pytest.param(
            pod(
                OWNER,
                init_containers=[container("waiting", name="migrate", reason="CrashLoopBackOff")],
                containers=[container("waiting", reason="PodInitializing")],
            ),
            Reason("web-x1", "migrate", "CrashLoopBackOff", ""),
            id="an init container, and not those that wait for it",
        ),
        pytest.param(
            pod(
                OWNER, conditions=[condition("PodScheduled", "False", "Unschedulable", "0/1 nodes")]
            ),
            Reason("web-x1", "", "Unschedulable", "0/1 nodes"),
            id="no node that takes it",
        ),
        pytest.param(
            pod(OWNER, status={"reason": "Evicted", "message": "The node was low on memory."}),
            Reason("web-x1", "", "Evicted", "The node was low on memory."),
            id="its eviction",
        ),
    ],
)
def test_pod_is_kept_from_being_ready_by(broken: dict[str, t.Any], expected: Reason) -> None:
    assert reasons_of([broken]) == [expected]


def terminating() -> dict[str, t.Any]:
    leaving = pod(OWNER, containers=[container("terminated", reason="Error", exitCode=1)])
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:00Z"
    return leaving


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param(pod(OWNER, conditions=[condition("Ready", "True")]), id="is ready"),
        pytest.param(terminating(), id="is on its way out"),
        pytest.param(
            pod(OWNER, containers=[container("waiting", reason="ContainerCreating")]), id="starts"
        ),
        pytest.param(
            pod(OWNER, containers=[container("terminated", reason="Completed", exitCode=0)]),
            id="has ended well",
        ),
        pytest.param({"metadata": {"name": "web-x1"}}, id="has no status yet"),
    ],
)
def test_there_is_no_reason_to_tell_for_a_pod_that(quiet: dict[str, t.Any]) -> None:
    assert reasons_of([quiet]) == []


def test_hopeless_reasons_come_first() -> None:
    slow = pod(OWNER, "web-a", containers=[container("running")])
    crashing = pod(OWNER, "web-b", containers=[container("waiting", reason="CrashLoopBackOff")])
    assert [reason.pod for reason in reasons_of([slow, crashing])] == ["web-b", "web-a"]


@pytest.mark.parametrize(
    ("reason", "is_hopeless"),
    [
        ("CrashLoopBackOff", True),
        ("ImagePullBackOff", True),
        ("CreateContainerConfigError", True),
        ("InvalidImageName", True),
        ("ErrImagePull", False),
        ("NotReady", False),
        ("Unschedulable", False),
        ("FailedCreate", False),
    ],
)
def test_waiting_longer_is_hopeless_only_where_the_kubelet_gave_up(
    reason: str, is_hopeless: bool
) -> None:
    assert Reason("web-x1", "web", reason, "").is_hopeless is is_hopeless


def test_long_messages_are_cut_and_put_on_one_line() -> None:
    told = reasons_of([pod(OWNER, status={"reason": "Evicted", "message": "line\n" * 200})])
    assert len(told[0].message) == 300
    assert "\n" not in told[0].message


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason("web-x1", "web", "Error", "boom"), "web-x1/web: Error: boom"),
        (Reason("web-x1", "", "Unschedulable", ""), "web-x1: Unschedulable"),
        (Reason("", "", "FailedCreate", "quota"), "FailedCreate: quota"),
    ],
    ids=["container", "pod", "workload"],
)
def test_reason_reads_as_where_and_what(reason: Reason, text: str) -> None:
    assert str(reason) == text


class TestPodsOfARevision:
    def test_of_a_deployment_are_those_that_its_replicaset_controls(self) -> None:
        old, new = history(OWNER, "web:1", "web:2")
        pods = [pod(old, "web-old"), pod(new, "web-new"), pod(OWNER, "web-stray")]
        revision = revisions_of(OWNER, [old, new])[1]
        assert names(pods_of_revision(OWNER, revision, pods)) == ["web-new"]

    @pytest.mark.parametrize(
        ("kind", "label"),
        [("StatefulSet", "web-cr2"), ("DaemonSet", "cr2")],
        ids=["StatefulSet, by the revision's name", "DaemonSet, by the revision's hash"],
    )
    def test_are_those_that_the_controller_labelled(self, kind: str, label: str) -> None:
        owner, other = workload(kind), workload(kind, "other")
        wanted = {"controller-revision-hash": label}
        pods = [
            pod(owner, "web-old", labels={"controller-revision-hash": "web-cr1"}),
            pod(owner, "web-new", labels=wanted),
            pod(owner, "web-bare"),
            pod(other, "other-new", labels=wanted),
        ]
        revision = revisions_of(owner, history(owner, "web:1", "web:2"))[1]
        assert names(pods_of_revision(owner, revision, pods)) == ["web-new"]


def names(pods: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    return [found["metadata"]["name"] for found in pods]
