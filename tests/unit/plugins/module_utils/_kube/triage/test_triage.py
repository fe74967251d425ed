# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole look at a namespace: what is read, what comes of it, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
)

from .shop import (
    Client,
    ago,
    applied,
    config_map,
    deployment,
    ended,
    forbidden,
    look,
    looked,
    pod,
    release,
    running,
    types_of,
    waiting,
)

WEB = deployment()
OLD, NEW = release(WEB, 1, "web:1", 90000), release(WEB, 2, "web:2", 120)
GOOD_POD = pod(OLD, "web-old-1", running())


def shop(*pods: dict[str, Any], **lists: Any) -> dict[str, Any]:
    return {"deployments": [WEB], "replicasets": [OLD, NEW], "pods": list(pods), **lists}


def test_each_list_is_read_once_and_secrets_only_by_their_metadata() -> None:
    client = Client(shop(GOOD_POD))
    look(client)
    paths = [path for path, _labels, _fields in client.listed]
    assert len(paths) == len(set(paths))
    assert all(patience is not None and 0 < patience <= 5 for patience in client.patience)


def test_healthy_namespace_has_no_findings_but_what_changed() -> None:
    result = looked(shop(pod(NEW, "web-new-1", running())))
    assert types_of(result) == ["change"]
    assert result["complete"]
    assert result["at"] == "2026-11-25T18:40:00Z"


@pytest.mark.parametrize(
    ("container", "kind", "says"),
    [
        pytest.param(
            waiting("CrashLoopBackOff", last=ended()), "crash_loop", "exit code 1", id="crash"
        ),
        pytest.param(
            waiting("CrashLoopBackOff", last=ended("OOMKilled", 137)),
            "oom_killed",
            "limit 64 MiB",
            id="OOM in a crash loop",
        ),
        pytest.param(
            running(restarts=1, last=ended("OOMKilled", 137)),
            "oom_killed",
            "exit code 137",
            id="OOM and running again",
        ),
        pytest.param(
            running(restarts=2, last=ended()), "container_exited", "2 restarts", id="it ended once"
        ),
        pytest.param(
            waiting("ImagePullBackOff", "Back-off pulling image"),
            "image_missing",
            "(web:2)",
            id="image",
        ),
        pytest.param(
            waiting("CreateContainerConfigError", 'secret "token" not found'),
            "config_missing",
            'secret "token" not found',
            id="secret",
        ),
        pytest.param(
            waiting("RunContainerError", "no such file"), "cannot_start", "no such file", id="start"
        ),
        pytest.param(
            running(ready=False), "not_ready", "its readiness probe does not succeed", id="probe"
        ),
    ],
)
def test_what_is_wrong_with_a_pod_is_a_finding_with_its_evidence(
    container: dict[str, Any], kind: str, says: str
) -> None:
    result = looked(shop(GOOD_POD, pod(NEW, "web-new-1", container)))
    finding = result["findings"][0]
    assert finding["type"] == kind
    assert finding["message"].startswith("Deployment shop/web: 1 pod of revision 2 ")
    assert says in str(finding["evidence"])
    assert finding["workload"] == {"kind": "Deployment", "namespace": "shop", "name": "web"}


def test_pods_that_fail_alike_are_one_finding() -> None:
    pods = [pod(NEW, f"web-{n}", waiting("CrashLoopBackOff", last=ended())) for n in range(5)]
    finding = looked(shop(*pods))["findings"][0]
    assert finding["count"] == 5
    assert "5 pods of revision 2 crash again and again" in finding["message"]


def test_most_telling_finding_comes_first_and_changes_last() -> None:
    result = looked(
        shop(
            pod(NEW, "a", running(ready=False)),
            pod(NEW, "b", waiting("CrashLoopBackOff", last=ended())),
            pod(NEW, "c", waiting("ImagePullBackOff")),
        )
    )
    assert types_of(result) == [
        "image_missing",
        "crash_loop",
        "not_ready",
        "rollout_failed",
        "change",
    ]
    severities = [finding["severity"] for finding in result["findings"]]
    assert severities == sorted(severities, key=["critical", "warning", "info"].index)


