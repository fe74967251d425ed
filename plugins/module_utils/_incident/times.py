# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time as the record writes them: RFC 3339 in UTC, to a millisecond.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

NOW = "now"
# RFC 3339, section 5.6, with the space that YAML puts between date and time, and any precision.
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,12}))?"
    r"(?:[Zz]| ?([+-]\d{2}:\d{2}))?"
)
EARLIEST_YEAR = 1971


def now() -> str:
    """The time as the record writes it."""
    return told(datetime.datetime.now(datetime.timezone.utc))


def told(moment: datetime.datetime) -> str:
    """A point in time as the record writes it, such as ``2026-11-25T03:14:07.251Z``."""
    text = moment.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def normal(name: str, text: str) -> str:
    """A time that somebody gave, as the record writes it; ``now`` is the present.

    Without an offset it is taken for UTC. Raises InvalidInput, which names it ``name``.
    """
    if text == NOW:
        return now()
    moment = parsed(text)
    if moment is None or moment.year < EARLIEST_YEAR:
        raise InvalidInput(
            name, f"{text[:40]!r} is not a time", "Write it like 2026-11-25T03:14:07Z"
        )
    return told(moment)


def parsed(text: t.Any) -> datetime.datetime | None:
    """The point in time that a text means; None where it means none."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    date, clock, fraction, offset = found.groups()
    digits = (fraction or "")[:6].ljust(6, "0")
    try:
        moment = datetime.datetime.fromisoformat(f"{date}T{clock}.{digits}{offset or '+00:00'}")
        return moment.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return None


def seconds_between(start: t.Any, end: t.Any) -> float | None:
    """How long it is from one time to another; None where one is missing or they are reversed."""
    first, last = parsed(start), parsed(end)
    if first is None or last is None or last < first:
        return None
    return round((last - first).total_seconds(), 3)
