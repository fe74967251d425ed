# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is picked from the JSON that anything answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.expression import Expression
from ansible_collections.oncall.recovery.plugins.module_utils._signals.json_value import JsonValue
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import NoAnswer

from .servers import Canned

HEALTH = {"status": "UP", "queues": {"mail": 3, "jobs": 70}, "free": [5, 8.5], "none": None}


def ask(
    value: str, content: Any = None, status: int = 200, *statuses: int
) -> list[tuple[Any, str]]:
    """Labels and text of what the expression gives."""
    server = Canned.reply(HEALTH if content is None else content, status)
    question = JsonValue(server, Expression("value", value), frozenset(statuses or (200,)))
    (moment,) = question.ask(5).moments
    return [(dict(sample.labels), sample.text) for sample in moment.samples]


@pytest.mark.parametrize(
    ("value", "samples"),
    [
        ("queues.mail", [({}, "3")]),
        ("free[1]", [({}, "8.5")]),
        ("status == 'UP'", [({}, "1")]),
        ("status == 'DOWN'", [({}, "0")]),
        ("queues", [({"key": "mail"}, "3"), ({"key": "jobs"}, "70")]),
        ("free", [({"index": "0"}, "5"), ({"index": "1"}, "8.5")]),
        ("queues.lost", []),
        ("none", []),
        ("`[]`", []),
        ("`[1, null]`", [({"index": "0"}, "1"), ({"index": "1"}, "NaN")]),
        ("'1.5e3'", [({}, "1.5e3")]),
    ],
)
def test_numbers_are_picked(value: str, samples: list[tuple[Any, str]]) -> None:
    assert ask(value) == samples


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("status", "a text stands where a number should"),
        ("[status]", "a text stands"),
        ("[queues]", "a dictionary stands"),
        ("[free]", "a list stands"),
        ("sum(status)", "the value cannot be picked"),
        ("abs(status)", "the value cannot be picked"),
    ],
)
def test_what_is_no_number_is_no_answer_and_not_shown(value: str, words: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        ask(value, {**HEALTH, "status": "s3cret"})
    assert words in caught.value.message


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1_000", "0x10", "\N{ARABIC-INDIC DIGIT THREE}", ""]
)
def test_text_that_only_python_takes_for_a_number_is_none(text: str) -> None:
    with pytest.raises(NoAnswer, match="a text stands"):
        ask("status", {"status": text})


def test_numbers_that_json_does_not_know_are_not_healthy() -> None:
    assert ask("a", {"a": float("nan")}) == [({}, "NaN")]
    assert ask("a", {"a": float("inf")}) == [({}, "inf")]
    with pytest.raises(NoAnswer, match="beyond all bounds"):
        ask("a", {"a": 10**400})


def test_other_status_is_an_error_unless_it_is_expected() -> None:
    with pytest.raises(NoAnswer, match=r"answered 503\. Add it to status_code"):
        ask("status == 'DOWN'", {"status": "DOWN"}, 503)
    assert ask("status == 'DOWN'", {"status": "DOWN"}, 503, 200, 503) == [({}, "1")]


@pytest.mark.parametrize("text", ["", "a b", "a[", "nofunction(", "'"])
def test_what_is_no_expression_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"signal x\.json\.value: .* is no JMESPath") as caught:
        Expression("signal x.json.value", text)
    assert "\n" not in caught.value.message
