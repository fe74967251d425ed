# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals that options describe, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals import http_json
from ansible_collections.oncall.recovery.plugins.module_utils._signals.alertmanager import Alerts
from ansible_collections.oncall.recovery.plugins.module_utils._signals.expression import Expression
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint
from ansible_collections.oncall.recovery.plugins.module_utils._signals.json_value import JsonValue
from ansible_collections.oncall.recovery.plugins.module_utils._signals.prometheus import (
    InstantQuery,
    RangeQuery,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import Answer
from ansible_collections.oncall.recovery.plugins.module_utils._signals.signals import (
    Servers,
    endpoints_of,
    request_from,
    signals_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Signal
from ansible_collections.oncall.recovery.plugins.modules import signal_info

URL = {"url": "http://127.0.0.1:9090"}
JSON = {"url": "http://127.0.0.1/health?deep=1", "value": "a", "status_code": [200]}
WORKLOAD = {"measure": "restarts", "kind": "Deployment", "name": "web", "within": "5m"}
ALERTS: dict[str, Any] = {"matchers": ["a=b"], "silenced": False, "inhibited": True}


class Measure:
    """Stands for the cluster."""

    def __init__(self, asked: Any) -> None:
        self.asked = asked

    def ask(self, seconds: float) -> Answer:
        raise AssertionError("questions are made here, and not asked")


def given(**options: Any) -> dict[str, Any]:
    """A signal's options as the argument spec completes them."""
    return {
        "name": "a",
        "comparison": ">",
        "consecutive": 1,
        "no_data": "unknown",
        "on_error": "unknown",
        "tolerance": 0.1,
        **options,
    }


def made_of(
    *signals: dict[str, Any],
    prometheus: dict[str, Any] | None = None,
    alertmanager: dict[str, Any] | None = None,
) -> list[Signal]:
    servers = Servers(prometheus or URL, alertmanager or URL, Measure)
    return signals_from(signals, servers)


def test_each_source_becomes_its_question() -> None:
    signals = made_of(
        given(name="now", promql="up", threshold=1.0),
        given(name="range", promql="up", range="5m", step="30s", threshold=1.0),
        given(name="default", promql="up", range="1m", threshold=1.0),
        given(name="alerts", alerts=ALERTS),
        given(name="json", json=JSON, threshold=1.0),
        given(name="workload", workload=WORKLOAD),
    )
    now, over_time, default, alerts, json, workload = (signal.question for signal in signals)
    server = Endpoint("http://127.0.0.1:9090")
    assert now == InstantQuery(server, "up")
    assert over_time == RangeQuery(server, "up", reach=300, step=30)
    assert default == RangeQuery(server, "up", reach=60, step=15)
    assert alerts == Alerts(server, ("a=b",), silenced=False, inhibited=True)
    assert isinstance(json, JsonValue)
    assert json.endpoint.url == JSON["url"]
    assert isinstance(workload, Measure)
    assert workload.asked == {**WORKLOAD, "within": 300}
    assert [signal.source for signal in signals] == [
        *["promql"] * 3,
        "alerts",
        "json",
        "workload",
    ]
    assert [endpoint.url for endpoint in endpoints_of(signals)] == [URL["url"], JSON["url"]]


def test_any_alert_restart_or_kill_is_too_much_unless_told_otherwise() -> None:
    alerts, workload, other = made_of(
        given(alerts=ALERTS),
        given(name="b", workload=WORKLOAD),
        given(name="c", workload=WORKLOAD, threshold=3.0, comparison=">="),
    )
    assert (alerts.threshold, workload.threshold) == (0, 0)
    assert (other.threshold, other.comparison) == (3, ">=")


def test_server_that_is_not_asked_needs_no_address() -> None:
    servers = Servers({}, {}, Measure)
    (signal,) = signals_from([given(workload=WORKLOAD)], servers)
    assert signal.source == "workload"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "", "promql": "up"}, "a name is ''"),
        ({"name": "a\nb", "promql": "up"}, "Use printable text"),
        ({}, "signal a: has no source. Give one of promql, alerts, json, workload"),
        ({"promql": "up", "alerts": ALERTS}, "signal a: has promql and alerts. Give one"),
        ({"promql": " ", "threshold": 1.0}, "signal a: has no query"),
        ({"promql": "up"}, "signal a: compares with no number"),
        ({"json": JSON}, "signal a: compares with no number"),
        ({"promql": "up", "threshold": float("nan")}, "compares with no number"),
        ({"promql": "up", "threshold": 1.0, "tolerance": -1.0}, "tolerance -1.0"),
        ({"promql": "up", "threshold": 1.0, "consecutive": 0}, "consecutive is 0"),
        ({"promql": "up", "threshold": 1.0, "consecutive": 1001}, "consecutive is 1001"),
        ({"promql": "up", "threshold": 1.0, "step": "5s"}, "has a step and no range"),
        ({"promql": "up", "threshold": 1.0, "range": "5"}, "has 0 steps of 15 s"),
        ({"promql": "up", "threshold": 1.0, "range": "1d", "step": "1s"}, "has 86400 steps"),
        ({"promql": "up", "threshold": 1.0, "range": "soon"}, "signal a.range: is 'soon'"),
        ({"alerts": ALERTS, "range": "5m"}, "has range with alerts"),
        ({"alerts": {**ALERTS, "matchers": [" "]}}, "has an empty matcher"),
        ({"json": {**JSON, "url": "file:///etc/passwd"}, "threshold": 1.0}, "a.json.url: is"),
        ({"json": {**JSON, "value": "a["}, "threshold": 1.0}, "a.json.value: 'a[' is no"),
        ({"workload": {**WORKLOAD, "within": "0"}}, "signal a.workload.within: is 0"),
        (
            {"promql": "up", "threshold": 1.0, "consecutive": 6, "range": "1m"},
            "needs 6 samples, and its range has 5. Choose a longer range",
        ),
    ],
)
def test_signal_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made_of(given(**options))
    assert words in caught.value.message


