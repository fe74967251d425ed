# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as people write them.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

SECONDS_OF_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_SECONDS = 365 * 86400

_DURATION = re.compile(r"(\d{1,9}[smhd])+|\d{1,9}", re.ASCII)
_PART = re.compile(r"(\d+)([smhd]?)", re.ASCII)


def seconds_in(option: str, value: t.Any, least: int = 0) -> int:
    """The seconds of a duration such as ``5m``, ``1h30m``, ``90`` or 90.

    Raises InvalidInput, which names the option, for anything else, for less than ``least`` and for
    more than a year.
    """
    text = str(value)
    if not _DURATION.fullmatch(text):
        raise InvalidInput(option, f"is {text!r}, which is no duration", "Write it as 30s or 5m")
    seconds = sum(
        int(number) * SECONDS_OF_UNIT[unit or "s"] for number, unit in _PART.findall(text)
    )
    if not least <= seconds <= LONGEST_SECONDS:
        raise InvalidInput(option, f"is {text}", f"Use from {least} to {LONGEST_SECONDS} seconds")
    return seconds