def test_one_log_is_read_for_each_way_to_fail_and_one_of_a_healthy_pod() -> None:
    crashed = [pod(NEW, f"c-{n}", waiting("CrashLoopBackOff", last=ended())) for n in range(3)]
    client = Client(shop(GOOD_POD, *crashed), {"c-0": "ERROR no\n" * 3, "web-old-1": "hello\n"})
    result = look(client)
    asked = {path.split("/")[-2]: query for path, query in client.read_logs}
    assert set(asked) == {"c-0", "web-old-1"}
    assert asked["c-0"]["tailLines"] == 100
    # Of what waits for its next start, the last log is that of the run that failed.
    assert not any("previous" in query for query in asked.values())
    assert result["logs"][0]["groups"] == [{"text": "ERROR no", "level": "error", "count": 3}]
    crash = result["findings"][0]
    assert "its log, 3 times: ERROR no" in crash["evidence"]
    assert "errors_in_log" in types_of(result)


def gone() -> str:
    raise ApiError("log", 400, "BadRequest", "previous terminated container not found")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (lambda: "ERROR before\n", "ERROR before"),
        (gone, "ERROR now"),
        (lambda: "unable to retrieve container logs for containerd://b3e4", "ERROR now"),
    ],
    ids=["it is there", "refused", "said in the log itself"],
)
def test_log_of_what_runs_again_is_that_of_before_if_the_node_still_has_it(
    before: Callable[[], str], said: str
) -> None:
    class Node(Client):
        def get_text(self, path: str, *, query: Any, **rest: Any) -> str:
            super().get_text(path, query=query, **rest)
            return before() if "previous" in query else "ERROR now\n"

    (log,) = look(Node(shop(pod(NEW, "c", running(restarts=1, last=ended())))))["logs"]
    assert log["groups"][0]["text"] == said


def test_no_logs_are_read_where_none_are_asked_for() -> None:
    client = Client(shop(GOOD_POD))
    assert look(client, log_lines=0)["logs"] == []
    assert client.read_logs == []


def test_secrets_are_in_no_part_of_the_result() -> None:
    secret = "hunter2"
    template = {
        "containers": [
            {"name": "web", "image": "web:2", "env": [{"name": "DB_PASSWORD", "value": secret}]}
        ],
        "volumes": [{"name": "v", "configMap": {"name": "settings"}}],
    }
    web = deployment(spec={"template": {"metadata": {"labels": {}}, "spec": template}})
    newer = release(web, 2, "web:2", 120, **template)
    result = looked(
        {
            "deployments": [web],
            "replicasets": [OLD, newer],
            "pods": [
                pod(newer, "c", waiting("CrashLoopBackOff", f"token={secret}", last=ended())),
            ],
            "configmaps": [
                config_map(
                    "settings",
                    {"a": f"password={secret}\n", "api_token": secret, "b": "new"},
                    60,
                    **applied({"a": f"password=x{secret}\n", "b": "old"}),
                )
            ],
            "events": [event("c", f"could not log in with password={secret}")],
        },
        {"c": f"password={secret}\nconnect to postgres://shop:{secret}@db/shop\n"},
    )
    assert secret not in json.dumps(result)
    (change,) = [c for c in result["changes"] if c["kind"] == "ConfigMap"]
    # What was masked cannot be put back, and half of it is not offered.
    assert change["revert"] == []


def event(name: str, message: str, **fields: Any) -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": ago(30)},
        "type": "Warning",
        "reason": "BackOff",
        "message": message,
        "lastTimestamp": ago(30),
        "count": 2,
        "involvedObject": {
            "kind": "Pod",
            "namespace": "shop",
            "name": name,
            "uid": f"uid-of-{name}",
        },
        **fields,
    }


def test_events_about_others_and_old_ones_are_left_out() -> None:
    result = looked(
        shop(
            pod(NEW, "c", running(ready=False)),
            events=[
                event("other", "not ours"),
                event("c", "old", lastTimestamp=ago(7200)),
                event("c", "Readiness probe failed: 503", reason="Unhealthy"),
                event("c", "newer", lastTimestamp=None, eventTime=ago(10)),
            ],
        )
    )
    assert [e["message"] for e in result["events"]] == ["Readiness probe failed: 503", "newer"]
    assert "probe_failing" in types_of(result)


