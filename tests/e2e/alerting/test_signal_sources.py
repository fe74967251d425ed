# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of a real Prometheus over a time, and of a real Alertmanager."""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.signals import look, verdict_of
from tests.e2e.support.workloads import wait_until

from .servers import alertmanager, ask, prometheus


@pytest.fixture(scope="module")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text("groups: []\n")
    with prometheus(folder, folder / "rules.yml") as url:
        yield url


def since(seconds: float) -> str:
    """An expression that is 1 since so many seconds ago, and was 0 before."""
    return f"vector(time() > bool {time.time() - seconds})"


@pytest.mark.parametrize(
    ("bad_since", "verdict", "agreed"),
    [(45, "unhealthy", 5), (25, "unknown", 3), (3600, "unhealthy", 7), (-60, "healthy", 7)],
    ids=["long enough", "not yet", "always", "never"],
)
def test_one_look_at_a_range_is_enough_for_many_samples(
    prometheus_url: str, bad_since: float, verdict: str, agreed: int
) -> None:
    signal = {
        "name": "bad",
        "promql": since(bad_since),
        "range": "1m",
        "step": "10s",
        "consecutive": 5,
        "threshold": 0.5,
    }
    answer = look(signal, prometheus={"url": prometheus_url})
    (found,) = answer.result["signals"]
    assert (answer.result["verdict"], found["agreed"], answer.result["looks"]) == (
        verdict,
        agreed,
        1,
    )
    assert len(found["values"]) == len(found["history"]) == 7
    assert found["history"][0]["time"] < found["history"][6]["time"]


def test_range_that_ends_in_nothing_is_unknown(prometheus_url: str) -> None:
    gone = f"vector(1) and on () (vector(time()) < {time.time() - 20})"
    signal = {"name": "gone", "promql": gone, "range": "1m", "step": "10s", "threshold": 5}
    answer = look(signal, prometheus={"url": prometheus_url})
    (found,) = answer.result["signals"]
    assert found["verdict"] == "unknown"
    assert found["reason"] == "no data, which counts as unknown"
    assert [sample["verdict"] for sample in found["history"]].count("healthy") >= 4


def test_mistake_in_a_range_is_unknown_with_the_servers_words(prometheus_url: str) -> None:
    signal = {"name": "odd", "promql": "rate(up)", "range": "1m", "threshold": 5}
    answer = look(signal, prometheus={"url": prometheus_url})
    assert answer.result["verdict"] == "unknown"
    assert "refuses the query (bad_data: " in answer.result["reasons"][0]


def test_prometheus_that_stops_in_the_middle_of_a_soak_makes_it_unknown(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: []\n")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(prometheus(tmp_path, tmp_path / "rules.yml"))
        timer = threading.Timer(2, stack.close)
        timer.start()
        answer = look(
            {"name": "one", "promql": "vector(1)", "threshold": 5},
            prometheus={"url": url},
            watch_for="8s",
            interval="1s",
            timeout="2s",
        )
        timer.join()
    history = [sample["verdict"] for sample in answer.result["signals"][0]["history"]]
    assert history[0] == "healthy"
    assert answer.result["verdict"] == history[-1] == "unknown"


@pytest.fixture(scope="module")
def alertmanager_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("alertmanager")
    config = folder / "alertmanager.yml"
    inhibition = {
        "source_matchers": ["alertname=RolloutFailed"],
        "target_matchers": ["alertname=LatencyHigh"],
        "equal": ["namespace"],
    }
    receivers = [{"name": "nobody"}]
    config.write_text(
        json.dumps(
            {
                "route": {"receiver": "nobody"},
                "receivers": receivers,
                "inhibit_rules": [inhibition],
            }
        )
    )
    with alertmanager(folder, config) as url:
        yield url


def fire(url: str, *names: str, **labels: str) -> None:
    ask(
        f"{url}/api/v2/alerts",
        [{"labels": {"alertname": name, "severity": "critical", **labels}} for name in names],
    )


def alerts(*matchers: str, **options: Any) -> dict[str, Any]:
    return {"name": "pages", "alerts": {"matchers": list(matchers), **options}}


def test_alerts_are_counted_by_all_their_matchers(alertmanager_url: str) -> None:
    server = {"url": alertmanager_url}
    quiet = alerts('namespace="shop"', 'severity="critical"')
    assert verdict_of(quiet, alertmanager=server) == "healthy"
    fire(alertmanager_url, "ErrorRateHigh", "CrashLoop", namespace="shop")
    fire(alertmanager_url, "CrashLoop", namespace="others")
    answer = look(quiet, alertmanager=server)
    assert answer.result["verdict"] == "unhealthy"
    assert answer.result["reasons"] == ['pages: 2 > 0 (1 "CrashLoop", 1 "ErrorRateHigh")']
    (value,) = answer.result["signals"][0]["values"]
    assert value["value"] == 2
    assert verdict_of(
        alerts('namespace="shop"', 'alertname=~"Latency.*"'), alertmanager=server
    ) == ("healthy")


def test_silenced_and_inhibited_alerts_count_only_where_asked_for(alertmanager_url: str) -> None:
    server = {"url": alertmanager_url}
    fire(alertmanager_url, "RolloutFailed", "LatencyHigh", namespace="quiet")
    now = datetime.datetime.now(datetime.timezone.utc)
    matcher = {"name": "alertname", "value": "RolloutFailed", "isRegex": False}
    silence = {
        "matchers": [matcher],
        "startsAt": now.isoformat(),
        "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
        "createdBy": "a test",
        "comment": "a test",
    }
    ask(f"{alertmanager_url}/api/v2/silences", silence)
    own = 'namespace="quiet"'

    def count(**options: Any) -> float:
        answer = look(alerts(own, **options), alertmanager=server)
        return float(answer.result["signals"][0]["values"][0]["value"])

    wait_until(lambda: count() == 0, "one is silenced and the other inhibited")
    assert count(silenced=True) == count(inhibited=True) == 1
    assert count(silenced=True, inhibited=True) == 2


def test_matcher_that_is_none_is_unknown_with_the_servers_words(alertmanager_url: str) -> None:
    answer = look(alerts("not a matcher"), alertmanager={"url": alertmanager_url})
    assert answer.result["verdict"] == "unknown"
    assert "answered 400: " in answer.result["reasons"][0]
    assert "bad matcher format" in answer.result["reasons"][0]


def test_prometheus_is_no_alertmanager_and_the_other_way_round(
    prometheus_url: str, alertmanager_url: str
) -> None:
    one = {"name": "one", "promql": "vector(1)", "threshold": 5}
    answer = look(
        alerts(), one, prometheus={"url": alertmanager_url}, alertmanager={"url": prometheus_url}
    )
    assert [signal["verdict"] for signal in answer.result["signals"]] == ["unknown", "unknown"]


def test_address_of_alertmanager_may_come_from_the_environment(alertmanager_url: str) -> None:
    environment = {"RECOVERY_ALERTMANAGER_URL": alertmanager_url}
    assert verdict_of(alerts('alertname="None"'), env=environment) == "healthy"
