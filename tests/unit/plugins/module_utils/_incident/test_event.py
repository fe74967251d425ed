# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events as lines: what is one, what is none, and what can be none."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    in_order,
    new_event,
    only,
    parse_lines,
)


def test_line_that_was_written_is_read_as_the_same_event() -> None:
    event = new_event(type="note", text="one\ntwo", data={"a": [1]}, evidence=("a.txt",))
    assert event.to_line().count(b"\n") == 1
    assert parse_lines(event.to_line()) == ([event], 0)


def test_no_beginning_of_a_line_is_an_event() -> None:
    line = new_event(type="note", text="Grüße", data={"a": {"b": 1}}).to_line()
    assert all(parse_lines(line[:length]) == ([], 0) for length in range(len(line)))


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"null", b"[]", b'{"time": "x"}', b"\xff\xfe", b"[" * 100_000, b"{}"],
    ids=["text", "null", "list", "half", "bytes", "brackets", "empty"],
)
def test_line_that_somebody_edited_is_counted_and_the_others_are_read(line: bytes) -> None:
    event = new_event(type="note", text="one")
    assert parse_lines(event.to_line() + line + b"\n" + event.to_line()) == ([event, event], 1)


@pytest.mark.parametrize("name", ["time", "text", "type"])
def test_line_whose_words_are_no_words_is_no_event(name: str) -> None:
    told = json.loads(new_event(type="note", text="one").to_line())
    assert parse_lines(json.dumps({**told, name: ["x"]}).encode() + b"\n") == ([], 1)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"type": "Note!"}, "type"),
        ({"type": ""}, "type"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "https://a b"}, "link"),
        ({"link": 'https://a"onclick="b'}, "link"),
        ({"event_id": "../x"}, "event_id"),
        ({"time": "soon"}, "time"),
    ],
)
def test_what_cannot_be_an_event_is_refused_and_named(given: dict[str, t.Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{named}: "):
        new_event(**{"type": "note", "text": "one", **given})


def test_events_are_in_the_order_in_which_they_happened() -> None:
    late = new_event(type="note", text="late", time="2026-11-25T03:10:00Z")
    early = new_event(type="alert", text="early", time="2026-11-25T04:09:00+01:00")
    same = new_event(type="note", text="same", time="2026-11-25T03:10:00Z")
    assert [event.text for event in in_order([late, early, same])] == ["early", "late", "same"]
    assert only([late, early, same], ["note"], 1) == [same]
    assert only([late, early, same], [], 0) == []


def test_signal_is_kept_as_a_curve_however_much_signal_info_tells() -> None:
    history = [
        {
            "time": f"2026-11-25T03:{n // 60:02}:{n % 60:02}Z",
            "value": float(n == 999),
            "reason": "x",
        }
        for n in range(1000)
    ]
    element = {"name": "errors", "threshold": 0.05, "history": history, "values": [{"labels": {}}]}
    event = new_event(type="signal", text="errors", data=element)
    assert event.data["threshold"] == 0.05
    assert len(event.data["history"]) <= 500
    assert max(point["value"] for point in event.data["history"]) == 1.0
    assert "values" not in event.data