def test_what_is_forbidden_is_said_and_the_rest_is_told() -> None:
    lists = shop(
        pod(NEW, "c", waiting("CrashLoopBackOff", last=ended())),
        events=forbidden("events"),
        configmaps=forbidden("configmaps"),
        secrets=forbidden("secrets"),
        nodes=forbidden("nodes"),
        autoscalers=forbidden("autoscalers"),
        usage=[ApiError("usage", 404, "NotFound", "no")],
    )
    result = looked(lists)
    outcomes = {source["name"]: source["outcome"] for source in result["sources"]}
    assert outcomes["events in namespace shop"] == "forbidden"
    assert outcomes["usage of pods in namespace shop"] == "absent"
    assert not result["complete"]
    assert types_of(result)[0] == "crash_loop"


def test_pods_that_may_not_be_read_are_said() -> None:
    result = looked(shop(pods=forbidden("pods")))
    assert result["pods"] == []
    assert {s["name"]: s["outcome"] for s in result["sources"]}["pods in namespace shop"] == (
        "forbidden"
    )


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("deployments", "no connection"),
        ApiError("deployments", 401, "Unauthorized", "who"),
    ],
    ids=["unreachable", "unknown user"],
)
def test_server_that_cannot_be_asked_is_an_error(error: RecoveryError) -> None:
    lists = {"deployments": [error]}
    with pytest.raises(type(error)):
        looked(lists, kinds=("Deployment",))


def test_named_workload_that_is_not_there_is_a_finding() -> None:
    wanted = (WorkloadReference("Deployment", "shop", "wbe"),)
    result = looked(shop(GOOD_POD), references=wanted, kinds=("Deployment",))
    assert result["missing"] == [{"kind": "Deployment", "namespace": "shop", "name": "wbe"}]
    assert types_of(result) == ["missing"]


def test_usage_is_told_against_limits() -> None:
    usage = {
        "metadata": {"namespace": "shop", "name": "web-new-1"},
        "containers": [{"name": "web", "usage": {"cpu": "480m", "memory": "62Mi"}}],
    }
    result = looked(shop(pod(NEW, "web-new-1", running()), usage=[usage]))
    told = result["pods"][0]["containers"][0]["usage"]
    assert (told["cpu"], told["cpu_limit"], told["cpu_share"]) == (0.48, 0.5, 0.96)
    assert told["memory"] == 62 * 2**20
    assert types_of(result) == ["memory_near_limit", "cpu_near_limit", "change"]


def node(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": "node-1"},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "2", "memory": "4Gi"},
            "conditions": [{"type": "Ready", "status": "True"}, *conditions],
        },
    }


def test_busy_node_is_looked_at_for_who_keeps_it_so() -> None:
    other = pod({**OLD, "metadata": {**OLD["metadata"], "namespace": "batch"}}, "burn", running())
    other["status"]["startTime"] = ago(60)
    burning = {
        "metadata": {"namespace": "batch", "name": "burn"},
        "containers": [{"name": "x", "usage": {"cpu": "1700m"}}],
    }
    result = looked(
        {
            **shop(pod(NEW, "web-new-1", running()), nodes=[node()]),
            "node usage": [{"metadata": {"name": "node-1"}, "usage": {"cpu": "1900000000n"}}],
            "all pods": [other, pod(NEW, "web-new-1", running())],
            "all usage": [burning],
        }
    )
    (told,) = result["nodes"]
    assert told["cpu_share"] == 0.95
    assert told["busiest"] == [
        {
            "namespace": "batch",
            "name": "burn",
            "cpu_share": 0.85,
            "started": ago(60),
            "workload": None,
        }
    ]
    assert types_of(result)[0] == "node_busy"


def test_idle_node_is_not_looked_at_further() -> None:
    client = Client(
        {
            **shop(pod(NEW, "web-new-1", running()), nodes=[node()]),
            "node usage": [{"metadata": {"name": "node-1"}, "usage": {"cpu": "100m"}}],
        }
    )
    look(client)
    assert "/api/v1/pods" not in [path for path, _labels, _fields in client.listed]


def test_node_under_pressure_is_a_finding() -> None:
    pressure = {"type": "MemoryPressure", "status": "True", "lastTransitionTime": ago(60)}
    result = looked(shop(pod(NEW, "web-new-1", running()), nodes=[node(pressure)]))
    assert types_of(result)[0] == "node_trouble"
    assert result["nodes"][0]["troubles"] == [f"MemoryPressure since {ago(60)}"]
