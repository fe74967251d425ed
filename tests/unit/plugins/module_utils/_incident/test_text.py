# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others wrote does no harm in the record, and tells no secret."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._incident import text
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07", "red "),
        ("one\r\ntwo\rthree", "one\ntwo\ufffdthree"),
        ("a\x00b\x08c\x7fd\x9be", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("user\u202etxt.exe", "user\ufffdtxt.exe"),
        ("\u2066hidden\u2069", "\ufffdhidden\ufffd"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("next\u2028line", "next\ufffdline"),
        ("Größe 12 µs ✓ שלום", "Größe 12 µs ✓ שלום"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
    ids=[
        *("terminal", "ends of lines", "control", "turned", "isolated", "surrogate", "separator"),
        *("other scripts", "layout"),
    ],
)
def test_text_keeps_only_what_is_there_to_be_read(written: str, kept: str) -> None:
    assert text.plain(written) == kept


def test_line_has_no_second_line_and_a_bound() -> None:
    assert text.line("one\n## two\n\n  three ") == "one ## two three"
    assert text.line("x" * 500, 10) == "xxxxxxxxxx… (490 characters left out)"


def test_secret_at_the_edge_of_the_bound_is_not_cut_in_two() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
    told = text.prose("x" * 70 + " " + token, 90)
    assert "eyJ" not in told
    assert MASK in told


@pytest.mark.parametrize(
    "value",
    [
        {"a": "x" * 10_000_000},
        {"a": ["y" * 1000] * 5000},
        {str(number): {"b": "z" * 3000} for number in range(5000)},
        {"a": 10**6000, "b": -(10**400)},
        {"a": float("nan"), "b": float("inf"), "c": {1, 2}, 4: b"bytes"},
        {"\ud800": "\ud800", "k" * 5000: 1},
    ],
    ids=["long text", "long list", "many keys", "huge numbers", "odd values", "odd keys"],
)
def test_data_of_any_kind_becomes_bounded_json(value: t.Any) -> None:
    encoded = json.dumps(text.data(value), allow_nan=False).encode()
    assert len(encoded) <= 2 * text.MOST_BYTES_OF_DATA
    assert json.loads(encoded)


def test_data_nested_without_end_is_cut_and_not_followed() -> None:
    nested: dict[str, t.Any] = {}
    for _level in range(5000):
        nested = {"deeper": nested}
    assert "left out" in json.dumps(text.data(nested))


def test_data_says_how_much_of_a_list_is_not_there() -> None:
    kept = text.data({"pods": list(range(1005))})["pods"]
    assert kept[999:] == [999, "… (5 elements left out)"]


def test_data_is_redacted_by_name_and_by_content() -> None:
    told = text.data({"token": "abc", "log": "login password=hunter2", "n": 3})
    assert told == {"token": MASK, "log": f"login password={MASK}", "n": 3}
