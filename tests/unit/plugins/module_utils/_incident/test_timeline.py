# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A timeline never stops the run that it tells of, and says at the end what it could not write."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident import timeline as module
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import new_event
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import Incident
from ansible_collections.oncall.recovery.plugins.module_utils._incident.timeline import (
    TaskOutcome,
    Timeline,
)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def begin(store: FolderStore) -> None:
    store.create(Incident(id="INC-1"), [new_event(type="opened", text="begun")])


def texts_in(store: FolderStore) -> list[str]:
    record = store.read("INC-1")
    assert record is not None
    return [event.text for event in record.events]


def note(text: str) -> t.Any:
    return new_event(type="task", text=text)


def test_what_happens_before_the_incident_is_opened_is_written_then(store: FolderStore) -> None:
    timeline = Timeline("INC-1", lambda: store)
    timeline.add(note("one"))
    begin(store)
    timeline.add(note("two"))
    assert texts_in(store) == ["begun", "one", "two"]
    assert timeline.finish() == ""


def test_events_wait_for_others_where_writing_is_dear(store: FolderStore) -> None:
    begin(store)
    timeline = Timeline("INC-1", lambda: store, every=3600)
    for text in ("one", "two", "three"):
        timeline.add(note(text))
    assert texts_in(store) == ["begun", "one"]
    assert timeline.finish() == ""
    assert texts_in(store) == ["begun", "one", "two", "three"]


def test_trouble_is_met_twice_and_told_once_at_the_end(store: FolderStore) -> None:
    tries: list[int] = []

    def fail() -> FolderStore:
        tries.append(1)
        raise RecoveryError("the API server", "does not answer")

    timeline = Timeline("INC-1", fail)
    for number in range(5):
        timeline.add(note(str(number)))
    assert timeline.finish() == (
        "incident INC-1: 5 events are not on its timeline (the API server: does not answer)"
    )
    assert len(tries) == 2


def test_what_waits_is_bounded_and_what_is_lost_is_counted(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    timeline = Timeline("INC-1", lambda: store)
    for number in range(5):
        timeline.add(note(str(number)))
    begin(store)
    assert "2 events are not on its timeline" in timeline.finish()
    assert texts_in(store) == ["begun", "2", "3", "4"]


def test_task_is_told_without_its_secrets() -> None:
    outcome = TaskOutcome(
        task="Log in with token=s3cret",
        host="one",
        status="failed",
        action="ansible.builtin.uri",
        where="role rollback",
        message="password=s3cret was refused " + "x" * 5000,
        seconds=1.23456,
        items=3,
        is_check=True,
    )
    event = outcome.as_event()
    assert "s3cret" not in str(event.as_result())
    assert event.source == "role rollback"
    assert event.data["seconds"] == 1.235
    assert event.data["check_mode"] is True
    assert "failed (check mode) on one" in event.text
    assert len(event.text) < 1300


def test_task_whose_name_looks_like_a_secrets_keeps_its_status() -> None:
    event = TaskOutcome(task="token", host="auth-1", status="changed").as_event()
    assert event.text == "token - changed on auth-1"
