# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking side by side, with a limit that holds."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.asking import (
    MOST_QUESTIONS_AT_ONCE,
    Asker,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    Answer,
    Moment,
    NoAnswer,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Signal

ANSWER = Answer([Moment(1.0, [])])


class Told:
    """Answers at once, or raises what it was made with."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.given: list[float] = []

    def ask(self, seconds: float) -> Answer:
        self.given.append(seconds)
        if self.error:
            raise self.error
        return ANSWER


class Hanging:
    """Answers once the test is over."""

    def __init__(self, over: threading.Event) -> None:
        self.over = over
        self.times = 0

    def ask(self, seconds: float) -> Answer:
        self.times += 1
        self.over.wait(30)
        return ANSWER


@pytest.fixture
def over() -> threading.Event:
    return threading.Event()


def test_each_signal_gets_its_answer_or_why_there_is_none() -> None:
    refused = NoAnswer("http://127.0.0.1", "refuses")
    first, second = Told(), Told(refused)
    answers = Asker([Signal("a", first, 1), Signal("b", second, 1)], 5).ask()
    assert answers == [ANSWER, refused]
    assert 4 < first.given[0] <= 5


def test_what_hangs_does_not_keep_the_others_waiting_and_is_not_asked_again(
    over: threading.Event,
) -> None:
    hanging = Hanging(over)
    asker = Asker([Signal("a", hanging, 1), Signal("b", Told(), 1)], 0.2)
    started = time.monotonic()
    first, second = asker.ask(), asker.ask()
    assert time.monotonic() - started < 2
    assert "none came within 0.2 s" in str(first[0])
    assert "an earlier question still waits" in str(second[0])
    assert first[1] == second[1] == ANSWER
    assert hanging.times == 1
    over.set()


def test_only_so_many_are_asked_at_once_and_the_rest_within_the_limit(
    over: threading.Event,
) -> None:
    hanging = [Hanging(over) for _number in range(MOST_QUESTIONS_AT_ONCE + 3)]
    signals = [Signal(f"s{number}", question, 1) for number, question in enumerate(hanging)]
    answers = Asker(signals, 0.2).ask()
    assert sum(question.times for question in hanging) == MOST_QUESTIONS_AT_ONCE
    assert all("none came" in str(answer) for answer in answers)
    over.set()


@pytest.mark.parametrize("error", [InvalidInput("ca_cert", "is no PEM"), KeyError("x")], ids=str)
def test_what_no_server_answered_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        Asker([Signal("a", Told(error), 1)], 5).ask()
