# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adding to a record, and reading records.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident import text
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    Event,
    in_order,
    new_event,
    only,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import require_id
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    LONGEST_EVIDENCE,
    Change,
    require_evidence_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import (
    NOW,
    normal,
    parsed,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
        Incident,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
        Record,
        Store,
    )

ANY = "any"
MOST_FILES = 50


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which incidents to read, and which of their events."""

    id: str = ""
    key: str = ""
    status: str = ANY
    severity: str = ""
    workload: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    since: str = ""
    with_events: bool = True
    types: Sequence[str] = ()
    with_evidence: bool = False
    limit: int = 1000

    def fits(self, incident: Incident) -> bool:
        opened, since = parsed(incident.opened), parsed(self.since)
        return (
            self.status in (ANY, incident.status)
            and self.severity in ("", incident.severity)
            and self.key in ("", incident.key)
            and (since is None or (opened is not None and opened >= since))
            and (not self.workload or any(map(self._is_about, incident.workloads)))
        )

    def _is_about(self, workload: Mapping[str, str]) -> bool:
        return all(workload[name] == value for name, value in self.workload.items() if value)


def filter_from(options: Mapping[str, t.Any]) -> Filter:
    """The filter in a module's options; raises InvalidInput."""
    with_events = options["events"]
    if with_events is None:
        with_events = bool(options["id"] or options["key"])
    return Filter(
        id=require_id(options["id"]) if options["id"] is not None else "",
        key=text.plain(options["key"] or "")[:2000],
        status=options["status"],
        severity=options["severity"] or "",
        workload=options["workload"] or {},
        since=normal("since", options["since"]) if options["since"] else "",
        with_events=with_events,
        types=options["types"] or (),
        with_evidence=options["evidence_content"],
        limit=options["limit"],
    )


def read_incidents(store: Store, chosen: Filter) -> tuple[dict[str, t.Any], list[str]]:
    """The incidents that fit, the newest first, as the module returns them; and warnings."""
    warnings: list[str] = []
    if chosen.id:
        record = store.read(chosen.id)
        found = [record.incident] if record else []
    else:
        found, warnings = store.incidents()
    found = sorted(filter(chosen.fits, found), key=lambda incident: incident.opened, reverse=True)
    return {"incidents": [_told(store, incident, chosen) for incident in found]}, warnings


def _told(store: Store, incident: Incident, chosen: Filter) -> dict[str, t.Any]:
    told = {**incident.as_result(), **store.where(incident.id)}
    if not chosen.with_events:
        return told
    record = store.read(incident.id)
    events = only(in_order(record.events), chosen.types, chosen.limit) if record else []
    return {
        **told,
        "events": [event.as_result() for event in events],
        "evidence": _told_evidence(store, record, chosen) if record else [],
        "unreadable": record.unreadable if record else 0,
    }


def _told_evidence(store: Store, record: Record, chosen: Filter) -> list[dict[str, t.Any]]:
    told = [evidence.as_result() for evidence in record.evidence]
    if chosen.with_evidence:
        for entry in told:
            entry["content"] = store.evidence(record.incident.id, entry["name"])
    return told


def event_from(options: Mapping[str, t.Any]) -> tuple[Event, list[tuple[str, str]]]:
    """The event in a module's options, and its evidence by name; raises InvalidInput."""
    files = [_evidence(given) for given in (options["evidence"] or [])]
    if len(files) > MOST_FILES:
        raise InvalidInput("evidence", f"has {len(files)} files", f"Give at most {MOST_FILES}")
    names = tuple(name for name, _text in files)
    if len(set(names)) < len(names):
        raise InvalidInput("evidence", "has a name twice", "Give each its own name")
    event = new_event(
        type=options["type"],
        text=options["text"],
        source=options["source"],
        actor=options["actor"],
        time=options["time"] or NOW,
        data=options["data"],
        link=options["link"] or "",
        event_id=options["event_id"] or "",
        evidence=names,
    )
    return event, files


def record_event(
    store: Store,
    identity: str,
    event: Event,
    files: Sequence[tuple[str, str]] = (),
    *,
    once: bool = False,
) -> tuple[dict[str, t.Any], list[str]]:
    """Append the event; with ``once`` not if the record has one of its id.

    Returns the module's result, and warnings. Raises RecoveryError; then neither the event nor its
    evidence is in the record.
    """
    known: list[Event] = []

    def decide(record: Record) -> Change:
        known[:] = [found for found in record.events if found.id == event.id] if once else []
        return Change() if known else Change(events=[event], evidence=files)

    written = store.update(require_id(identity), decide)
    recorded = written.events[0] if written.events else known[0]
    result = {
        "changed": bool(written.events),
        "event": recorded.as_result(),
        "evidence": [evidence.as_result() for evidence in written.evidence],
        "dropped": dict(written.incident.dropped),
        "record": store.where(identity),
    }
    return result, list(written.warnings)


def _evidence(given: Mapping[str, t.Any]) -> tuple[str, str]:
    name = require_evidence_name(given["name"])
    content = given["content"]
    if content is None:
        content = _content_of(name, Path(given["src"]))
    return name, text.prose(content, LONGEST_EVIDENCE) + "\n"


def _content_of(name: str, path: Path) -> str:
    try:
        size = path.stat().st_size
        with path.open(encoding="utf-8", errors="replace") as stream:
            content = stream.read(LONGEST_EVIDENCE)
    except OSError as error:
        raise RecoveryError(
            f"evidence {name}", f"{path}: {error.strerror or error}", "Check src"
        ) from error
    is_cut = size > len(content.encode())
    return f"{content}\n… (the rest of {size} bytes left out)" if is_cut else content
