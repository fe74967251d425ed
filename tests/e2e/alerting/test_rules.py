# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule on made-up series: it fires when it should, is quiet when it should, and resolves."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import yaml

PODS = {
    "Deployment": "web-6d4cf56db6-x2bzl",
    "StatefulSet": "orders-0",
    "DaemonSet": "agent-x2bzl",
}
WEB = f'namespace="shop",pod="{PODS["Deployment"]}"'
CONTAINER = f'{WEB},container="shop"'
GIGABYTE = 1e9
MEMORY = f"container_memory_working_set_bytes{{{CONTAINER}}}"
MEMORY_LIMIT = f'kube_pod_container_resource_limits{{{CONTAINER},resource="memory"}}'
ORDERS_UPDATED = 'kube_statefulset_status_replicas_updated{namespace="shop",statefulset="orders"}'
IN_CONTAINER = {"pod": PODS["Deployment"], "container": "shop"}
THIS = f"container shop of pod {PODS['Deployment']}"

# A value, or _ where nothing was scraped.
Series = Mapping[str, Sequence[float | str]]


def gauge(*stretches: tuple[float, int]) -> list[float]:
    """A value, and for how many minutes it is that."""
    return list(chain.from_iterable(repeat(value, minutes) for value, minutes in stretches))


def counter(*stretches: tuple[float, int]) -> list[float]:
    """How much a minute adds, and for how many minutes it does."""
    values, total = [0.0], 0.0
    for growth in gauge(*stretches):
        total += growth
        values.append(total)
    return values


def in_promtools_words(series: Series) -> list[dict[str, str]]:
    return [
        {"series": name, "values": " ".join(map(str, values))} for name, values in series.items()
    ]


@dataclass(frozen=True)
class Story:
    """What happens, when the alert has to fire, and when not.

    :param summary: of the alert at every minute of ``fires``.
    :param labels: that the alert has besides those of all alerts.
    """

    alert: str
    signal: str
    series: Series
    quiet: Sequence[int] = ()
    fires: Sequence[int] = ()
    summary: str = ""
    kind: str = "Deployment"
    severity: str = "critical"
    playbook: str = "oncall.recovery.rollback"
    labels: dict[str, str] = field(default_factory=dict)

    def as_test(self) -> dict[str, Any]:
        """The story in the words of promtool."""
        return {
            "interval": "1m",
            "input_series": in_promtools_words(self.series),
            "alert_rule_test": [
                {"eval_time": f"{minute}m", "alertname": self.alert, "exp_alerts": expected}
                for minutes, expected in ((self.quiet, []), (self.fires, [self.as_expected()]))
                for minute in minutes
            ],
        }

    def as_expected(self) -> dict[str, Any]:
        name = PODS[self.kind].split("-")[0]
        labels = {
            "namespace": "shop",
            "kind": self.kind,
            "name": name,
            "signal": self.signal,
            "severity": self.severity,
            "playbook": self.playbook,
            **({"team": "shop"} if name == "web" else {}),
            **self.labels,
        }
        page = f"https://runbooks.example/{self.signal.replace('_', '-')}"
        summary = f"{self.kind} shop/{name}: {self.summary}"
        return {"exp_labels": labels, "exp_annotations": {"summary": summary, "runbook_url": page}}


def container_status(what: str, reason: str = "") -> str:
    """The name of a series of the container."""
    because = f',reason="{reason}"' if reason else ""
    return f"kube_pod_container_status_{what}{{{CONTAINER}{because}}}"


def requests(failed: list[float], served: list[float], extra: str = "") -> Series:
    return {
        f'http_requests_total{{{WEB},code="200"{extra}}}': served,
        f'http_requests_total{{{WEB},code="500"{extra}}}': failed,
    }


def latency(fast: list[float], slow: list[float]) -> Series:
    """Requests that take up to half a second, and up to five seconds."""
    total = [one + other for one, other in zip(fast, slow, strict=True)]
    bucket = f"http_request_duration_seconds_bucket{{{WEB}"
    return {
        f'{bucket},le="0.5"}}': fast,
        f'{bucket},le="2.0"}}': fast,
        f'{bucket},le="5.0"}}': total,
        f'{bucket},le="+Inf"}}': total,
        f'http_requests_total{{{WEB},code="200"}}': total,
    }


