# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on a rollout, from plain dictionaries."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    Counts,
    RolloutStatus,
    View,
    counts_of,
    is_deadline_of_earlier_rollout,
    rollout_status,
)

from .builders import KINDS, condition, container, history, pod, revisions_of, workload

IMAGES = ("web:1", "web:2")


def counts(
    kind: str,
    *,
    desired: int = 3,
    total: int = 3,
    updated: int = 3,
    ready: int = 3,
    available: int = 3,
) -> dict[str, t.Any]:
    """The status fields that say this, under the kind's own names."""
    if kind == "DaemonSet":
        return {
            "desiredNumberScheduled": desired,
            "currentNumberScheduled": total,
            "updatedNumberScheduled": updated,
            "numberReady": ready,
            "numberAvailable": available,
        }
    return {
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
    }


def live(kind: str = "Deployment", **changes: t.Any) -> dict[str, t.Any]:
    """A workload whose newest revision is 2 and complete, unless ``changes`` say otherwise."""
    status = {**counts(kind), **changes.pop("status", {})}
    if kind == "StatefulSet":
        status.setdefault("updateRevision", "web-cr2")
    return workload(kind, status=status, **changes)


def judge(
    live_workload: dict[str, t.Any],
    pods: t.Sequence[dict[str, t.Any]] = (),
    *,
    is_deleted: bool = False,
    **options: t.Any,
) -> RolloutStatus:
    revisions = revisions_of(live_workload, history(live_workload, *IMAGES))
    return rollout_status(View(live_workload, revisions, pods, is_deleted), **options)


def newest_pod(live_workload: dict[str, t.Any], **detail: t.Any) -> dict[str, t.Any]:
    """A pod of revision 2."""
    if live_workload["kind"] == "Deployment":
        return pod(history(live_workload, *IMAGES)[1], **detail)
    label = "web-cr2" if live_workload["kind"] == "StatefulSet" else "cr2"
    return pod(live_workload, labels={"controller-revision-hash": label}, **detail)


def rolling(kind: str, **changes: t.Any) -> dict[str, t.Any]:
    return live(kind, status=counts(kind, updated=1), **changes)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_is_complete_when_all_pods_are_updated_and_available(self, kind: str) -> None:
        status = judge(live(kind))
        assert (status.verdict, status.message) == ("complete", "all 3 pods run revision 2")
        assert status.is_final and status.reasons == ()

    def test_is_complete_when_no_pods_are_wanted(self, kind: str) -> None:
        nothing = counts(kind, desired=0, total=0, updated=0, ready=0, available=0)
        spec = {} if kind == "DaemonSet" else {"replicas": 0}
        status = judge(live(kind, spec=spec, status=nothing))
        assert (status.verdict, status.message) == ("complete", "all 0 pods run revision 2")

    def test_progresses_before_its_controller_has_seen_the_change(self, kind: str) -> None:
        status = judge(live(kind, generation=3, observed=2))
        assert status.verdict == "progressing" and not status.is_final
        assert status.message == "its controller has not yet seen the newest change"

    def test_progresses_while_pods_are_replaced(self, kind: str) -> None:
        status = judge(rolling(kind))
        assert status.verdict == "progressing"
        assert status.message == "1 of 3 pods run the newest revision"

    def test_progresses_while_pods_are_not_available(self, kind: str) -> None:
        status = judge(live(kind, status=counts(kind, ready=2, available=2)))
        assert (status.verdict, status.message) == ("progressing", "2 of 3 pods are available")

    def test_has_failed_when_a_pod_of_the_newest_revision_cannot_start(self, kind: str) -> None:
        workload_now = rolling(kind)
        crashing = newest_pod(
            workload_now, containers=[container("waiting", reason="CrashLoopBackOff")]
        )
        status = judge(workload_now, [crashing])
        assert status.verdict == "failed" and status.is_final
        assert status.message == "web-x1/web: CrashLoopBackOff"

    def test_progresses_with_such_a_pod_where_failing_fast_is_off(self, kind: str) -> None:
        workload_now = rolling(kind)
        crashing = newest_pod(
            workload_now, containers=[container("waiting", reason="CrashLoopBackOff")]
        )
        status = judge(workload_now, [crashing], fail_fast=False)
        assert status.verdict == "progressing"
        assert [reason.reason for reason in status.reasons] == ["CrashLoopBackOff"]

    def test_does_not_fail_for_a_pod_of_an_older_revision(self, kind: str) -> None:
        workload_now = rolling(kind)
        if kind == "Deployment":
            old = pod(
                history(workload_now, *IMAGES)[0],
                containers=[container("waiting", reason="CrashLoopBackOff")],
            )
        else:
            old = pod(
                workload_now,
                labels={"controller-revision-hash": "web-cr1"},
                containers=[container("waiting", reason="CrashLoopBackOff")],
            )
        status = judge(workload_now, [old])
        assert (status.verdict, status.reasons) == ("progressing", ())

    def test_has_failed_when_the_object_is_gone(self, kind: str) -> None:
        status = judge(live(kind), is_deleted=True)
        assert (status.verdict, status.message) == ("failed", "the object has been deleted")

    def test_is_superseded_when_another_revision_runs_than_the_pinned_one(self, kind: str) -> None:
        status = judge(live(kind), pinned_revision=1)
        assert status.verdict == "superseded"
        assert status.message == "revision 2 runs instead of revision 1"

    def test_is_complete_when_the_pinned_revision_runs(self, kind: str) -> None:
        assert judge(live(kind), pinned_revision=2).verdict == "complete"

    def test_tells_no_reasons_once_it_is_complete(self, kind: str) -> None:
        workload_now = live(kind)
        slow = newest_pod(workload_now, containers=[container("running")])
        assert judge(workload_now, [slow]).reasons == ()

    def test_tells_its_newest_revision(self, kind: str) -> None:
        told = judge(live(kind)).as_result()
        assert (told["revision"], told["images"]) == (2, {"web": "web:2"})
        assert told["counts"] == {
            "desired": 3,
            "total": 3,
            "updated": 3,
            "ready": 3,
            "available": 3,
        }


