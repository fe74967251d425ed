# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What values say about health, and about better and worse."""

from __future__ import annotations

import json

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    Answer,
    Moment,
    Sample,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    Reading,
    Signal,
    confirmed,
    overall,
    read,
    trend,
    unreadable,
)

AT = 1764059400.25


class Nothing:
    """A question that nobody asks here."""

    def ask(self, seconds: float) -> Answer:
        raise AssertionError("samples are given here, and nobody has to be asked")


ASK = Nothing()
ERRORS = Signal("errors", ASK, 0.05)
FREE = Signal("free", ASK, 10, comparison="<")


def moment(*texts: str) -> Moment:
    return Moment(AT, [Sample({"pod": f"web-{n}"}, text, AT) for n, text in enumerate(texts)])


def readings(signal: Signal, *texts: str) -> list[Reading]:
    """One sample after the other; ``-`` is a moment without data."""
    return [read(signal, moment() if text == "-" else moment(text)) for text in texts]


@pytest.mark.parametrize(
    ("signal", "texts", "verdict", "reason"),
    [
        pytest.param(ERRORS, ["0.01"], "healthy", '0.01 of {pod="web-0"} is not > 0.05', id="in"),
        pytest.param(ERRORS, ["0.05"], "healthy", '0.05 of {pod="web-0"} is not > 0.05', id="on"),
        pytest.param(
            ERRORS,
            ["0.01", "0.5", "0.2"],
            "unhealthy",
            '0.5 of {pod="web-1"} > 0.05 and 1 more value',
            id="one bad series is enough",
        ),
        pytest.param(ERRORS, [], "unknown", "no data, which counts as unknown", id="no data"),
        pytest.param(
            ERRORS,
            ["NaN"],
            "unknown",
            'NaN of {pod="web-0"} is no number, which counts as unknown',
            id="NaN",
        ),
        pytest.param(
            ERRORS,
            ["0.01", "NaN"],
            "unknown",
            'NaN of {pod="web-1"} is no number, which counts as unknown',
            id="part NaN",
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
            Signal("up", ASK, 0, comparison="=="),
            ["1", "0"],
            "unhealthy",
            '0 of {pod="web-1"} == 0',
            id="equal",
        ),
        pytest.param(
            Signal("up", ASK, 1, comparison="!="),
            ["1", "1"],
            "healthy",
            '1 of {pod="web-0"} is not != 1',
            id="not different",
        ),
        pytest.param(
            Signal("errors", ASK, 0, no_data="healthy"),
            [],
            "healthy",
            "no data, which counts as healthy",
            id="no data that is good news",
        ),
        pytest.param(
            Signal("errors", ASK, 0, no_data="healthy"),
            ["NaN"],
            "healthy",
            'NaN of {pod="web-0"} is no number, which counts as healthy',
            id="NaN that is good news",
        ),
        pytest.param(
            Signal("errors", ASK, 0, no_data="healthy"),
            ["NaN", "0"],
            "healthy",
            '0 of {pod="web-1"} is not > 0',
            id="NaN that is good news beside a number",
        ),
        pytest.param(
            Signal("errors", ASK, 0, no_data="unhealthy"),
            ["0", "NaN"],
            "unhealthy",
            'NaN of {pod="web-1"} is no number, which counts as unhealthy',
            id="NaN that is bad news",
        ),
    ],
)
def test_verdict_and_its_reason(
    signal: Signal, texts: list[str], verdict: str, reason: str
) -> None:
    reading = read(signal, moment(*texts))
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
    earlier = json.loads(json.dumps(read(signal, moment(*before)).as_result(), allow_nan=False))
    assert trend(earlier, read(signal, moment(*now))) == expected


def test_without_an_earlier_result_no_trend_is_known() -> None:
    assert trend(None, read(ERRORS, moment("0.5"))) == "unknown"


def test_no_data_that_is_unhealthy_has_no_degree() -> None:
    strict = Signal("errors", ASK, 0.05, no_data="unhealthy")
    assert trend(read(strict, moment()).as_result(), read(strict, moment("0.5"))) == "same"