def calls(timeouts: list[float], good: list[float]) -> Series:
    return {
        f'dependency_requests_total{{{WEB},dependency="database",result="timeout"}}': timeouts,
        f'dependency_requests_total{{{WEB},dependency="database",result="ok"}}': good,
        f'dependency_requests_total{{{WEB},dependency="upstream",result="ok"}}': good,
    }


def deployment(
    updated: list[float], wanted: float = 3, present: float = 3, paused: float = 0
) -> Series:
    minutes = len(updated)
    of = '{namespace="shop",deployment="web"}'
    return {
        f"kube_deployment_status_replicas_updated{of}": updated,
        f"kube_deployment_spec_replicas{of}": gauge((wanted, minutes)),
        f"kube_deployment_status_replicas{of}": gauge((present, minutes)),
        f"kube_deployment_spec_paused{of}": gauge((paused, minutes)),
    }


def revisions(current: str, update: str, minutes: int) -> Series:
    of = 'namespace="shop",statefulset="orders"'
    return {
        f'kube_statefulset_status_current_revision{{{of},revision="{current}"}}': gauge(
            (1, minutes)
        ),
        f'kube_statefulset_status_update_revision{{{of},revision="{update}"}}': gauge((1, minutes)),
    }


STORIES = {
    "errors of half the requests for ten minutes": Story(
        "ErrorRateHigh",
        "error_rate",
        requests(counter((0, 10), (60, 10), (0, 15)), counter((60, 35))),
        quiet=[9, 10, 35],
        fires=[15, 20],
        summary="50% of requests failed within 5m (limit 5%)",
    ),
    "few errors among many requests": Story(
        "ErrorRateHigh", "error_rate", requests(counter((2, 30)), counter((60, 30))), quiet=[20, 30]
    ),
    "nothing but errors, but hardly a request": Story(
        "ErrorRateHigh", "error_rate", requests(counter((1, 30)), counter((0, 30))), quiet=[20, 30]
    ),
    "errors of another workload whose name begins alike": Story(
        "ErrorRateHigh",
        "error_rate",
        {
            f'http_requests_total{{namespace="shop",pod="{pod}",code="500"}}': counter((60, 30))
            for pod in ("web-api-6d4cf56db6-x2bzl", "web-0", "web-x2bzl", "a-web-6d4cf56db6-x2bzl")
        },
        quiet=[20, 30],
    ),
    "errors in another namespace": Story(
        "ErrorRateHigh",
        "error_rate",
        {
            name.replace("shop", "test"): values
            for name, values in requests(counter((60, 30)), counter((60, 30))).items()
        },
        quiet=[20, 30],
    ),
    "requests take five seconds": Story(
        "LatencyHigh",
        "latency",
        latency(counter((60, 10), (30, 10), (60, 15)), counter((0, 10), (30, 10), (0, 15))),
        quiet=[9, 35],
        fires=[18],
        summary="the slowest 5% of requests within 5m take 4.7s or longer (limit 2s)",
    ),
    "one of a hundred requests is slow": Story(
        "LatencyHigh", "latency", latency(counter((99, 30)), counter((1, 30))), quiet=[20, 30]
    ),
    "a slow request at night": Story(
        "LatencyHigh", "latency", latency(counter((0, 30)), counter((1, 30))), quiet=[20, 30]
    ),
    "the database does not answer in time": Story(
        "DependencyTimeouts",
        "dependency_timeouts",
        calls(counter((0, 10), (20, 10), (0, 15)), counter((60, 35))),
        quiet=[9, 35],
        fires=[18],
        summary="25% of calls to database timed out within 5m (limit 10%)",
        playbook="oncall.recovery.mitigation",
        labels={"dependency": "database"},
    ),
    "a call to the database timed out": Story(
        "DependencyTimeouts",
        "dependency_timeouts",
        calls(counter((2, 30)), counter((60, 30))),
        quiet=[20, 30],
    ),
    "a pod of two cannot be scraped": Story(
        "TargetDown",
        "target_down",
        {
            f"up{{{WEB}}}": gauge((1, 10), (0, 10), (1, 10)),
            'up{namespace="shop",pod="web-6d4cf56db6-bbbbb"}': gauge((1, 30)),
        },
        quiet=[9, 11, 20, 29],
        fires=[12, 19],
        summary="Prometheus cannot reach 50% of its targets (limit 30%)",
    ),
    "one pod of four cannot be scraped": Story(
        "TargetDown",
        "target_down",
        {
            f"up{{{WEB}}}": gauge((0, 30)),
            'up{namespace="shop",pod="web-6d4cf56db6-bbbbb"}': gauge((1, 30)),
            'up{namespace="shop",pod="web-6d4cf56db6-ccccc"}': gauge((1, 30)),
            'up{namespace="shop",pod="web-6d4cf56db6-ddddd"}': gauge((1, 30)),
        },
        quiet=[10, 29],
    ),
    "Prometheus does not know the pods any more": Story(
        "TargetAbsent",
        "target_absent",
        # Five minutes after its last sample a series is gone.
        {
            f"up{{{WEB}}}": [*gauge((1, 10)), *["_"] * 15, *gauge((1, 10))],
            'up{namespace="shop",pod="orders-0"}': gauge((1, 40)),
            'up{namespace="shop",pod="agent-x2bzl"}': gauge((1, 40)),
        },
        quiet=[9, 14, 18, 26],
        fires=[20, 24],
        summary="Prometheus has had no target of it for 5m, so nothing watches it",
    ),
    "a container uses all of its CPU": Story(
        "CpuNearLimit",
        "cpu",
        {
            f"container_cpu_usage_seconds_total{{{CONTAINER}}}": counter(
                (12, 10), (57, 25), (12, 15)
            ),
            f'kube_pod_container_resource_limits{{{CONTAINER},resource="cpu"}}': gauge((1, 50)),
        },
        quiet=[9, 20, 49],
        fires=[30],
        summary=f"{THIS} uses 95% of its CPU limit (alert limit 90%)",
        severity="warning",
        playbook="oncall.recovery.mitigation",
        labels=IN_CONTAINER,
    ),
    "a container without a limit uses much CPU": Story(
        "CpuNearLimit",
        "cpu",
        {f"container_cpu_usage_seconds_total{{{CONTAINER}}}": counter((600, 50))},
        quiet=[30, 50],
    ),
    "a container is near its memory limit": Story(
        "MemoryNearLimit",
        "memory",
        {
            MEMORY: gauge((0.5 * GIGABYTE, 10), (0.95 * GIGABYTE, 20), (0.5 * GIGABYTE, 10)),
            MEMORY_LIMIT: gauge((GIGABYTE, 40)),
        },
        quiet=[9, 14, 30],
        fires=[15, 29],
        summary=f"{THIS} uses 95% of its memory limit (alert limit 90%)",
        severity="warning",
        playbook="oncall.recovery.mitigation",
        labels=IN_CONTAINER,
    ),
    "memory leaks and is freed by a restart": Story(
        "MemoryWillReachLimit",
        "memory_growth",
        {
            MEMORY: [
                *(0.3 * GIGABYTE + 0.01 * GIGABYTE * minute for minute in range(51)),
                *gauge((0.3 * GIGABYTE, 20)),
            ],
            MEMORY_LIMIT: gauge((GIGABYTE, 71)),
        },
        quiet=[15, 30, 52, 70],
        fires=[40],
        summary=f"memory of {THIS} grows and reaches its limit in 30m 0s",
        severity="warning",
        playbook="oncall.recovery.mitigation",
        labels=IN_CONTAINER,
    ),
    "memory grows so slowly that it takes days": Story(
        "MemoryWillReachLimit",
        "memory_growth",
        {
            MEMORY: [0.6 * GIGABYTE + 1e5 * minute for minute in range(60)],
            MEMORY_LIMIT: gauge((GIGABYTE, 60)),
        },
        quiet=[30, 59],
    ),
    "a container crashes again and again": Story(
        "CrashLoop",
        "crash_loop",
        {
            container_status("restarts_total"): gauge((0, 10), (4, 10), (5, 15)),
            container_status("waiting_reason", "CrashLoopBackOff"): gauge(
                (0, 10), (1, 3), (0, 3), (1, 4), (0, 15)
            ),
        },
        quiet=[9, 30],
        fires=[20, 23],
        summary=f"{THIS} is in a crash loop and has restarted 5 times",
        labels=IN_CONTAINER,
    ),
    "a container restarted once": Story(
        "CrashLoop",
        "crash_loop",
        {
            container_status("restarts_total"): gauge((0, 10), (1, 20)),
            container_status("waiting_reason", "ContainerCreating"): gauge(
                (0, 10), (1, 1), (0, 19)
            ),
        },
        quiet=[10, 11, 29],
    ),
    "a container is killed for its memory": Story(
        "OomKilled",
        "oom_kill",
        {
            container_status("restarts_total"): gauge((0, 10), (1, 30)),
            container_status("last_terminated_reason", "OOMKilled"): gauge((0, 10), (1, 30)),
        },
        quiet=[9, 25, 39],
        fires=[12],
        summary=f"{THIS} ran out of memory and was killed, 1 times within 10m",
        labels=IN_CONTAINER,
    ),
    "a container ended with an error": Story(
        "OomKilled",
        "oom_kill",
        {
            container_status("restarts_total"): gauge((0, 10), (1, 30)),
            container_status("last_terminated_reason", "Error"): gauge((0, 10), (1, 30)),
        },
        quiet=[12, 25],
    ),
    "a rollout passes its deadline and is rolled back": Story(
        "RolloutFailed",
        "rollout_failed",
        {
            **deployment(gauge((3, 10), (1, 20), (3, 10))),
            'kube_deployment_status_condition{namespace="shop",deployment="web",'
            'condition="Progressing",status="false"}': gauge((0, 20), (1, 10), (0, 10)),
        },
        quiet=[9, 19, 30],
        fires=[20, 29],
        summary="its rollout failed: no progress within progressDeadlineSeconds,"
        " with 1 pods updated",
    ),
    "a rollout stops half way and then gets on": Story(
        "RolloutStuck",
        "rollout_stuck",
        deployment(gauge((3, 10), (1, 20), (2, 1), (3, 20))),
        quiet=[15, 24, 31, 50],
        fires=[26, 29],
        summary="its rollout has not got further for 10m, with 1 pods updated",
        severity="warning",
    ),
    "the only replica is not replaced by the new one": Story(
        "RolloutStuck",
        "rollout_stuck",
        deployment(gauge((1, 30)), wanted=1, present=2),
        fires=[20],
        summary="its rollout has not got further for 10m, with 1 pods updated",
        severity="warning",
    ),
    "somebody paused the rollout": Story(
        "RolloutStuck",
        "rollout_stuck",
        deployment(gauge((3, 10), (1, 30)), paused=1),
        quiet=[30, 39],
    ),
    "a rollout gets on slowly": Story(
        "RolloutStuck",
        "rollout_stuck",
        deployment(gauge((0, 6), (1, 6), (2, 6), (3, 6), (4, 6)), wanted=5),
        quiet=list(range(10, 30)),
    ),
    "a StatefulSet waits for a pod that does not get ready": Story(
        "RolloutStuck",
        "rollout_stuck",
        {
            ORDERS_UPDATED: gauge((1, 30)),
            **revisions("orders-1", "orders-2", 30),
        },
        quiet=[4],
        fires=[20],
        summary="its rollout has not got further for 10m, with 1 pods updated",
        kind="StatefulSet",
        severity="warning",
    ),
    "a StatefulSet is complete": Story(
        "RolloutStuck",
        "rollout_stuck",
        {
            ORDERS_UPDATED: gauge((3, 30)),
            **revisions("orders-2", "orders-2", 30),
        },
        quiet=[20, 29],
    ),
    "a DaemonSet gets no further": Story(
        "RolloutStuck",
        "rollout_stuck",
        {
            f'kube_daemonset_status_{name}{{namespace="shop",daemonset="agent"}}': gauge(*values)
            for name, values in {
                "updated_number_scheduled": [(1, 20), (3, 20)],
                "desired_number_scheduled": [(3, 40)],
                "number_available": [(2, 20), (3, 20)],
            }.items()
        },
        quiet=[4, 21, 39],
        fires=[15],
        summary="its rollout has not got further for 10m, with 1 pods updated",
        kind="DaemonSet",
        severity="warning",
    ),
}


