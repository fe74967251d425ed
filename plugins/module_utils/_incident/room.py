# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making room in a record that is bounded: what tells least goes first, and is counted.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    LEAST_TELLING,
    MOST_TELLING,
    Event,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
        Incident,
    )

# The API server refuses a ConfigMap whose content is over 1 MiB.
MOST_BYTES = 1024 * 1024 - 64 * 1024
# Hardly larger than the best, in a third of the time.
COMPRESSION = 6
# So much goes at once that there is room for some time.
SHARE_THAT_GOES = 0.2


@dataclasses.dataclass(frozen=True)
class Content:
    """All of a record. ``evidence`` are compressed files by name, in the order of writing."""

    incident: Incident
    events: Sequence[Event]
    evidence: Mapping[str, bytes]

    @functools.cached_property
    def packed_events(self) -> bytes:
        lines = b"".join(event.to_line() for event in self.events)
        return gzip.compress(lines, COMPRESSION, mtime=0)

    @property
    def size(self) -> int:
        files = sum(len(name) + len(packed) for name, packed in self.evidence.items())
        return len(self.incident.to_json().encode()) + len(self.packed_events) + files


def make_room(
    content: Content, new: Collection[str], most: int = MOST_BYTES
) -> tuple[Content, str]:
    """The content in ``most`` bytes, and a sentence that says what had to go; "" for nothing.

    First go the oldest tasks, then the oldest evidence, then the oldest of other events, but not
    those that the postmortem lives on, nor the events with the ids ``new``. Raises RecoveryError
    where that is not enough.
    """
    events = len(content.events)
    files = len(content.evidence)
    for smaller in _smaller_and_smaller(content, new):
        content = smaller
        if content.size <= most:
            break
    else:
        raise RecoveryError(
            f"incident {content.incident.id}",
            f"its record is full: {content.size} bytes, and {most} is all it can hold",
            "Keep it in a folder (store: folder), or open another incident",
        )
    gone = {"events": events - len(content.events), "evidence": files - len(content.evidence)}
    if not any(gone.values()):
        return content, ""
    before = content.incident.dropped
    counted = {name: before[name] + number for name, number in gone.items()}
    incident = dataclasses.replace(content.incident, dropped=counted)
    told = f"{gone['events']} events and {gone['evidence']} files of evidence"
    return dataclasses.replace(content, incident=incident), f"to make room, {told} are dropped"


def _smaller_and_smaller(content: Content, new: Collection[str]) -> Iterator[Content]:
    """The content as it is, and then again and again with something less in it."""
    yield content

    def is_task(event: Event) -> bool:
        return event.type in LEAST_TELLING and event.id not in new

    def is_other(event: Event) -> bool:
        return event.type not in MOST_TELLING and event.id not in new

    for smaller in _without_events(content, is_task):
        content = smaller
        yield content
    for oldest in list(content.evidence):
        rest = {name: file for name, file in content.evidence.items() if name != oldest}
        content = dataclasses.replace(content, evidence=rest)
        yield content
    yield from _without_events(content, is_other)


def _without_events(content: Content, may_go: Callable[[Event], bool]) -> Iterator[Content]:
    while True:
        going = [event for event in content.events if may_go(event)]
        if not going:
            return
        gone = {id(event) for event in going[: max(1, int(len(going) * SHARE_THAT_GOES))]}
        rest = [event for event in content.events if id(event) not in gone]
        content = dataclasses.replace(content, events=rest)
        yield content
