# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into an event from a module's options, and what is read back."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident import recording
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import new_event
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import Incident
from ansible_collections.oncall.recovery.plugins.module_utils._incident.recording import (
    event_from,
    filter_from,
    read_incidents,
    record_event,
)

EVENT = {
    "type": "note",
    "text": "one",
    "source": "test",
    "actor": "automation",
    "time": "now",
    "data": None,
    "link": None,
    "event_id": None,
    "evidence": None,
}
ALL = {
    "id": None,
    "key": None,
    "status": "any",
    "severity": None,
    "workload": None,
    "since": None,
    "events": None,
    "types": None,
    "evidence_content": False,
    "limit": 1000,
}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path / "records")
    web = {"kind": "Deployment", "namespace": "shop", "name": "web"}
    old = Incident(
        id="INC-1", severity="minor", opened="2026-11-01T00:00:00Z", status="closed", key="k"
    )
    new = Incident(id="INC-2", opened="2026-11-20T00:00:00Z", workloads=(web,))
    for incident in (old, new):
        made.create(incident, [new_event(type="opened", text="begun")])
    return made


def write(store: FolderStore, identity: str = "INC-1", **options: t.Any) -> dict[str, t.Any]:
    event, files = event_from({**EVENT, **options})
    once = bool(options.get("event_id"))
    return record_event(store, identity, event, files, once=once)[0]


def ids(store: FolderStore, **options: t.Any) -> list[str]:
    result, _warnings = read_incidents(store, filter_from({**ALL, **options}))
    return [incident["id"] for incident in result["incidents"]]


def test_event_of_one_id_is_recorded_once(store: FolderStore) -> None:
    first = write(store, event_id="called", text="one")
    second = write(store, event_id="called", text="two")
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["event"] == first["event"]


def test_evidence_is_redacted_plain_and_bounded(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "LONGEST_EVIDENCE", 100)
    source = tmp_path / "big.log"
    source.write_bytes(b"password=abc \x1b[1m" + b"\xff" * 500)
    result = write(
        store,
        evidence=[
            {"name": "big.log", "src": str(source), "content": None},
            {"name": "inline.txt", "content": "token: abc", "src": None},
        ],
    )
    assert result["event"]["evidence"] == ["big.log", "inline.txt"]
    big = store.evidence("INC-1", "big.log")
    assert "abc" not in big
    assert "\x1b" not in big
    assert "left out" in big
    assert store.evidence("INC-1", "inline.txt") == "token: ********\n"
    assert result["evidence"][1]["bytes"] == len("token: ********\n")


@pytest.mark.parametrize(
    "evidence",
    [
        [{"name": "../x", "content": "a", "src": None}],
        [{"name": ".hidden", "content": "a", "src": None}],
        [{"name": "a", "content": "a", "src": None}] * 2,
        [{"name": f"{n}", "content": "a", "src": None} for n in range(51)],
    ],
    ids=["path", "hidden", "twice", "too many"],
)
def test_evidence_that_cannot_be_kept_is_refused(
    store: FolderStore, evidence: list[dict[str, t.Any]]
) -> None:
    with pytest.raises(InvalidInput, match=r"^evidence"):
        write(store, evidence=evidence)


def test_evidence_that_cannot_be_read_is_named_with_its_file(store: FolderStore) -> None:
    with pytest.raises(RecoveryError, match=r"evidence a: /nowhere: No such file"):
        write(store, evidence=[{"name": "a", "content": None, "src": "/nowhere"}])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["INC-2", "INC-1"]),
        ({"id": "INC-1"}, ["INC-1"]),
        ({"id": "INC-9"}, []),
        ({"key": "k"}, ["INC-1"]),
        ({"status": "open"}, ["INC-2"]),
        ({"severity": "minor"}, ["INC-1"]),
        ({"since": "2026-11-10T00:00:00Z"}, ["INC-2"]),
        ({"workload": {"kind": None, "namespace": "shop", "name": "web"}}, ["INC-2"]),
        ({"workload": {"kind": None, "namespace": None, "name": "db"}}, []),
        ({"id": "INC-1", "status": "open"}, []),
    ],
    ids=[
        *("all", "id", "unknown", "key", "status", "severity", "since", "workload"),
        *("another workload", "two at once"),
    ],
)
def test_filter_chooses(store: FolderStore, options: dict[str, t.Any], expected: list[str]) -> None:
    assert ids(store, **options) == expected


def test_text_of_evidence_is_read_on_demand(store: FolderStore) -> None:
    write(store, evidence=[{"name": "a.txt", "content": "one", "src": None}])
    result, _warnings = read_incidents(store, filter_from({**ALL, "id": "INC-1"}))
    assert "content" not in result["incidents"][0]["evidence"][0]
    chosen = filter_from({**ALL, "id": "INC-1", "evidence_content": True})
    result, _warnings = read_incidents(store, chosen)
    assert result["incidents"][0]["evidence"][0]["content"] == "one\n"


def test_events_are_read_for_one_incident_and_on_demand_for_all(store: FolderStore) -> None:
    write(store, type="decision")
    result, _warnings = read_incidents(store, filter_from({**ALL, "id": "INC-1"}))
    assert [event["type"] for event in result["incidents"][0]["events"]] == ["opened", "decision"]
    result, _warnings = read_incidents(store, filter_from(ALL))
    assert "events" not in result["incidents"][0]
    chosen = filter_from({**ALL, "events": True, "types": ["decision"], "limit": 5})
    result, _warnings = read_incidents(store, chosen)
    assert [len(incident["events"]) for incident in result["incidents"]] == [0, 1]
