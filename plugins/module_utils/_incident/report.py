# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a record says, in the order of a postmortem: facts, rows and marks, all plain text.

Blameless: people are roles, unless names are asked for. Nothing is concluded that is not recorded.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident import event as events_of
from ansible_collections.oncall.recovery.plugins.module_utils._incident import text
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    Event,
    in_order,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.names import Names
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    is_evidence_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.signal import (
    Curve,
    curves,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import (
    parsed,
    seconds_between,
)

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
        Incident,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import Record

MOST_ROWS = 500
MOST_TASKS = 1000
MOST_CHARTS = 4
MOST_MARKS = 12
LONGEST_ROW = 500
MARKED = (events_of.ALERT, events_of.DECISION, events_of.ACTION, events_of.MITIGATION)
NOT_FOR_TIMELINE = (events_of.SIGNAL, events_of.UPDATED)
_SAFE_LINK = re.compile(r"https?://[^\s<>\"'`\\|()]{1,2000}")


@dataclasses.dataclass(frozen=True)
class Row:
    """An event in the timeline. ``clock`` is its time as people read it, in UTC."""

    clock: str
    type: str
    text: str
    actor: str
    source: str
    link: str = ""
    evidence: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Mark:
    """A moment that a chart shows: ``kind`` is alert, decision, action or recovery."""

    kind: str
    at: datetime.datetime
    clock: str
    text: str


@dataclasses.dataclass(frozen=True)
class Report:
    """All facts of a postmortem. ``facts`` are sentences by the name of the part."""

    title: str
    incident: Incident
    times: Sequence[tuple[str, str, str]]
    facts: Mapping[str, Sequence[str]]
    rows: Sequence[Row]
    tasks: Sequence[Row]
    mitigations: Sequence[Mapping[str, str]]
    curves: Sequence[Curve]
    marks: Sequence[Mark]


def report_of(record: Record, *, title: str = "", show_names: bool = False) -> Report:
    """The facts in a record."""
    incident = record.incident
    events = in_order(record.events)
    things = {word for workload in incident.workloads for word in workload.values()}
    names = Names(events, shown=show_names, things=things)
    signals = curves(e.data for e in events if e.type == events_of.SIGNAL and _is_dict(e.data))
    told = [e for e in events if e.type not in NOT_FOR_TIMELINE and not _is_quiet_task(e)]
    tasks = [e for e in events if e.type == events_of.TASK]
    facts = {
        "incident_time": incident.warnings,
        "impact": [*_impact(incident, names), *map(_curve_in_words, signals[:MOST_CHARTS])],
        "root_cause": _decision(events, names),
        "resolution": _told_by(events, names, (events_of.ACTION, events_of.RECOVERY)),
        "detection": _told_by(events, names, (events_of.ALERT,)),
        "timeline": _gaps(record, len(told), len(tasks)),
        "went_badly": _failures(tasks),
    }
    return Report(
        title=title or names.without(incident.title) or f"Incident {incident.id}",
        incident=incident,
        times=_times(incident),
        facts=facts,
        rows=[_row(event, names) for event in told[-MOST_ROWS:]],
        tasks=[_row(event, names) for event in tasks[-MOST_TASKS:]],
        mitigations=_mitigations(events),
        curves=signals[:MOST_CHARTS],
        marks=_marks(incident, events, names),
    )


def clock(at: str) -> str:
    """A time as people read it, in UTC."""
    moment = parsed(at)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "?"


def in_words(seconds: float | None) -> str:
    """A duration as people say it."""
    if seconds is None:
        return "unknown"
    left = round(seconds)
    days, left = divmod(left, 86400)
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    told = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(told[:2]) or "0 s"


def _is_dict(data: t.Any) -> bool:
    return isinstance(data, dict)


def _status_of(event: Event) -> str:
    return str(event.data.get("status", "")) if isinstance(event.data, dict) else ""


def _is_quiet_task(event: Event) -> bool:
    """A task that did not fail; people find it in the list of all tasks."""
    return event.type == events_of.TASK and _status_of(event) not in ("failed", "unreachable")


def _row(event: Event, names: Names) -> Row:
    return Row(
        clock=clock(event.time),
        type=event.type,
        text=text.bounded(names.without(" ".join(event.text.split())), LONGEST_ROW),
        actor=names.role_of(event.actor),
        source=names.without(event.source),
        link=event.link if _SAFE_LINK.fullmatch(event.link) else "",
        evidence=[name for name in event.evidence if is_evidence_name(name)],
    )


def _times(incident: Incident) -> list[tuple[str, str, str]]:
    """Name, time and how long after the start, for each milestone."""
    started = incident.milestones.get("started")
    rows = []
    for name, at in incident.as_result()["milestones"].items():
        after = "" if name == "started" else in_words(seconds_between(started, at))
        rows.append((name.capitalize(), clock(at) if at else "unknown", after))
    return rows


def _impact(incident: Incident, names: Names) -> list[str]:
    facts = [names.without(incident.summary)] if incident.summary else []
    if incident.severity:
        facts.append(f"Severity: {incident.severity}")
    if incident.workloads:
        about = [f"{w['kind']} {w['namespace']}/{w['name']}" for w in incident.workloads]
        more = f" and {len(about) - 10} more" if len(about) > 10 else ""
        facts.append(f"Affected: {', '.join(about[:10])}{more}")
    served = incident.durations["time_to_mitigate"]
    if served is not None:
        facts.append(f"Users were not served as usual for {in_words(served)}")
    return facts


def _curve_in_words(curve: Curve) -> str:
    bound = f"; not to be {curve.comparison} {curve.threshold:g}" if curve.is_bounded else ""
    beyond = f"; beyond that for about {in_words(curve.seconds_beyond)}" if bound else ""
    at, worst = curve.worst
    return f"{curve.name}: {worst:.4g} at worst, at {at:%H:%M:%S}{bound}{beyond}"


def _decision(events: Sequence[Event], names: Names) -> list[str]:
    """The last decision and what it was based on: evidence for people, not the cause itself."""
    decisions = [event for event in events if event.type == events_of.DECISION]
    if not decisions:
        return []
    last = decisions[-1]
    data = last.data if isinstance(last.data, dict) else {}
    facts = [f"Decided at {clock(last.time)}: {names.without(last.text)}"]
    facts += [
        f"{name.capitalize()}: {names.without(data[name])}"
        for name in ("action", "cause", "confidence")
        if isinstance(data.get(name), str)
    ]
    for name, words in (("reasons", "Because"), ("blockers", "In the way")):
        told = data.get(name)
        for reason in told[:10] if isinstance(told, list) else ():
            said = reason.get("detail", reason) if isinstance(reason, dict) else reason
            facts.append(f"{words}: {names.without(str(said))}")
    return facts


def _told_by(events: Sequence[Event], names: Names, types: Sequence[str]) -> list[str]:
    told = [event for event in events if event.type in types]
    return [f"{clock(event.time)}: {names.without(event.text)}" for event in told[:20]]


def _gaps(record: Record, rows: int, tasks: int) -> list[str]:
    """What the timeline does not show."""
    facts = []
    dropped = record.incident.dropped
    if any(dropped.values()):
        facts.append(
            f"{dropped['events']} events and {dropped['evidence']} files of evidence had to make "
            "room and are lost"
        )
    if record.unreadable:
        facts.append(f"{record.unreadable} lines of the record cannot be read")
    if rows > MOST_ROWS:
        facts.append(f"{rows - MOST_ROWS} earlier events are not shown")
    if tasks > MOST_TASKS:
        facts.append(f"{tasks - MOST_TASKS} earlier tasks are not shown")
    return facts


def _failures(tasks: Sequence[Event]) -> list[str]:
    failed = sum(_status_of(event) in ("failed", "unreachable") for event in tasks)
    return [f"Tasks of the runs that failed: {failed}, see the timeline"] if failed else []


def _mitigations(events: Sequence[Event]) -> list[dict[str, str]]:
    """Each mitigation with when it was applied and put back, by what k8s_mitigation returned."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for event in events:
        data = event.data if isinstance(event.data, dict) else {}
        told = data.get("mitigations")
        for mitigation in told if isinstance(told, list) else ():
            if not isinstance(mitigation, dict):
                continue
            name, place = str(mitigation.get("name")), str(mitigation.get("namespace"))
            empty = {"name": name, "namespace": place, "applied": "", "reverted": "", "last": ""}
            entry = found.setdefault((name, place), empty)
            state = str(mitigation.get("state"))
            entry["last"] = state
            if state in ("applied", "reverted"):
                entry[state] = clock(event.time)
            if state == "applied":
                entry["reverted"] = ""
    return [entry for entry in found.values() if entry["applied"] or entry["last"] != "none"]


def _marks(incident: Incident, events: Sequence[Event], names: Names) -> list[Mark]:
    """Alerts, decisions, actions and the recovery, in the order of time."""
    found: list[tuple[str, str, str]] = []
    for event in events:
        if event.type in MARKED:
            kind = events_of.ACTION if event.type == events_of.MITIGATION else event.type
            found.append((kind, event.time, names.without(event.text)))
        elif event.type == events_of.RECOVERY:
            found.append((events_of.RECOVERY, event.time, names.without(event.text)))
    kinds = {kind for kind, _at, _text in found}
    if events_of.ALERT not in kinds and "detected" in incident.milestones:
        found.append((events_of.ALERT, incident.milestones["detected"], "Detected"))
    if events_of.RECOVERY not in kinds:
        recovered = next((n for n in ("mitigated", "resolved") if n in incident.milestones), "")
        if recovered:
            at = incident.milestones[recovered]
            found.append((events_of.RECOVERY, at, recovered.capitalize()))
    marks = [
        Mark(kind, moment, f"{moment:%H:%M:%S}", text.bounded(" ".join(words.split()), 160))
        for kind, at, words in found
        if (moment := parsed(at))
    ]
    return sorted(marks, key=lambda mark: mark.at)[:MOST_MARKS]
