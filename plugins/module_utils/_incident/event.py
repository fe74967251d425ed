# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events: what happened in an incident, one line of JSON each, never changed once written.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import secrets
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident import signal, text
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import (
    NOW,
    normal,
    now,
    parsed,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

# Types that mean something to the collection itself.
ALERT, DECISION, ACTION, MITIGATION, RECOVERY = (
    *("alert", "decision", "action", "mitigation", "recovery"),
)
OPENED, UPDATED, MILESTONE, CLOSED = "opened", "updated", "milestone", "closed"
SIGNAL, TASK, EVIDENCE = "signal", "task", "evidence"
# What makes room for others first, and what never does.
LEAST_TELLING = (TASK,)
MOST_TELLING = (
    *(OPENED, CLOSED, MILESTONE, ALERT, DECISION, ACTION, MITIGATION, RECOVERY, SIGNAL),
)

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EVENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
_LINK = re.compile(r"https?://[^\s<>\"'`\\]{1,2000}")
FIELDS = ("id", "time", "recorded", "source", "type", "actor", "text", "data", "link", "evidence")
WORDS = ("id", "time", "recorded", "source", "type", "actor", "text", "link")


@dataclasses.dataclass(frozen=True)
class Event:
    """One event. ``time`` is when it happened, ``recorded`` when it was written down.

    ``source`` is what tells of it, ``actor`` who did it, as a role. ``data`` is plain data,
    ``link`` a URL or "", ``evidence`` the names of files of evidence.
    """

    id: str
    time: str
    recorded: str
    source: str
    type: str
    actor: str
    text: str
    data: t.Any = dataclasses.field(default_factory=dict)
    link: str = ""
    evidence: tuple[str, ...] = ()

    def as_result(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "evidence": list(self.evidence)}

    def to_line(self) -> bytes:
        """The event as a line of ``events.jsonl``."""
        return json.dumps(self.as_result(), ensure_ascii=False).encode() + b"\n"


def new_event(
    *,
    type: str,  # noqa: A002 - that is what the record calls it
    text: str,
    source: str = "ansible",
    actor: str = "automation",
    time: str = NOW,
    data: t.Any = None,
    link: str = "",
    event_id: str = "",
    evidence: tuple[str, ...] = (),
) -> Event:
    """An event as it will be recorded: redacted, bounded, of plain characters.

    Raises InvalidInput for what cannot be one.
    """
    if not _TYPE.fullmatch(type):
        raise InvalidInput("type", f"is {type[:40]!r}", "Use a word of lower-case letters")
    if event_id and not _EVENT_ID.fullmatch(event_id):
        raise InvalidInput(
            "event_id", f"is {event_id[:80]!r}", "Use letters, digits, '.', '_', ':' and '-'"
        )
    if link and not _LINK.fullmatch(link):
        raise InvalidInput("link", f"is {link[:80]!r}", "Use an address with http or https")
    fitting = signal.compact(data) if type == SIGNAL else data
    return _cleaned(
        id=event_id or secrets.token_hex(8),
        time=normal("time", time),
        recorded=now(),
        source=source,
        type=type,
        actor=actor,
        text=text,
        data=fitting or {},
        link=link,
        evidence=evidence,
    )


def _cleaned(**told: t.Any) -> Event:
    cleaned = {
        **told,
        "source": text.line(told["source"]) or "unknown",
        "actor": text.line(told["actor"]) or "unknown",
        "text": text.prose(told["text"]),
        "data": text.data(told["data"]),
        "link": text.line(told["link"], 2000),
    }
    return Event(**cleaned)


def parse_lines(content: bytes) -> tuple[list[Event], int]:
    """The events in the lines, in the order of writing, and how many lines cannot be read.

    A last line without its end is being written, or was when its writer died: it is no event.
    """
    whole, _end, _half = content.rpartition(b"\n")
    lines = whole.split(b"\n") if whole else []
    found = [event for entry in lines if (event := _from_line(entry))]
    return found, len(lines) - len(found)


def _from_line(entry: bytes) -> Event | None:
    """The event in a line; None where it is none, since people may edit the file."""
    try:
        told = json.loads(entry)
        words = {name: told[name] for name in WORDS}
        names = tuple(str(name) for name in told["evidence"])
        data = told["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not all(isinstance(word, str) for word in words.values()) or not parsed(told["time"]):
        return None
    return Event(**words, data=data, evidence=names)


def in_order(events: list[Event]) -> list[Event]:
    """The events by when they happened; those of one moment as they were written."""
    earliest = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
    return sorted(events, key=lambda event: parsed(event.time) or earliest)


def only(events: list[Event], types: t.Collection[str], limit: int) -> list[Event]:
    """The last ``limit`` of those events that are of one of the types; of any, where none is."""
    chosen = [event for event in events if not types or event.type in types]
    return chosen[-limit:] if limit else []


def milestone_event(name: str, at: str, actor: str, before: str | None) -> Event:
    """That a milestone was passed, or is said now to have been passed at another time."""
    words = f"{name}" if before is None else f"{name} at {at}, not at {before}"
    told: Mapping[str, t.Any] = {"milestone": name, "time": at, "before": before}
    return new_event(type=MILESTONE, text=words, source="incident", actor=actor, time=at, data=told)