def with_condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, t.Any]:
    conditions = [condition(kind, status, reason, message)]
    return {**counts("Deployment", updated=1), "conditions": conditions}


@pytest.mark.parametrize(
    ("live_workload", "verdict", "words"),
    [
        pytest.param(
            live(status=counts("Deployment", total=5)),
            "progressing",
            "2 old pods have not yet ended",
            id="old pods still run",
        ),
        pytest.param(
            live(spec={"paused": True}, status=counts("Deployment", updated=1)),
            "paused",
            "resume it with: kubectl rollout resume",
            id="it is paused on the way",
        ),
        pytest.param(
            live(image="web:3", spec={"paused": True}, status=counts("Deployment", updated=0)),
            "paused",
            "the rollout is paused",
            id="it is paused and has a template without a revision",
        ),
        pytest.param(
            live(spec={"paused": True}),
            "complete",
            "all 3 pods run revision 2",
            id="it is paused and has nothing to roll out",
        ),
        pytest.param(
            live(image="web:3"),
            "progressing",
            "its controller has not yet made the newest revision",
            id="its template has no revision yet",
        ),
        pytest.param(
            live(status=with_condition("Progressing", "False", "ProgressDeadlineExceeded")),
            "stalled",
            "no progress within its progress deadline: 1 of 3 pods run the newest revision",
            id="its progress deadline has passed",
        ),
        pytest.param(
            live(
                status={
                    **with_condition("Progressing", "False", "ProgressDeadlineExceeded"),
                    **counts("Deployment"),
                }
            ),
            "complete",
            "all 3 pods run revision 2",
            id="its progress deadline had passed before it completed",
        ),
        pytest.param(
            live(status=with_condition("Progressing", "True", "ReplicaSetUpdated")),
            "progressing",
            "1 of 3 pods",
            id="it makes progress",
        ),
    ],
)
def test_deployment_where(live_workload: dict[str, t.Any], verdict: str, words: str) -> None:
    status = judge(live_workload)
    assert status.verdict == verdict
    assert words in status.message


EXCEEDED = "ProgressDeadlineExceeded"


@pytest.mark.parametrize(
    ("before", "after", "is_earlier"),
    [
        (with_condition("Progressing", "False", EXCEEDED, "web-1"), None, True),
        (with_condition("Progressing", "True", "NewReplicaSetAvailable"), None, False),
        (
            with_condition("Progressing", "False", EXCEEDED, "web-1"),
            with_condition("Progressing", "False", EXCEEDED, "web-2"),
            False,
        ),
        (
            with_condition("Progressing", "True", "ReplicaSetUpdated"),
            with_condition("Progressing", "False", EXCEEDED),
            False,
        ),
    ],
    ids=["left as it was", "never passed", "passed again", "passed since"],
)
def test_deadline_that_had_passed_before_is_not_that_of_the_rollout(
    before: dict[str, t.Any], after: dict[str, t.Any] | None, is_earlier: bool
) -> None:
    seen = live(status=before), live(status=after or before)
    assert is_deadline_of_earlier_rollout(*seen) == is_earlier


