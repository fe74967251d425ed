# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening, completing and closing an incident: what a request makes of what is known.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident import text
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    CLOSED as CLOSED_EVENT,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    OPENED,
    UPDATED,
    Event,
    milestone_event,
    new_event,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
    CLOSED,
    MILESTONES,
    MOST_WORKLOADS,
    Incident,
    id_of_key,
    number_of,
    prefix_of_key,
    require_id,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    Change,
    UnknownIncident,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import (
    NOW,
    normal,
    now,
    parsed,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
        Record,
        Store,
    )

MOST_ATTEMPTS = 20
LONGEST_TITLE = 200
LONGEST_SEVERITY = 40
# The milestone that goes with a state, where nobody says when it was.
IMPLIED = {"opened": "detected", "closed": "resolved"}


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked. Empty is not asked for; milestones are times, or ``now`` where not yet set."""

    state: str
    id: str = ""
    key: str = ""
    title: str = ""
    severity: str = ""
    summary: str = ""
    workloads: Sequence[Mapping[str, str]] = ()
    milestones: Mapping[str, str] = dataclasses.field(default_factory=dict)
    actor: str = "automation"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The incident before (None: there was none) and after."""

    before: Incident | None
    incident: Incident
    where: Mapping[str, t.Any]
    warnings: Sequence[str] = ()

    @property
    def is_changed(self) -> bool:
        return self.before != self.incident

    def as_result(self, *, with_diff: bool = False) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": self.is_changed,
            "created": self.before is None,
            "incident": {**self.incident.as_result(), **self.where},
        }
        if with_diff and self.is_changed:
            before = self.before.as_result() if self.before else {}
            result["diff"] = {"before": before, "after": self.incident.as_result()}
        return result


def request_from(options: Mapping[str, t.Any]) -> Request:
    """The request in a module's options; raises InvalidInput for what cannot be."""
    milestones = {
        name: at if at == NOW else normal(f"milestones.{name}", at)
        for name, at in (options["milestones"] or {}).items()
        if at
    }
    key = text.plain(options["key"] or "")[:2000]
    if options["key"] is not None and not key.strip():
        raise InvalidInput("key", "is empty", "Give the group key of the alert, or an id")
    return Request(
        state=options["state"],
        id=require_id(options["id"]) if options["id"] is not None else "",
        key=key,
        title=text.line(options["title"] or "", LONGEST_TITLE),
        severity=text.line(options["severity"] or "", LONGEST_SEVERITY),
        summary=text.prose(options["summary"] or ""),
        workloads=[
            {name: text.line(workload[name] or "") for name in ("kind", "namespace", "name")}
            for workload in (options["workloads"] or [])[:MOST_WORKLOADS]
        ],
        milestones=milestones,
        actor=options["actor"],
    )


def carry_out(store: Store, request: Request) -> Outcome:
    """Open, complete or close the incident. Raises RecoveryError."""
    for _attempt in range(MOST_ATTEMPTS):
        identity = request.id or _id_for(store, request)
        known = store.read(identity)
        if known is None and request.state != "opened":
            raise UnknownIncident(identity or "of that key", _place(store, identity))
        if known is None:
            fresh = _opened(request, identity)
            if store.create(fresh, _told_of(fresh, request)):
                return Outcome(None, fresh, store.where(identity), fresh.warnings)
            # Somebody else opened it at the same time, so it is there now.
            continue
        written = store.update(identity, lambda record: _decide(record, request))
        warnings = [*written.warnings, *written.incident.warnings]
        return Outcome(written.before, written.incident, store.where(identity), warnings)
    raise RecoveryError(
        f"incident of {request.key[:80]!r}",
        f"others opened and closed it at each of {MOST_ATTEMPTS} attempts",
        "Find out who does, then run again",
    )


