# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a workload's state is in numbers, from plain dictionaries."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.measure import (
    MEASURES,
    Gauge,
    Measured,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
)

from .builders import NAMESPACE, container, history, pod, revisions_of, workload
from .scripted import ScriptedClient

NOW = datetime.datetime(2026, 11, 25, 12, 0, 0, tzinfo=datetime.timezone.utc)
SINCE = NOW - datetime.timedelta(minutes=10)
COUNTS = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}


def ended(reason: str, minutes_ago: float, code: int = 1) -> dict[str, t.Any]:
    at = NOW - datetime.timedelta(minutes=minutes_ago)
    return {
        "reason": reason,
        "exitCode": code,
        "finishedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def view_of(*containers: dict[str, t.Any], **changes: t.Any) -> View:
    """A complete rollout of revision 2, one of whose pods has these containers."""
    live = workload(status={**COUNTS, **changes})
    objects = history(live, "web:1", "web:2")
    return View(live, revisions_of(live, objects), [pod(objects[1], containers=containers)])


@pytest.mark.parametrize(
    ("changes", "containers", "number", "detail"),
    [
        ({}, [], 0, "complete: all 3 pods run revision 2"),
        ({"updatedReplicas": 1}, [], None, "progressing: 1 of 3 pods run the newest revision"),
        (
            {"availableReplicas": 0},
            [container("waiting", reason="CrashLoopBackOff")],
            1,
            "failed: web-x1/web: CrashLoopBackOff",
        ),
    ],
    ids=["complete", "progressing", "failed"],
)
def test_rollout_has_a_number_once_it_has_come_to_an_end(
    changes: dict[str, t.Any], containers: list[dict[str, t.Any]], number: int | None, detail: str
) -> None:
    (measured,) = MEASURES["rollout"](view_of(*containers, **changes), SINCE)
    assert measured == Measured({}, number, detail)


RUNS = {"startedAt": "2026-11-25T11:00:00Z"}


@pytest.mark.parametrize(
    ("status", "number"),
    [
        pytest.param(container("running", **RUNS), 0, id="never"),
        pytest.param({**container("running", **RUNS), "restartCount": 0}, 0, id="none yet"),
        pytest.param(
            {**container("running", last=ended("Error", 2)), "restartCount": 4}, 4, id="of late"
        ),
        pytest.param(
            {**container("running", last=ended("Error", 30)), "restartCount": 4}, 0, id="long ago"
        ),
        pytest.param(
            {
                **container("waiting", reason="CrashLoopBackOff", last=ended("Error", 30)),
                "restartCount": 4,
            },
            4,
            id="waits for its next start",
        ),
        pytest.param(
            {**container("terminated", **ended("Error", 1)), "restartCount": 4},
            4,
            id="ended just now",
        ),
    ],
)
def test_restarts_count_where_the_last_was_of_late(status: dict[str, t.Any], number: int) -> None:
    (measured,) = MEASURES["restarts"](view_of(status), SINCE)
    assert measured.number == number
    assert measured.labels == {"pod": "web-x1", "container": "web"}


@pytest.mark.parametrize(
    ("status", "number", "detail"),
    [
        pytest.param(container("running", last=ended("Error", 2)), 0, "", id="other end"),
        pytest.param(
            container("running", last=ended("OOMKilled", 2, 137)),
            1,
            "last ended with OOMKilled, exit code 137",
            id="before this start",
        ),
        pytest.param(
            container("terminated", last=ended("Error", 5), **ended("OOMKilled", 1, 137)),
            1,
            "last ended with OOMKilled, exit code 137",
            id="now",
        ),
        pytest.param(
            container("waiting", reason="CrashLoopBackOff", last=ended("OOMKilled", 11, 137)),
            0,
            "",
            id="long ago",
        ),
    ],
)
def test_oom_kills_of_late_are_seen(status: dict[str, t.Any], number: int, detail: str) -> None:
    (measured,) = MEASURES["oom_kills"](view_of(status), SINCE)
    assert (measured.number, measured.detail) == (number, detail)


@pytest.mark.parametrize("measure", ["restarts", "oom_kills"])
def test_pods_that_go_do_not_count_and_no_pods_are_no_data(measure: str) -> None:
    view = view_of({**container("running", last=ended("OOMKilled", 2)), "restartCount": 4})
    (there,) = view.pods
    metadata = {**there["metadata"], "deletionTimestamp": "2026-11-25T12:00:00Z"}
    going = {**there, "metadata": metadata}
    assert MEASURES[measure](dataclasses.replace(view, pods=[going]), SINCE) == []


@pytest.mark.parametrize("measure", ["restarts", "oom_kills"])
def test_init_containers_count(measure: str) -> None:
    view = view_of()
    status = {**container("running", last=ended("OOMKilled", 2), name="init"), "restartCount": 1}
    view.pods[0]["status"]["initContainerStatuses"] = [status]
    (measured,) = MEASURES[measure](view, SINCE)
    assert (measured.labels["container"], measured.number) == ("init", 1)


WORKLOADS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"


def client_of(view: View, workloads: t.Any = None) -> ScriptedClient:
    return ScriptedClient(
        {
            WORKLOADS: [view.workload] if workloads is None else workloads,
            f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets": history(
                dict(view.workload), "web:1", "web:2"
            ),
            f"/api/v1/namespaces/{NAMESPACE}/pods": list(view.pods),
        }
    )


WEB = WorkloadReference("Deployment", NAMESPACE, "web")


def test_measures_of_one_workload_share_what_was_read() -> None:
    view, now = view_of(), 0.0
    client = client_of(view)
    gauge = Gauge(t.cast("t.Any", client), clock=lambda: now)
    assert gauge.measure("rollout", WEB, 600, 5)[0].number == 0
    asked = len(client.listed)
    assert gauge.measure("oom_kills", WEB, 600, 5) == []
    assert len(client.listed) == asked
    now = 5.0
    gauge.measure("restarts", WEB, 600, 5)
    assert len(client.listed) == 2 * asked


def test_no_request_waits_longer_than_there_is_time() -> None:
    client = client_of(view_of())
    Gauge(t.cast("t.Any", client)).measure("rollout", WEB, 600, 5)
    assert all(0 < (patience or 0) <= 4 for patience in client.patience)
    assert client.listed[0] == (WORKLOADS, "", "metadata.name=web")


def test_workload_that_is_not_there_is_named() -> None:
    gauge = Gauge(t.cast("t.Any", client_of(view_of(), [])))
    with pytest.raises(RecoveryError, match=f"Deployment {NAMESPACE}/web: there is no such object"):
        gauge.measure("rollout", WEB, 600, 5)


def test_trouble_with_the_server_is_told() -> None:
    refused = ApiError(str(WEB), 403, "Forbidden", "pods is forbidden")
    gauge = Gauge(t.cast("t.Any", client_of(view_of(), [refused])))
    with pytest.raises(RecoveryError, match="forbidden"):
        gauge.measure("rollout", WEB, 600, 5)
