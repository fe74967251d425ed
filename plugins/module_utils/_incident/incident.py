# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an incident as a whole: who it is about, how bad, and its milestones.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import (
    parsed,
    seconds_between,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
OPEN, CLOSED = "open", "closed"
# In the order in which an incident passes them.
MILESTONES = ("started", "detected", "acknowledged", "mitigated", "resolved")
# What the milestone says is counted from the first one, as the field does.
DURATIONS = {
    "time_to_detect": "detected",
    "time_to_acknowledge": "acknowledged",
    "time_to_mitigate": "mitigated",
    "time_to_recover": "resolved",
}
MOST_WORKLOADS = 500
# Names of folders are made of them, and they come from alerts.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,499}")


@dataclasses.dataclass(frozen=True)
class Incident:
    """One incident. Times are texts as in RFC 3339; a milestone that is not known is missing.

    ``key`` is that of the group of alerts that it was opened by, "" for none. ``workloads`` are
    mappings of kind, namespace and name. ``dropped`` says how many events and files of evidence
    had to make room for others.
    """

    id: str
    title: str = ""
    key: str = ""
    severity: str = ""
    summary: str = ""
    status: str = OPEN
    workloads: tuple[Mapping[str, str], ...] = ()
    milestones: Mapping[str, str] = dataclasses.field(default_factory=dict)
    opened: str = ""
    updated: str = ""
    closed: str = ""
    dropped: Mapping[str, int] = dataclasses.field(
        default_factory=lambda: {"events": 0, "evidence": 0}
    )

    @property
    def is_closed(self) -> bool:
        return self.status == CLOSED

    @property
    def durations(self) -> dict[str, float | None]:
        """Seconds from the start to each milestone; None where one is missing or lies before."""
        started = self.milestones.get("started")
        return {
            name: seconds_between(started, self.milestones.get(milestone))
            for name, milestone in DURATIONS.items()
        }

    @property
    def warnings(self) -> list[str]:
        """What of the milestones cannot be."""
        started = self.milestones.get("started")
        return [
            f"incident {self.id}: it was {milestone} ({at}) before it started ({started}), "
            "so that time is not counted"
            for milestone, at in self.milestones.items()
            if started and milestone != "started" and seconds_between(started, at) is None
        ]

    def as_result(self) -> dict[str, t.Any]:
        """What modules return of it."""
        return {
            **dataclasses.asdict(self),
            "workloads": [dict(workload) for workload in self.workloads],
            "milestones": {name: self.milestones.get(name) for name in MILESTONES},
            "durations": self.durations,
            "dropped": dict(self.dropped),
            "closed": self.closed or None,
            "key": self.key or None,
        }

    def to_json(self) -> str:
        """The text of ``incident.json``."""
        told = {
            "schema": SCHEMA,
            **dataclasses.asdict(self),
            "workloads": [dict(workload) for workload in self.workloads],
        }
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def from_json(subject: str, text: str) -> Incident:
    """The incident that a text of ``to_json`` tells of.

    Raises RecoveryError, which names it ``subject``, where it cannot be read: people may edit it.
    """
    try:
        told = json.loads(text)
        if told["schema"] != SCHEMA:
            raise ValueError("it is of another version of the collection")
        words = {
            field.name: _word(told, field.name)
            for field in dataclasses.fields(Incident)
            if field.name not in ("workloads", "milestones", "dropped")
        }
        require_id(words["id"])
        if words["status"] not in (OPEN, CLOSED):
            raise ValueError("its status is neither open nor closed")
        return Incident(
            **words,
            workloads=tuple(
                {name: _word(workload, name) for name in ("kind", "namespace", "name")}
                for workload in told["workloads"]
            ),
            milestones=_milestones(told["milestones"]),
            dropped={name: int(told["dropped"][name]) for name in ("events", "evidence")},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidInput) as error:
        raise RecoveryError(
            subject,
            f"cannot be read ({' '.join(str(error).split())[:200]})",
            "See what it says and correct it by hand",
        ) from error


def _word(told: Mapping[str, t.Any], name: str) -> str:
    value = told[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _milestones(told: Mapping[str, t.Any]) -> dict[str, str]:
    known = {name: told[name] for name in MILESTONES if name in told}
    for name, at in known.items():
        if parsed(at) is None:
            raise ValueError(f"{name} is not a time")
    return known


def require_id(text: str) -> str:
    """Return the id of an incident if it is one; raise InvalidInput if not."""
    if not _ID.fullmatch(text):
        raise InvalidInput(
            f"incident {text[:80]!r}",
            "is not an id of an incident",
            "Use letters, digits, '.', '_' and '-', beginning with a letter or digit",
        )
    return text


def id_of_key(key: str, number: int) -> str:
    """The id of the so-manieth incident of a group of alerts.

    All who open the same group's incident at once come to the same id, so that one of them makes
    it, and the others find it.
    """
    return f"{prefix_of_key(key)}{number}"


def prefix_of_key(key: str) -> str:
    """What the ids of all incidents of a group of alerts begin with."""
    return f"alert-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:12]}-"


def number_of(identity: str, key: str) -> int:
    """Which one of the group's incidents it is; 0 for another id."""
    number = identity.removeprefix(prefix_of_key(key))
    return int(number) if number.isdecimal() and len(number) < 10 else 0
