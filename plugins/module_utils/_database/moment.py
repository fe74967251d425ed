# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments and how long ago they are.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import datetime
import re

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

SECONDS_OF_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"(?:\d{1,9}[smhd])+", re.ASCII)


def moment(option: str, text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time, None for ""; raises InvalidInput, which names it."""
    if not text:
        return None
    try:
        parsed = datetime.datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text.strip()))
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise InvalidInput(
            option,
            f"is {text!r}, which is no time with a time zone",
            "Write it as 2026-11-25T18:02:00Z or 2026-11-25T19:02:00+01:00",
        )
    return parsed.timestamp()


def iso(seconds: float) -> str:
    """The moment in UTC, as in 2026-11-25T18:02:00Z."""
    at = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(option: str, text: str) -> int | None:
    """The seconds of a duration such as 1h30m, None for ""; raises InvalidInput, which names it."""
    if not text:
        return None
    if not DURATION.fullmatch(text):
        raise InvalidInput(option, f"is {text!r}, which is no duration", "Write it as 30m or 24h")
    parts = re.findall(r"(\d+)([smhd])", text)
    return sum(int(number) * SECONDS_OF_UNIT[unit] for number, unit in parts)


def spoken(seconds: float) -> str:
    """How long that is, in its two largest units, as in 3h 20m."""
    left, parts = max(0, int(seconds)), []
    for unit, size in reversed(SECONDS_OF_UNIT.items()):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2]) or "0s"