def test_what_cannot_be_asked_is_unknown() -> None:
    assert unreadable(ERRORS, "connection refused", AT).as_result() == {
        "name": "errors",
        "source": "promql",
        "verdict": "unknown",
        "reason": "connection refused",
        "comparison": ">",
        "threshold": 0.05,
        "agreed": 1,
        "worst": None,
        "values": [],
    }


def test_words_of_others_cannot_command_a_terminal() -> None:
    hostile = "\x1b[2Jgone\r\n"
    told = read(ERRORS, Moment(AT, [Sample({}, "1", AT, hostile)])).reason
    assert (told + unreadable(ERRORS, hostile, AT).reason).isprintable()


def test_what_cannot_be_asked_is_unhealthy_where_the_signal_says_so() -> None:
    reading = unreadable(Signal("health", ASK, 0, on_error="unhealthy"), "refused", AT)
    assert (reading.verdict, reading.reason) == ("unhealthy", "refused, which counts as unhealthy")


@pytest.mark.parametrize(
    ("texts", "verdict", "agreed"),
    [
        pytest.param(["0.1"], "unknown", 1, id="one bad"),
        pytest.param(["0.1", "0.2"], "unknown", 2, id="two bad"),
        pytest.param(["0.1", "0.2", "0.3"], "unhealthy", 3, id="three bad"),
        pytest.param(["0.1", "0.2", "0.3", "0.4"], "unhealthy", 4, id="four bad"),
        pytest.param(["0.1", "0.01", "0.3", "0.4"], "unknown", 2, id="one good between"),
        pytest.param(["0.1", "-", "0.3", "0.4"], "unknown", 2, id="one unknown between"),
        pytest.param(["0.1", "0.2", "0.3", "0"], "unknown", 1, id="one good after"),
        pytest.param(["0", "0", "0"], "healthy", 3, id="three good"),
        pytest.param(["0", "0", "0", "-"], "unknown", 1, id="no data after three good"),
        pytest.param(["-", "-", "0"], "unknown", 1, id="unknown never becomes healthy by itself"),
    ],
)
def test_so_many_samples_in_a_row_have_to_agree(
    texts: list[str], verdict: str, agreed: int
) -> None:
    three = Signal("errors", ASK, 0.05, consecutive=3)
    reading = confirmed(readings(three, *texts))
    assert (reading.verdict, reading.agreed) == (verdict, agreed)


def test_disagreement_is_explained() -> None:
    three = Signal("errors", ASK, 0.05, consecutive=3)
    assert confirmed(readings(three, "0", "0.1")).reason == (
        '0.1 of {pod="web-0"} > 0.05, but only 1 of 3 samples in a row agree on unhealthy'
    )


def test_detail_is_told_and_cut() -> None:
    told = Sample({}, "1", AT, "failed: web-x1/web: CrashLoopBackOff")
    assert read(Signal("rollout", ASK, 0), Moment(AT, [told])).reason == (
        "1 > 0 (failed: web-x1/web: CrashLoopBackOff)"
    )
    long = Sample({}, "NaN", AT, "x" * 1000)
    assert len(read(ERRORS, Moment(AT, [long])).reason) < 300


def test_value_comes_with_its_time_and_no_number_is_null() -> None:
    value, nan = read(ERRORS, moment("0.01", "NaN")).as_result()["values"]
    assert value == {
        "labels": {"pod": "web-0"},
        "value": 0.01,
        "text": "0.01",
        "time": "2025-11-25T08:30:00.250Z",
        "detail": "",
    }
    assert (nan["value"], nan["text"]) == (None, "NaN")


def test_labels_are_quoted_and_cut_in_reasons() -> None:
    hostile = Sample({"path": 'x"}\n\x1b[31m' + "a" * 1000}, "1", AT)
    reason = read(ERRORS, Moment(AT, [hostile])).reason
    assert reason.isprintable()
    assert len(reason) < 300
