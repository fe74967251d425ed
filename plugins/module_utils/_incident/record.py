# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the record of an incident is, and what any place where it is kept has to be able to do.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    Event,
    parse_lines,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
        Incident,
    )

Item = t.TypeVar("Item")
_EVIDENCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# In characters.
LONGEST_EVIDENCE = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A file of evidence. ``path`` is "" where it is not a file on this machine."""

    name: str
    bytes: int
    path: str = ""

    def as_result(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "path": self.path or None}


@dataclasses.dataclass(frozen=True)
class Record:
    """An incident with its events, which are read when they are asked for."""

    incident: Incident
    read_lines: Callable[[], bytes] = lambda: b""
    evidence: Sequence[Evidence] = ()

    @functools.cached_property
    def _parsed(self) -> tuple[list[Event], int]:
        return parse_lines(self.read_lines())

    @property
    def events(self) -> list[Event]:
        """In the order in which they were written."""
        return self._parsed[0]

    @property
    def unreadable(self) -> int:
        """How many lines are no events, since somebody edited them."""
        return self._parsed[1]


@dataclasses.dataclass(frozen=True)
class Change:
    """What to write: the incident anew (None: as it is), more events, more evidence by name."""

    incident: Incident | None = None
    events: Sequence[Event] = ()
    evidence: Sequence[tuple[str, str]] = ()

    def __bool__(self) -> bool:
        return bool(self.incident or self.events or self.evidence)


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written: the incident before and after, and what a person has to know."""

    before: Incident
    incident: Incident
    events: Sequence[Event] = ()
    evidence: Sequence[Evidence] = ()
    warnings: Sequence[str] = ()


class Store(t.Protocol):
    """A place where records are kept. Every method raises RecoveryError for what goes wrong.

    A store that was made for a dry run says what it would do, and writes nothing.
    """

    def incidents(self, prefix: str = "") -> tuple[list[Incident], list[str]]:
        """All incidents whose id begins so, and a sentence for each that cannot be read."""

    def read(self, identity: str) -> Record | None:
        """The record of an incident; None where there is none."""

    def create(self, incident: Incident, events: Sequence[Event]) -> bool:
        """Begin a record. False where there is one already, which then is as it was."""

    def update(self, identity: str, decide: Callable[[Record], Change]) -> Written:
        """Write what ``decide`` says for the record as it is, all of it or nothing.

        It may be asked several times, where others write at the same time.
        """

    def evidence(self, identity: str, name: str) -> str:
        """The text of a file of evidence."""

    def where(self, identity: str) -> dict[str, t.Any]:
        """Where the record is kept: ``store``, ``path``, ``namespace`` and ``configmap``."""


class UnknownIncident(RecoveryError):
    """There is no record of the incident."""

    def __init__(self, identity: str, place: str) -> None:
        super().__init__(
            f"incident {identity}",
            f"there is no record of it in {place}",
            "Open it first (module incident, state opened), or name the store it is in",
        )


class NotRecorded(RecoveryError):
    """Events could not be written. They are in the result, so that they can be written again."""

    def __init__(self, subject: str, cause: str, next_step: str, events: Sequence[Event]) -> None:
        told = "; ".join(f"{event.type}: {event.text[:200]}" for event in events) or "the incident"
        super().__init__(
            subject,
            f"{cause}. Not recorded: {told}",
            next_step,
            not_recorded=[event.as_result() for event in events],
        )


def readable(
    read: Callable[[Item], Incident], items: Iterable[Item]
) -> tuple[list[Incident], list[str]]:
    """What could be read, and a sentence for each that could not."""
    found, trouble = [], []

    def take(item: Item) -> None:
        try:
            found.append(read(item))
        except RecoveryError as error:
            trouble.append(error.message)

    for item in items:
        take(item)
    return found, trouble


def is_evidence_name(name: str) -> bool:
    return bool(_EVIDENCE_NAME.fullmatch(name))


def require_evidence_name(name: str) -> str:
    """Return the name of a file of evidence if it is one; raise InvalidInput if not."""
    if not is_evidence_name(name):
        raise InvalidInput(
            f"evidence {name[:80]!r}",
            "is not a name for a file of evidence",
            "Use letters, digits, '.', '_' and '-', beginning with a letter or digit",
        )
    return name


def named_evidence(
    change: Change, taken: t.Collection[str]
) -> tuple[list[Event], list[tuple[str, str]]]:
    """The change's events and evidence, where evidence has names that are not taken yet."""
    names: dict[str, str] = {}
    files = []
    for name, text in change.evidence:
        names[name] = free_name(name, {*taken, *names.values()})
        files.append((names[name], text))
    events = [
        dataclasses.replace(event, evidence=tuple(names.get(n, n) for n in event.evidence))
        for event in change.events
    ]
    return events, files


def free_name(name: str, taken: t.Collection[str]) -> str:
    """The name, or with a number where it is taken: evidence is never written over."""
    if name not in taken:
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    number = 2
    while f"{stem}-{number}{ending}" in taken:
        number += 1
    return f"{stem}-{number}{ending}"