def _id_for(store: Store, request: Request) -> str:
    """The open incident of the group of alerts, else the id of its next one."""
    found, _trouble = store.incidents(prefix_of_key(request.key))
    of_key = sorted(
        (incident for incident in found if number_of(incident.id, request.key)),
        key=lambda incident: number_of(incident.id, request.key),
    )
    if not of_key:
        return id_of_key(request.key, 1)
    last = of_key[-1]
    if last.is_closed and request.state == "opened":
        return id_of_key(request.key, number_of(last.id, request.key) + 1)
    return last.id


def _place(store: Store, identity: str) -> str:
    where = store.where(identity)
    return str(where["path"] or f"ConfigMap {where['namespace']}/{where['configmap']}")


def _opened(request: Request, identity: str) -> Incident:
    at = now()
    milestones = {name: at if time == NOW else time for name, time in request.milestones.items()}
    return Incident(
        id=identity,
        key=request.key,
        title=request.title,
        severity=request.severity,
        summary=request.summary,
        workloads=tuple(request.workloads),
        milestones=_sorted({IMPLIED["opened"]: at, **milestones}),
        opened=at,
        updated=at,
    )


def _told_of(incident: Incident, request: Request) -> list[Event]:
    """That it was opened, and the milestones that somebody gave."""
    severity = f" ({incident.severity})" if incident.severity else ""
    opened = new_event(
        type=OPENED,
        text=f"Incident opened{severity}: {incident.title or incident.id}",
        source="incident",
        actor=request.actor,
        time=incident.opened,
        data={"milestones": incident.milestones, "workloads": list(incident.workloads)},
    )
    given = [name for name in incident.milestones if name in request.milestones]
    milestones = [
        milestone_event(name, incident.milestones[name], request.actor, None) for name in given
    ]
    return [opened, *milestones]


def _decide(record: Record, request: Request) -> Change:
    before = record.incident
    # To open one that is over changes nothing: a message that comes twice opens nothing again.
    if before.is_closed and request.state == "opened":
        return Change()
    given: dict[str, t.Any] = {
        name: value
        for name in ("title", "severity", "summary")
        if (value := getattr(request, name)) and value != getattr(before, name)
    }
    added = [workload for workload in request.workloads if workload not in before.workloads]
    milestones = _milestones(before, request)
    closes = request.state == "closed" and not before.is_closed
    if not (given or added or milestones or closes):
        return Change()
    at = now()
    incident = dataclasses.replace(
        before,
        **given,
        workloads=(*before.workloads, *added)[:MOST_WORKLOADS],
        milestones=_sorted({**before.milestones, **milestones}),
        updated=at,
        status=CLOSED if closes else before.status,
        closed=at if closes else before.closed,
    )
    return Change(incident, list(_events(before, request, given, added, milestones, closes)))


def _milestones(before: Incident, request: Request) -> dict[str, str]:
    """The milestones that are set, or set to another time."""
    asked = dict(request.milestones)
    if request.state in IMPLIED:
        asked.setdefault(IMPLIED[request.state], NOW)
    at = now()
    known = before.milestones
    return {
        name: at if time == NOW else time
        for name, time in asked.items()
        if (name not in known if time == NOW else parsed(known.get(name)) != parsed(time))
    }


def _events(
    before: Incident,
    request: Request,
    given: Mapping[str, str],
    added: Sequence[Mapping[str, str]],
    milestones: Mapping[str, str],
    closes: bool,
) -> t.Iterator[Event]:
    for name, at in milestones.items():
        yield milestone_event(name, at, request.actor, before.milestones.get(name))
    if given or added:
        names = [f"{w['kind']} {w['namespace']}/{w['name']}" for w in added]
        words = [f"{name} is now: {value}" for name, value in given.items()]
        yield new_event(
            type=UPDATED,
            text="; ".join([*words, *([f"also about {', '.join(names)}"] if names else [])]),
            source="incident",
            actor=request.actor,
        )
    if closes:
        yield new_event(
            type=CLOSED_EVENT, text="Incident closed", source="incident", actor=request.actor
        )


def _sorted(milestones: Mapping[str, str]) -> dict[str, str]:
    return {name: milestones[name] for name in MILESTONES if name in milestones}
