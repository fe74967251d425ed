# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening, completing, closing; and opening by a key, once at a time."""

from __future__ import annotations

import multiprocessing
import typing as t
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._incident.opening import (
    Outcome,
    carry_out,
    request_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    UnknownIncident,
)

KEY = '{}:{alertname="ErrorRateHigh", namespace="shop"}'
NOTHING = {
    "state": "opened",
    "id": None,
    "key": None,
    "title": None,
    "severity": None,
    "summary": None,
    "workloads": None,
    "milestones": None,
    "actor": "automation",
}
PROCESSES = multiprocessing.get_context("fork")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "records")


def ask(store: FolderStore, **options: t.Any) -> Outcome:
    return carry_out(store, request_from({**NOTHING, **options}))


def events_of(store: FolderStore, identity: str) -> list[str]:
    record = store.read(identity)
    assert record is not None
    return [f"{event.type}: {event.text}" for event in record.events]


def test_incident_is_opened_once_and_completed_by_what_is_new(store: FolderStore) -> None:
    web = {"kind": "Deployment", "namespace": "shop", "name": "web"}
    first = ask(store, id="INC-1", title="It burns", severity="critical", workloads=[web])
    assert first.before is None
    assert first.incident.milestones["detected"] == first.incident.opened
    again = ask(store, id="INC-1", title="It burns", severity="critical", workloads=[web])
    assert not again.is_changed
    more = ask(store, id="INC-1", severity="minor", workloads=[web, {**web, "name": "db"}])
    assert [workload["name"] for workload in more.incident.workloads] == ["web", "db"]
    assert events_of(store, "INC-1") == [
        "opened: Incident opened (critical): It burns",
        "updated: severity is now: minor; also about Deployment shop/db",
    ]


def test_milestone_of_now_is_set_once_and_a_time_corrects_it(store: FolderStore) -> None:
    ask(store, id="INC-1", milestones={"started": "2026-11-25T03:00:00Z"})
    ask(store, id="INC-1", state="updated", milestones={"mitigated": "now"})
    again = ask(store, id="INC-1", state="updated", milestones={"mitigated": "now"})
    assert not again.is_changed
    at = "2026-11-25T03:04:00Z"
    corrected = ask(store, id="INC-1", state="updated", milestones={"mitigated": at})
    assert corrected.incident.durations["time_to_mitigate"] == 240
    assert "mitigated at 2026-11-25T03:04:00.000Z, not at" in events_of(store, "INC-1")[-1]
    assert not ask(store, id="INC-1", state="updated", milestones={"mitigated": at}).is_changed


def test_closing_sets_when_it_was_resolved_and_closes_once(store: FolderStore) -> None:
    ask(store, id="INC-1", milestones={"started": "2026-11-25T03:00:00Z"})
    closed = ask(store, id="INC-1", state="closed", milestones={"resolved": "2026-11-25T03:09:00Z"})
    assert closed.incident.status == "closed"
    assert closed.incident.durations["time_to_recover"] == 540
    assert not ask(store, id="INC-1", state="closed").is_changed
    assert events_of(store, "INC-1")[-1] == "closed: Incident closed"


def test_alert_that_is_delivered_again_does_not_open_a_closed_incident(store: FolderStore) -> None:
    ask(store, id="INC-1")
    ask(store, id="INC-1", state="closed")
    again = ask(store, id="INC-1", title="other")
    assert not again.is_changed
    assert again.incident.is_closed


def test_key_opens_one_incident_at_a_time(store: FolderStore) -> None:
    first = ask(store, key=KEY).incident.id
    assert ask(store, key=KEY).incident.id == first
    assert ask(store, key=KEY, state="updated", title="x").incident.id == first
    assert ask(store, key="another").incident.id != first
    assert ask(store, key=KEY, state="closed").incident.id == first
    second = ask(store, key=KEY)
    assert second.before is None
    assert second.incident.id != first
    assert second.incident.key == KEY


def open_by_key(store: FolderStore, told: t.Any) -> None:
    outcome = ask(store, key=KEY)
    told.put((outcome.incident.id, outcome.before is None))


def test_key_opens_one_incident_however_many_open_it_at_once(store: FolderStore) -> None:
    told = PROCESSES.SimpleQueue()
    openers = [PROCESSES.Process(target=open_by_key, args=(store, told)) for _number in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0] * 6
    outcomes = [told.get() for _opener in openers]
    assert len({identity for identity, _is_new in outcomes}) == 1
    assert sorted(is_new for _identity, is_new in outcomes) == [False] * 5 + [True]


@pytest.mark.parametrize("key", ["../../etc/passwd", "\x1b[31mred", "x" * 100_000, "a\nb"])
def test_hostile_key_does_no_harm(store: FolderStore, key: str) -> None:
    assert ask(store, key=key).incident.id.startswith("alert-")
    assert not ask(store, key=key).is_changed


@pytest.mark.parametrize("state", ["updated", "closed"])
def test_unknown_incident_is_neither_completed_nor_closed(store: FolderStore, state: str) -> None:
    with pytest.raises(UnknownIncident):
        ask(store, id="INC-1", state=state)
    with pytest.raises(UnknownIncident):
        ask(store, key=KEY, state=state)
    assert store.incidents() == ([], [])


@pytest.mark.parametrize(
    "options",
    [{"id": "../x"}, {"key": " "}, {"id": "a", "milestones": {"started": "soon"}}],
    ids=["id", "key", "time"],
)
def test_bad_input_changes_nothing(store: FolderStore, options: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidInput):
        ask(store, **options)
    assert store.incidents() == ([], [])


def test_milestone_before_the_start_is_kept_told_and_not_counted(store: FolderStore) -> None:
    outcome = ask(
        store,
        id="INC-1",
        milestones={"started": "2026-11-25T03:00:00Z", "detected": "2026-11-25T02:59:59Z"},
    )
    assert outcome.incident.durations["time_to_detect"] is None
    assert "detected (2026-11-25T02:59:59.000Z) before it started" in outcome.warnings[0]


def test_texts_of_an_incident_are_redacted_and_on_one_line(store: FolderStore) -> None:
    incident = ask(store, id="INC-1", title="down\n# x password=abc", summary="a\nb").incident
    assert incident.title == "down # x password=********"
    assert incident.summary == "a\nb"
