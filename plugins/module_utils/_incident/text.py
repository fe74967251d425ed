# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others wrote, made fit for the record: bounded, without secrets, of plain characters.

Texts come from alerts, logs and results, so they may be of any size and try any trick.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._redact import (
    masked_text,
    masked_value,
)

LONGEST_TEXT = 8 * 1024
LONGEST_NAME = 200
MOST_BYTES_OF_DATA = 64 * 1024
# Tried one after the other until data fits: longest text, most elements, deepest level.
LIMITS = ((4096, 1000, 12), (1024, 200, 8), (256, 50, 6), (64, 20, 4))
LEFT_OUT = "… ({} left out)"

# What moves a terminal's cursor or colours it (ECMA-48), as logs are full of.
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-9;?:]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\-_])"
)
# Control characters but tab and line feed; what turns the direction of text round, with which a
# line can be made to read as another one (https://www.unicode.org/reports/tr9); line separators
# that end a line for some readers only; and halves of surrogate pairs.
_UNPLAIN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def plain(text: str) -> str:
    """The text without characters that do something else than to be read."""
    return _UNPLAIN.sub("\ufffd", _TERMINAL.sub("", text.replace("\r\n", "\n")))


def line(text: str, longest: int = LONGEST_NAME) -> str:
    """A text for one line: plain, redacted, bounded."""
    return " ".join(prose(text, longest).split())


def prose(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text of several lines: plain, redacted, bounded to so many characters."""
    return _shortened(text, longest).strip()


def bounded(text: str, longest: int, length: int = 0) -> str:
    """The text's beginning, and how much of its ``length`` is not there."""
    length = max(length, len(text))
    if length <= longest:
        return text
    return text[:longest] + LEFT_OUT.format(f"{length - longest} characters")


def data(value: t.Any) -> t.Any:
    """Plain data as it goes into the record: redacted, and at most 64 KiB of JSON.

    Of what is too large the beginning is kept, and said how much of it is not there.
    """
    for longest, most, deepest in LIMITS:
        fitting = _fitting(value, longest, most, deepest)
        if len(json.dumps(fitting, ensure_ascii=False).encode()) <= MOST_BYTES_OF_DATA:
            return masked_value("", fitting)
    return LEFT_OUT.format("all")


def _shortened(text: str, longest: int) -> str:
    # A little more is looked through, so that no secret is cut in two and not known for one.
    return bounded(masked_text(plain(text[: longest + 1000])), longest, len(text))


def _fitting(value: t.Any, longest: int, most: int, deepest: int) -> t.Any:
    if isinstance(value, str):
        return _shortened(value, longest)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 64 else f"a number of {value.bit_length()} bits"
    if isinstance(value, float):
        # JSON has no other numbers.
        return value if abs(value) < float("inf") else str(value)
    if not isinstance(value, dict | list | tuple):
        return _shortened(str(value), longest)
    if deepest == 0:
        return LEFT_OUT.format(f"{len(value)} elements")
    if isinstance(value, dict):
        kept: dict[str, t.Any] = {}
        for key, inner in list(value.items())[:most]:
            kept[line(str(key))] = _fitting(inner, longest, most, deepest - 1)
        if len(value) > most:
            kept["…"] = f"{len(value) - most} left out"
        return kept
    elements = [_fitting(inner, longest, most, deepest - 1) for inner in value[:most]]
    if len(value) > most:
        elements.append(LEFT_OUT.format(f"{len(value) - most} elements"))
    return elements