def test_quota_that_lets_no_pod_be_made_is_told_as_a_reason() -> None:
    failure = with_condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: pods=3")
    status = judge(live(status=failure))
    assert status.verdict == "progressing"
    assert [str(reason) for reason in status.reasons] == ["FailedCreate: exceeded quota: pods=3"]


def test_quota_that_was_lifted_is_not_told() -> None:
    assert (
        judge(live(status=with_condition("ReplicaFailure", "False", "FailedCreate"))).reasons == ()
    )


def partitioned(partition: int, updated: int, **status: int) -> dict[str, t.Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    return live(
        "StatefulSet",
        spec={"updateStrategy": strategy},
        status=counts("StatefulSet", updated=updated, **status),
    )


@pytest.mark.parametrize(
    ("live_workload", "verdict", "message"),
    [
        pytest.param(
            partitioned(2, updated=1),
            "complete",
            "1 of 3 pods run revision 2, as its partition wants",
            id="all ordinals from the partition on are updated",
        ),
        pytest.param(
            partitioned(1, updated=1),
            "progressing",
            "1 of 2 pods run the newest revision",
            id="one ordinal from the partition on is not updated",
        ),
        pytest.param(
            partitioned(9, updated=0),
            "complete",
            "0 of 3 pods run revision 2, as its partition wants",
            id="the partition is beyond the last ordinal",
        ),
        pytest.param(
            partitioned(2, updated=1, ready=2, available=2),
            "progressing",
            "2 of 3 pods are available",
            id="an older pod is not ready",
        ),
        pytest.param(
            partitioned(0, updated=3),
            "complete",
            "all 3 pods run revision 2",
            id="the partition is 0",
        ),
    ],
)
def test_statefulset_with_a_partition_where(
    live_workload: dict[str, t.Any], verdict: str, message: str
) -> None:
    status = judge(live_workload)
    assert (status.verdict, status.message) == (verdict, message)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_update_on_delete_is_paused_until_somebody_deletes_the_old_pods(kind: str) -> None:
    status = judge(rolling(kind, spec={"updateStrategy": {"type": "OnDelete"}}))
    assert status.verdict == "paused"
    assert status.message == (
        "its update strategy is OnDelete, so someone must delete pods: "
        "1 of 3 pods run the newest revision"
    )


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_update_on_delete_is_complete_once_all_pods_are_updated(kind: str) -> None:
    status = judge(live(kind, spec={"updateStrategy": {"type": "OnDelete"}}))
    assert status.verdict == "complete"


def test_ready_pods_of_an_old_revision_do_not_make_a_statefulset_complete() -> None:
    assert (
        judge(live("StatefulSet", status=counts("StatefulSet", updated=0))).verdict == "progressing"
    )


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_pinned_revision_that_is_not_there_yet_is_waited_for(kind: str) -> None:
    unseen = live(kind, generation=3, observed=2, image="web:3")
    assert judge(unseen, pinned_revision=3).verdict == "progressing"


def test_statefulset_of_an_old_kubernetes_counts_its_ready_pods_as_available() -> None:
    status = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}
    old = workload("StatefulSet", status={**status, "updateRevision": "web-cr2"})
    assert counts_of(old) == Counts(desired=3, total=3, updated=3, ready=3, available=3)


@pytest.mark.parametrize("kind", KINDS)
def test_counts_of_a_workload_without_status_are_zero(kind: str) -> None:
    new = workload(kind)
    del new["status"]
    desired = 0 if kind == "DaemonSet" else 3
    assert counts_of(new) == Counts(desired, 0, 0, 0, 0)


def test_result_shows_ten_reasons_and_counts_the_rest() -> None:
    workload_now = rolling("Deployment")
    newest = history(workload_now, *IMAGES)[1]
    pods = [pod(newest, f"web-{n}", containers=[container("running")]) for n in range(13)]
    told = judge(workload_now, pods).as_result()
    assert (len(told["reasons"]), told["reasons_left_out"]) == (10, 3)