def test_no_signal_and_one_twice_are_refused() -> None:
    with pytest.raises(InvalidInput, match="empty list"):
        made_of()
    with pytest.raises(InvalidInput, match="a is there twice"):
        made_of(*[given(alerts=ALERTS)] * 2)


def test_range_needs_one_look_and_others_one_for_each_sample() -> None:
    three = given(promql="up", threshold=1.0, consecutive=3)
    now, over_time = made_of(three, {**three, "name": "b", "range": "30s"})
    assert (now.looks_needed, over_time.looks_needed) == (3, 1)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"prometheus": {"url": ""}}, "prometheus.url: is missing"),
        ({"alertmanager": {"url": "alertmanager"}}, "alertmanager.url: is 'alertmanager'"),
    ],
)
def test_address_of_a_server_that_is_asked_is_checked(server: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        made_of(given(promql="up", threshold=1.0), given(name="b", alerts=ALERTS), **server)


def test_request_is_read_from_durations() -> None:
    options = {"watch_for": "5m", "interval": "10s", "timeout": "3", "watch_until": "healthy"}
    request = request_from({**options, "baseline": []})
    assert (request.seconds, request.interval, request.timeout) == (300, 10, 3)
    with pytest.raises(InvalidInput, match="interval: is 0"):
        request_from({**options, "interval": "0", "baseline": []})


@pytest.mark.parametrize(
    "task", yaml.safe_load(signal_info.EXAMPLES), ids=lambda task: str(task["name"])
)
def test_example_is_accepted(task: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    # Certificates that only the reader has.
    monkeypatch.setattr(http_json.Path, "is_file", lambda path: True)
    options = dict(task["oncall.recovery.signal_info"])
    # What an earlier task has registered.
    options.pop("baseline", None)
    checked = ArgumentSpecValidator(signal_info.ARGUMENT_SPEC).validate(options)
    assert checked.error_messages == []
    given = checked.validated_parameters
    servers = Servers(given["prometheus"], given["alertmanager"], Measure)
    assert len(signals_from(given["signals"], servers)) == len(options["signals"])
    assert request_from(given)
    if given["query"]:
        Expression("query", given["query"])