def check(signal: str, rules: Path, every: str, test: dict[str, Any], folder: Path) -> None:
    """Have promtool evaluate the rules of a signal and compare. All rules would take minutes."""
    groups = yaml.safe_load(rules.read_text())["groups"]
    for group in groups:
        group["rules"] = [
            rule
            for rule in group["rules"]
            if rule["labels"].get("signal", "error_budget") == signal
        ]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    content = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": [test]}
    (folder / "test.yml").write_text(yaml.safe_dump(content))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_rule_fires_when_it_should_and_only_then(story: Story, rules: Path, tmp_path: Path) -> None:
    check(story.signal, rules, "1m", story.as_test(), tmp_path)


@dataclass(frozen=True)
class Burn:
    """An alert of one pair of windows."""

    window: str
    rate: str
    limit: str
    severity: str

    def as_expected(self) -> dict[str, Any]:
        return Story(
            BURN,
            "error_budget",
            {},
            summary=f"failed requests of the last {self.window} use up the error budget"
            f" {self.rate} times too fast (SLO 99.9%, limit {self.limit} times)",
            severity=self.severity,
            labels={"window": self.window},
        ).as_expected()


BURN = "ErrorBudgetBurn"
# Minutes of an hour at which every tenth request fails; hours of four days with four in a thousand.
FAST = {
    60: [],
    80: [Burn("1h", "35.71", "14.4", "critical"), Burn("6h", "27.03", "6", "critical")],
    100: [Burn("6h", "32.26", "6", "critical")],
    125: [],
}
SLOW = {
    24: [],
    72: [Burn("1d", "4", "3", "warning"), Burn("3d", "2.67", "1", "warning")],
    104: [],
}


