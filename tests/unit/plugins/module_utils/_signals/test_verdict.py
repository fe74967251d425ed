# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What values say about health, and about better and worse."""

from __future__ import annotations

import json

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    Sample,
    Signal,
    overall,
    read,
    trend,
    unreadable,
)

ERRORS = Signal("errors", "vector(1)", 0.05)
FREE = Signal("free", "vector(1)", 10, comparison="<")
AT = 1764059400.25


def samples(*texts: str) -> list[Sample]:
    return [Sample({"pod": f"web-{n}"}, text, AT) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("signal", "texts", "verdict", "reason"),
    [
        pytest.param(ERRORS, ["0.01"], "healthy", '0.01 of {pod="web-0"} is not > 0.05', id="in"),
        pytest.param(ERRORS, ["0.05"], "healthy", '0.05 of {pod="web-0"} is not > 0.05', id="on"),
        pytest.param(
            ERRORS,
            ["0.01", "0.5", "0.2"],
            "unhealthy",
            '0.5 of {pod="web-1"} > 0.05 and 1 more series',
            id="one bad series is enough",
        ),
        pytest.param(ERRORS, [], "unknown", "no data, which counts as unknown", id="no data"),
        pytest.param(ERRORS, ["NaN"], "unknown", 'NaN of {pod="web-0"} is no number', id="NaN"),
        pytest.param(
            ERRORS, ["0.01", "NaN"], "unknown", 'NaN of {pod="web-1"} is no number', id="part NaN"
        ),
        pytest.param(
            ERRORS, ["NaN", "0.1"], "unhealthy", '0.1 of {pod="web-1"} > 0.05', id="bad beside NaN"
        ),
        pytest.param(
            ERRORS, ["+Inf"], "unhealthy", '+Inf of {pod="web-0"} > 0.05', id="infinite is a value"
        ),
        pytest.param(FREE, ["12", "3"], "unhealthy", '3 of {pod="web-1"} < 10', id="too few"),
        pytest.param(FREE, ["12"], "healthy", '12 of {pod="web-0"} is not < 10', id="enough"),
        pytest.param(
            Signal("up", "up", 0, comparison="=="),
            ["1", "0"],
            "unhealthy",
            '0 of {pod="web-1"} == 0',
            id="equal",
        ),
        pytest.param(
            Signal("up", "up", 1, comparison="!="),
            ["1", "1"],
            "healthy",
            '1 of {pod="web-0"} is not != 1',
            id="not different",
        ),
        pytest.param(
            Signal("errors", "x", 0, no_data="healthy"),
            [],
            "healthy",
            "no data, which counts as healthy",
            id="no data that is good news",
        ),
    ],
)
def test_verdict_and_its_reason(
    signal: Signal, texts: list[str], verdict: str, reason: str
) -> None:
    reading = read(signal, samples(*texts))
    assert (reading.verdict, reading.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["healthy", "healthy"], "healthy"),
        (["healthy", "unknown"], "unknown"),
        (["unknown", "unhealthy", "healthy"], "unhealthy"),
    ],
)
def test_one_bad_signal_is_enough(verdicts: list[str], expected: str) -> None:
    assert overall(verdicts) == expected


@pytest.mark.parametrize(
    ("signal", "before", "now", "expected"),
    [
        pytest.param(ERRORS, ["0.01"], ["0.2"], "worse", id="left the bound"),
        pytest.param(ERRORS, ["0.2"], ["0.01"], "better", id="came back into the bound"),
        pytest.param(ERRORS, ["0"], ["0.04"], "same", id="moved inside of the bound"),
        pytest.param(ERRORS, ["0.5"], ["0.54"], "same", id="moved within the tolerance"),
        pytest.param(ERRORS, ["0.5"], ["0.56"], "worse", id="rose outside of the bound"),
        pytest.param(ERRORS, ["0.5"], ["0.4"], "better", id="fell outside of the bound"),
        pytest.param(ERRORS, ["+Inf"], ["+Inf"], "same", id="infinite as before"),
        pytest.param(ERRORS, ["0.5"], ["+Inf"], "worse", id="became infinite"),
        pytest.param(ERRORS, ["+Inf"], ["0.5"], "better", id="is infinite no more"),
        pytest.param(FREE, ["5"], ["2"], "worse", id="fell where more is better"),
        pytest.param(FREE, ["2"], ["5"], "better", id="rose where more is better"),
        pytest.param(ERRORS, [], ["0.5"], "unknown", id="not known before"),
        pytest.param(ERRORS, ["0.01"], ["NaN"], "unknown", id="not known now"),
    ],
)
def test_trend(signal: Signal, before: list[str], now: list[str], expected: str) -> None:
    # As it comes back from a task's result.
    earlier = json.loads(json.dumps(read(signal, samples(*before)).as_result(), allow_nan=False))
    assert trend(earlier, read(signal, samples(*now))) == expected


def test_without_an_earlier_result_no_trend_is_known() -> None:
    assert trend(None, read(ERRORS, samples("0.5"))) == "unknown"


def test_no_data_that_is_unhealthy_has_no_degree() -> None:
    strict = Signal("errors", "x", 0.05, no_data="unhealthy")
    assert trend(read(strict, []).as_result(), read(strict, samples("0.5"))) == "same"


def test_what_cannot_be_asked_is_unknown() -> None:
    reading = unreadable(ERRORS, "connection refused")
    assert reading.as_result() == {
        "name": "errors",
        "verdict": "unknown",
        "reason": "connection refused",
        "comparison": ">",
        "threshold": 0.05,
        "worst": None,
        "values": [],
    }


def test_value_comes_with_its_time_and_no_number_is_null() -> None:
    value, nan = read(ERRORS, samples("0.01", "NaN")).as_result()["values"]
    assert value == {
        "labels": {"pod": "web-0"},
        "value": 0.01,
        "text": "0.01",
        "time": "2025-11-25T08:30:00.250Z",
    }
    assert (nan["value"], nan["text"]) == (None, "NaN")


def test_labels_are_quoted_and_cut_in_reasons() -> None:
    hostile = Sample({"path": 'x"}\n\x1b[31m' + "a" * 1000}, "1", AT)
    reason = read(ERRORS, [hostile]).reason
    assert reason.isprintable()
    assert len(reason) < 300
