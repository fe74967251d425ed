# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking once, and again until the verdict that is waited for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    Answer,
    Moment,
    NoAnswer,
    Sample,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Signal
from ansible_collections.oncall.recovery.plugins.module_utils._signals.watch import (
    Watched,
    WatchRequest,
    baseline_from,
    watch,
)


@dataclasses.dataclass
class Values:
    """Answers with the next of its values; the last one stays. None is no answer.

    A list is what one answer tells of several moments.
    """

    server: Server
    values: list[float | list[float] | None]

    def ask(self, seconds: float) -> Answer:
        value = self.values.pop(0) if len(self.values) > 1 else self.values[0]
        if value is None:
            raise NoAnswer("http://127.0.0.1:9090", "did not answer")
        now = self.server.now
        moments = [
            Moment(now + number, [Sample({}, str(one), now + number)])
            for number, one in enumerate(value if isinstance(value, list) else [value])
        ]
        return Answer(moments, ["it is partial"] if value == 0.04 else [])


THRESHOLDS = {"errors": 0.05, "latency": 2}


class Server:
    """Signals by name, with the values that they get one look after the other."""

    def __init__(self, **values: Sequence[float | list[float] | None]) -> None:
        self.questions = {name: Values(self, list(given)) for name, given in values.items()}
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def watch(self, *, consecutive: int = 1, **request: Any) -> Watched:
        signals = [
            Signal(name, question, THRESHOLDS[name], consecutive=consecutive)
            for name, question in self.questions.items()
        ]
        asked = WatchRequest(**request)
        return watch(signals, asked, clock=lambda: self.now, sleep=self.sleep)


def test_one_look_says_what_decides() -> None:
    seen = Server(errors=[0.31], latency=[0.2]).watch()
    assert seen.verdict == "unhealthy"
    assert seen.as_result()["reasons"] == ["errors: 0.31 > 0.05"]
    assert seen.looks == 1


def test_healthy_is_explained_too() -> None:
    result = Server(errors=[0.01], latency=[0.2]).watch().as_result()
    assert result["verdict"] == "healthy"
    assert result["reasons"] == ["errors: 0.01 is not > 0.05", "latency: 0.2 is not > 2"]


def test_signal_that_cannot_be_read_does_not_hide_the_others() -> None:
    result = Server(errors=[None], latency=[5.0]).watch().as_result()
    assert [signal["verdict"] for signal in result["signals"]] == ["unknown", "unhealthy"]
    assert result["verdict"] == "unhealthy"


def test_watch_ends_when_it_is_healthy() -> None:
    server = Server(errors=[0.5, None, 0.01, 0.5])
    seen = server.watch(seconds=60, interval=5, until="healthy")
    assert (seen.verdict, seen.looks, server.slept) == ("healthy", 3, [5, 5])


def test_probation_ends_when_it_is_unhealthy_and_not_before() -> None:
    server = Server(errors=[0.01, None, 0.5, 0.01])
    seen = server.watch(seconds=60, interval=5)
    assert (seen.verdict, seen.looks) == ("unhealthy", 3)


def test_watch_ends_with_its_time_and_looks_at_the_very_end() -> None:
    server = Server(errors=[0.5])
    seen = server.watch(seconds=12, interval=5, until="healthy")
    assert (seen.verdict, seen.looks, server.slept) == ("unhealthy", 4, [5, 5, 2])


def test_worse_than_the_baseline_is_said_by_signal() -> None:
    before = Server(errors=[0.01], latency=[3.0]).watch().as_result()["signals"]
    result = Server(errors=[0.5], latency=[0.1]).watch(baseline=baseline_from(before)).as_result()
    assert {signal["name"]: signal["trend"] for signal in result["signals"]} == {
        "errors": "worse",
        "latency": "better",
    }
    assert result["got_worse"] is True


def test_signal_that_the_baseline_lacks_has_no_trend() -> None:
    before = Server(errors=[0.01]).watch().as_result()["signals"]
    result = Server(latency=[9.0]).watch(baseline=baseline_from(before)).as_result()
    assert (result["signals"][0]["trend"], result["got_worse"]) == ("unknown", False)


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


def test_consecutive_looks_have_to_agree_before_the_watch_ends() -> None:
    server = Server(errors=[0.5, 0.01, 0.5, 0.5, 0.5, 0.01])
    seen = server.watch(consecutive=3, seconds=60, interval=5)
    (signal,) = seen.as_result()["signals"]
    assert (seen.verdict, seen.looks, signal["agreed"]) == ("unhealthy", 5, 3)
    assert [sample["verdict"] for sample in signal["history"]] == [
        "unhealthy",
        "healthy",
        "unhealthy",
        "unhealthy",
        "unhealthy",
    ]
    assert [sample["value"] for sample in signal["history"]] == [0.5, 0.01, 0.5, 0.5, 0.5]


def test_one_bad_look_at_the_end_of_a_soak_is_not_healthy() -> None:
    seen = Server(errors=[0.01, 0.01, 0.01, 0.5]).watch(consecutive=2, seconds=15, interval=5)
    assert (seen.verdict, seen.looks) == ("unknown", 4)


def test_server_that_is_gone_ends_a_soak_as_unknown() -> None:
    seen = Server(errors=[0.01, 0.01, None]).watch(seconds=15, interval=5)
    assert (seen.verdict, seen.looks) == ("unknown", 4)
    assert seen.as_result()["signals"][0]["values"] == []


def test_moments_of_one_answer_are_samples_of_their_own() -> None:
    result = Server(errors=[[0.01, 0.5, 0.5]]).watch(consecutive=2).as_result()
    (signal,) = result["signals"]
    assert (result["verdict"], result["looks"], signal["agreed"]) == ("unhealthy", 1, 2)
    assert [value["value"] for value in signal["values"]] == [0.01, 0.5, 0.5]
    assert len(signal["history"]) == 3


def test_moments_of_the_next_answer_replace_those_before() -> None:
    server = Server(errors=[[0.01, 0.5], [0.5, 0.01]])
    result = server.watch(consecutive=2, seconds=5, interval=5).as_result()
    assert result["verdict"] == "unknown"
    assert len(result["signals"][0]["history"]) == 2


def test_warnings_of_the_last_look_are_told_with_the_signal() -> None:
    assert Server(errors=[0.04]).watch().warnings == ["errors: it is partial"]


def test_there_are_as_many_looks_as_samples_have_to_agree() -> None:
    server = Server(errors=[0.01])
    seen = server.watch(consecutive=3, interval=5)
    assert (seen.verdict, seen.looks, server.slept) == ("healthy", 3, [5, 5])


def test_looks_end_with_that_where_there_is_no_answer() -> None:
    server = Server(errors=[None])
    seen = server.watch(consecutive=3, seconds=2, interval=5)
    assert (seen.verdict, seen.looks, server.slept) == ("unknown", 3, [5, 5])