@pytest.mark.parametrize(
    ("every", "series", "expected"),
    [
        pytest.param(
            "1m",
            requests(counter((0, 60), (6, 30), (0, 40)), counter((54, 130))),
            {f"{minute}m": burns for minute, burns in FAST.items()},
            id="a month's budget within hours",
        ),
        pytest.param(
            "2m",
            requests(counter((0.1, 90)), counter((200, 90))),
            {"60m": [], "180m": []},
            id="errors that the budget allows",
        ),
        pytest.param(
            "2m", requests(counter((1, 90)), counter((0, 90))), {"180m": []}, id="little traffic"
        ),
        pytest.param(
            "15m",
            requests(counter((0, 96), (4, 192), (0, 140)), counter((996, 428))),
            {f"{hour}h": burns for hour, burns in SLOW.items()},
            id="a month's budget within a week",
        ),
    ],
)
def test_error_budget_alerts_by_how_fast_it_burns(
    every: str, series: Series, expected: dict[str, list[Burn]], rules: Path, tmp_path: Path
) -> None:
    alerts = [
        {
            "eval_time": time,
            "alertname": BURN,
            "exp_alerts": [burn.as_expected() for burn in burns],
        }
        for time, burns in expected.items()
    ]
    told = in_promtools_words(series)
    test = {"interval": every, "input_series": told, "alert_rule_test": alerts}
    check("error_budget", rules, every, test, tmp_path)


def test_every_rule_has_a_story_in_which_it_fires_and_one_in_which_it_does_not(
    rules: Path,
) -> None:
    groups = yaml.safe_load(rules.read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert alerts == {BURN, *(story.alert for story in STORIES.values() if story.fires)}
    assert alerts == {BURN, *(story.alert for story in STORIES.values() if story.quiet)}
