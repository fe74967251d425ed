# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.duration import seconds_in


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("10s", 10), ("1h30m", 5400), ("1d", 86400), ("90", 90), (90, 90), ("0", 0)],
)
def test_duration_is_read(text: Any, seconds: int) -> None:
    assert seconds_in("watch_for", text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "5 m",
        "5m ",
        "m",
        "1.5m",
        "soon",
        "\N{ARABIC-INDIC DIGIT FIVE}m",
        "5m\n",
        "1w",
        "9" * 30,
        None,
        True,
    ],
)
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(InvalidInput, match=r"watch_for: is .*, which is no duration"):
        seconds_in("watch_for", text)


@pytest.mark.parametrize("text", ["0", "400d"])
def test_too_short_and_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"interval: is {text}. Use from 1 to"):
        seconds_in("interval", text, least=1)
