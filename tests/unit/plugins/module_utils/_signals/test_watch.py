# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking once, and again until the verdict that is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import NoAnswer
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    Sample,
    Signal,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.watch import (
    Watched,
    WatchRequest,
    baseline_from,
    signals_from,
    watch,
)

ERRORS, LATENCY = Signal("errors", "errors", 0.05), Signal("latency", "latency", 2)


class Server:
    """Answers each query with the next of its values; the last one stays. None is no answer."""

    def __init__(self, **values: Sequence[float | None]) -> None:
        self._values = {query: list(given) for query, given in values.items()}
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self, promql: str) -> tuple[list[Sample], list[str]]:
        values = self._values[promql]
        value = values.pop(0) if len(values) > 1 else values[0]
        if value is None:
            raise NoAnswer("http://127.0.0.1:9090", "did not answer")
        return [Sample({}, str(value), self.now)], []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def watch(self, *signals: Signal, **request: Any) -> Watched:
        asked = WatchRequest(**request)
        return watch(self, signals, asked, clock=lambda: self.now, sleep=self.sleep)


def test_one_look_says_what_decides() -> None:
    seen = Server(errors=[0.31], latency=[0.2]).watch(ERRORS, LATENCY)
    assert seen.verdict == "unhealthy"
    assert seen.as_result()["reasons"] == ["errors: 0.31 > 0.05"]
    assert seen.looks == 1


def test_healthy_is_explained_too() -> None:
    result = Server(errors=[0.01], latency=[0.2]).watch(ERRORS, LATENCY).as_result()
    assert result["verdict"] == "healthy"
    assert result["reasons"] == ["errors: 0.01 is not > 0.05", "latency: 0.2 is not > 2"]


def test_signal_that_cannot_be_read_does_not_hide_the_others() -> None:
    result = Server(errors=[None], latency=[5.0]).watch(ERRORS, LATENCY).as_result()
    assert [signal["verdict"] for signal in result["signals"]] == ["unknown", "unhealthy"]
    assert result["verdict"] == "unhealthy"


def test_watch_ends_when_it_is_healthy() -> None:
    server = Server(errors=[0.5, None, 0.01, 0.5])
    seen = server.watch(ERRORS, seconds=60, interval=5, until="healthy")
    assert (seen.verdict, seen.looks, server.slept) == ("healthy", 3, [5, 5])


def test_probation_ends_when_it_is_unhealthy_and_not_before() -> None:
    server = Server(errors=[0.01, None, 0.5, 0.01])
    seen = server.watch(ERRORS, seconds=60, interval=5)
    assert (seen.verdict, seen.looks) == ("unhealthy", 3)


def test_watch_ends_with_its_time_and_looks_at_the_very_end() -> None:
    server = Server(errors=[0.5])
    seen = server.watch(ERRORS, seconds=12, interval=5, until="healthy")
    assert (seen.verdict, seen.looks, server.slept) == ("unhealthy", 4, [5, 5, 2])


def test_worse_than_the_baseline_is_said_by_signal() -> None:
    before = Server(errors=[0.01], latency=[3.0]).watch(ERRORS, LATENCY).as_result()["signals"]
    result = (
        Server(errors=[0.5], latency=[0.1])
        .watch(ERRORS, LATENCY, baseline=baseline_from(before))
        .as_result()
    )
    assert {signal["name"]: signal["trend"] for signal in result["signals"]} == {
        "errors": "worse",
        "latency": "better",
    }
    assert result["got_worse"] is True


def test_signal_that_the_baseline_lacks_has_no_trend() -> None:
    before = Server(errors=[0.01]).watch(ERRORS).as_result()["signals"]
    result = Server(latency=[9.0]).watch(LATENCY, baseline=baseline_from(before)).as_result()
    assert (result["signals"][0]["trend"], result["got_worse"]) == ("unknown", False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([{"name": "", "promql": "up", "threshold": 1.0}], "a name is ''"),
        ([{"name": "a\nb", "promql": "up", "threshold": 1.0}], "Use printable text"),
        ([{"name": "a", "promql": "up", "threshold": 1.0}] * 2, "a is there twice"),
        ([{"name": "a", "promql": " ", "threshold": 1.0}], "a has no query"),
        ([{"name": "a", "promql": "up", "threshold": float("nan")}], "compares with no number"),
        ([{"name": "a", "promql": "up", "threshold": 1.0, "tolerance": -1.0}], "tolerance -1.0"),
    ],
)
def test_signal_that_makes_no_sense_is_refused(given: list[Mapping[str, Any]], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        signals_from(given)
    assert words in caught.value.message


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"name": "errors", "verdict": "fine", "worst": None},
        {"name": "errors", "verdict": "healthy", "worst": {"text": "much"}},
        {"name": "errors", "verdict": "healthy", "worst": "0.1"},
        {"name": 1, "verdict": "healthy", "worst": None},
    ],
    ids=["empty", "no such verdict", "no number", "no value", "no name"],
)
def test_baseline_that_is_no_result_is_refused(before: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="baseline"):
        baseline_from([before])
