# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollout is asked, and what it is to blame for. That the queries work, Prometheus tests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.rollout_guard import (
    BESIDE,
    baseline_signals,
    rollout_signals,
    rollout_verdict,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

REQUESTS = {"window": "1m", "minimum_rate": 0.1}
SETTINGS = Settings.from_options(
    signals=[
        {
            "error_rate": {**REQUESTS, "threshold": 0.05},
            "latency": {**REQUESTS, "threshold": 2, "quantile": 0.95},
        }
    ],
    metrics=[
        {
            "requests": {"name": "http_requests_total"},
            "errors": {"name": "http_requests_total", "matchers": ['code=~"5.."']},
            "latency_buckets": {"name": "http_request_duration_seconds_bucket"},
        }
    ],
    label_names=[{"namespace": "namespace", "pod": "pod"}],
    matchers=None,
    labels=None,
    runbook_url=None,
)
HASH = "7c5f9c6b8"
NEW_PODS = f"web-{HASH}-[bcdfghjklmnpqrstvwxz2456789]{{5}}"


def web(**more: Any) -> Service:
    return Service.from_options({"namespace": "shop", "name": "web", **more})


def asked(service: Service, new_hash: str = HASH) -> dict[str, dict[str, Any]]:
    found = rollout_signals(
        service,
        SETTINGS,
        ["error_rate", "latency"],
        new_hash=new_hash,
        consecutive=2,
        tolerance=0.5,
    )
    return {signal["name"]: signal for signal in found}


def test_deployment_is_asked_as_a_whole_and_new_pods_beside_old_ones() -> None:
    signals = asked(web())
    assert list(signals) == ["error rate", f"error rate{BESIDE}", "latency", f"latency{BESIDE}"]
    beside = signals[f"error rate{BESIDE}"]
    assert (beside["threshold"], beside["consecutive"], beside["no_data"]) == (0.05, 2, "healthy")
    assert f'pod=~"{NEW_PODS}"' in beside["promql"]
    assert f'pod!~"{NEW_PODS}"' in beside["promql"]
    assert "no_data" not in signals["error rate"]
    assert signals["error rate"]["tolerance"] == 0.5
    assert HASH not in signals["error rate"]["promql"]


def test_own_matchers_are_kept_for_both_sides() -> None:
    promql = asked(web(matchers=['job="web"']))[f"latency{BESIDE}"]["promql"]
    selectors = promql.count("http_request")
    assert selectors == promql.count('job="web"')
    assert selectors == promql.count(NEW_PODS)


@pytest.mark.parametrize(
    "service",
    [
        web(kind="StatefulSet"),
        web(kind="DaemonSet"),
        Service.from_options({"namespace": "shop", "name": "w" * 50}),
    ],
    ids=["StatefulSet", "DaemonSet", "hash cut off"],
)
def test_pods_whose_names_do_not_say_the_revision_are_not_compared(service: Service) -> None:
    assert list(asked(service)) == ["error rate", "latency"]


def test_hash_cannot_become_a_part_of_the_query() -> None:
    with pytest.raises(InvalidInput, match="is no hash of a revision"):
        asked(web(), new_hash='x"} or vector(1) #')


def test_baseline_is_the_same_question_at_an_earlier_time() -> None:
    before = baseline_signals(web(), SETTINGS, ["error_rate", "latency"], seconds_ago=90)
    now = asked(web())
    for signal in before:
        assert signal["promql"].replace(" offset 90s", "") == now[signal["name"]]["promql"]
        assert signal["promql"].count(" offset 90s") == signal["promql"].count("[1m]")


def test_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Use error_rate, latency"):
        baseline_signals(web(), SETTINGS, ["errors"], seconds_ago=5)


def signal(name: str, verdict: str, trend: str = "unknown", value: float | None = 1.0) -> Any:
    worst = None if value is None else {"value": value}
    return {
        "name": name,
        "verdict": verdict,
        "reason": "1 > 0.05",
        "trend": trend,
        "worst": worst,
    }


BAD = signal("error rate", "unhealthy", "worse")
NO_OLD_PODS = signal(f"error rate{BESIDE}", "healthy", value=None)
ALIKE = signal(f"error rate{BESIDE}", "healthy", value=0.01)
NEW_ARE_WORSE = signal(f"error rate{BESIDE}", "unhealthy", value=0.9)
WELL = signal("latency", "healthy", "same")
SILENT = signal("latency", "unknown", value=None)


@pytest.mark.parametrize(
    ("signals", "verdict", "blamed", "excused"),
    [
        ([WELL], "healthy", 0, 0),
        ([WELL, SILENT], "unknown", 0, 0),
        ([BAD, NO_OLD_PODS], "unhealthy", 1, 0),
        ([BAD, SILENT], "unhealthy", 1, 0),
        ([signal("error rate", "unhealthy", "unknown")], "unhealthy", 1, 0),
        ([signal("error rate", "unhealthy", "same")], "unknown", 0, 1),
        ([signal("error rate", "unhealthy", "better")], "unknown", 0, 1),
        ([BAD, ALIKE], "unknown", 0, 1),
        ([BAD, NEW_ARE_WORSE], "unhealthy", 2, 0),
        ([signal("error rate", "healthy"), NEW_ARE_WORSE], "unhealthy", 1, 0),
        ([signal("error rate", "unhealthy", "same"), NEW_ARE_WORSE], "unhealthy", 1, 1),
    ],
    ids=[
        "all is well",
        "no answer",
        "worse than before",
        "worse, and another signal has no answer",
        "nothing known of before",
        "as bad before",
        "worse before",
        "as bad in old pods",
        "worse in new pods",
        "few new pods, all of them bad",
        "as bad before, and still worse in new pods",
    ],
)
def test_blame(signals: list[Any], verdict: str, blamed: int, excused: int) -> None:
    judged = rollout_verdict({"signals": signals})
    assert judged["verdict"] == verdict
    assert (len(judged["blamed"]), len(judged["excused"])) == (blamed, excused)
    assert judged["unanswered"] == (["latency: 1 > 0.05"] if SILENT in signals else [])
