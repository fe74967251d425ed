# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a record: several writers, a full disk, a kill in the middle."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident import folder as module
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import new_event
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import Incident
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    Change,
    NotRecorded,
    UnknownIncident,
)

PROCESSES = multiprocessing.get_context("fork")


def write_events(root: Path, name: str, number: int, most: int) -> None:
    """What a writer does, in a process of its own; ``most`` is the largest size of a file."""
    if most:
        # At this size the kernel writes what fits, and then kills.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for count in range(number):
        event = new_event(type="note", text=f"{name} {count}", data={"filler": "x" * 300})
        change = Change(events=[event])
        FolderStore(root).update("INC-1", lambda record, change=change: change)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path / "records")
    assert made.create(Incident(id="INC-1", title="one"), [new_event(type="opened", text="begun")])
    return made


def append(store: FolderStore, text: str, **more: t.Any) -> t.Any:
    event = new_event(type="note", text=text)
    return store.update("INC-1", lambda record: Change(events=[event], **more))


def texts_in(store: FolderStore) -> list[str]:
    record = store.read("INC-1")
    assert record is not None
    assert record.unreadable == 0
    return [event.text for event in record.events]


def writer(tmp_path: Path, name: str, number: int, most: int = 0) -> t.Any:
    arguments = (tmp_path / "records", name, number, most)
    process = PROCESSES.Process(target=write_events, args=arguments)
    process.start()
    return process


def ended(process: t.Any) -> int:
    process.join(60)
    return process.exitcode


def test_only_its_owner_may_read_a_record_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = FolderStore(tmp_path / "records")
        store.create(Incident(id="INC-1"), [new_event(type="opened", text="begun")])
        event = new_event(type="evidence", text="logs", evidence=("a.txt",))
        store.update("INC-1", lambda record: Change(events=[event], evidence=[("a.txt", "log")]))
    finally:
        os.umask(before)
    for path in [tmp_path / "records", *(tmp_path / "records").rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_record_that_is_there_is_not_begun_again(store: FolderStore) -> None:
    assert not store.create(Incident(id="INC-1", title="two"), [new_event(type="opened", text="b")])
    record = store.read("INC-1")
    assert record is not None
    assert record.incident.title == "one"
    assert texts_in(store) == ["begun"]


def test_writers_at_the_same_time_lose_nothing(store: FolderStore, tmp_path: Path) -> None:
    writers = [writer(tmp_path, f"w{number}", 40) for number in range(6)]
    assert [ended(process) for process in writers] == [0] * 6
    texts = texts_in(store)
    assert len(texts) == 1 + 6 * 40
    for number in range(6):
        own = [text for text in texts if text.startswith(f"w{number} ")]
        assert own == [f"w{number} {count}" for count in range(40)]


def test_writer_that_is_killed_in_the_middle_of_a_line_leaves_no_event(
    store: FolderStore, tmp_path: Path
) -> None:
    events = tmp_path / "records" / "INC-1" / "events.jsonl"
    most = events.stat().st_size + 200
    killed = writer(tmp_path, "killed", 1, most)
    assert ended(killed) == -signal.SIGXFSZ
    assert events.stat().st_size == most
    assert not events.read_bytes().endswith(b"\n")
    assert texts_in(store) == ["begun"]
    written = append(store, "next")
    assert "half an event was at its end" in written.warnings[0]
    assert texts_in(store) == ["begun", "next"]


def test_line_that_lacks_nothing_but_its_end_is_no_event_later_either(
    store: FolderStore, tmp_path: Path
) -> None:
    events = tmp_path / "records" / "INC-1" / "events.jsonl"
    with events.open("ab") as stream:
        stream.write(new_event(type="action", text="was it done?").to_line()[:-1])
    append(store, "next")
    assert texts_in(store) == ["begun", "next"]


def test_full_disk_is_told_with_what_is_not_recorded_and_leaves_no_half(
    store: FolderStore, tmp_path: Path
) -> None:
    events = tmp_path / "records" / "INC-1" / "events.jsonl"
    before = events.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so that a write behind the limit fails as on a full disk: what fits
    # is written, and then comes an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(NotRecorded) as caught:
            append(store, "rolled back", evidence=[("pods.txt", "small")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large. Not recorded: note: rolled back" in caught.value.message
    assert caught.value.facts["not_recorded"][0]["text"] == "rolled back"
    assert events.read_bytes() == before
    assert not (events.parent / "evidence" / "pods.txt").exists()
    append(store, "there is room again")
    assert texts_in(store) == ["begun", "there is room again"]


def test_full_disk_leaves_the_incident_as_it_was(store: FolderStore, tmp_path: Path) -> None:
    path = tmp_path / "records" / "INC-1" / "incident.json"
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 10, hard))
    try:
        with pytest.raises(NotRecorded, match="Not recorded: the incident"):
            store.update("INC-1", lambda record: Change(Incident(id="INC-1", summary="x" * 500)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [part.name for part in path.parent.iterdir() if "part" in part.name] == []


def test_record_that_was_begun_and_not_finished_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "records" / "INC-1"
    half.mkdir(parents=True)
    (half / "events.jsonl").write_text("of the run that was killed\n")
    store = FolderStore(tmp_path / "records")
    assert store.read("INC-1") is None
    assert store.create(Incident(id="INC-1"), [new_event(type="opened", text="begun")])
    assert texts_in(store) == ["begun"]


def test_writer_that_does_not_end_is_not_waited_for_without_end(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_TO_WAIT_FOR_LOCK", 0.2)
    lock = tmp_path / "records" / "INC-1" / ".lock"
    with subprocess.Popen(
        ["flock", str(lock), "sleep", "30"], stdout=subprocess.PIPE, start_new_session=True
    ) as holder:
        try:
            wait_until_locked(lock)
            with pytest.raises(RecoveryError, match="another process writes to"):
                append(store, "next")
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
    assert texts_in(store) == ["begun"]


def wait_until_locked(lock: Path) -> None:
    for _attempt in range(200):
        if subprocess.run(["flock", "--nonblock", str(lock), "true"], check=False).returncode:
            return
    raise AssertionError(f"nobody locks {lock}")


def test_evidence_is_never_written_over(store: FolderStore) -> None:
    def keep(text: str) -> list[str]:
        event = new_event(type="evidence", text="logs", evidence=("web.log",))
        change = Change(events=[event], evidence=[("web.log", text)])
        return list(store.update("INC-1", lambda record: change).events[0].evidence)

    assert [keep("one"), keep("two")] == [["web.log"], ["web-2.log"]]
    assert store.evidence("INC-1", "web.log") == "one"
    assert store.evidence("INC-1", "web-2.log") == "two"


@pytest.mark.parametrize("identity", ["../x", "/etc", "", ".", "..", "a/b", "a\x00b", "-a", "ä"])
def test_id_that_leads_elsewhere_is_refused(store: FolderStore, identity: str) -> None:
    with pytest.raises(InvalidInput, match="is not an id of an incident"):
        store.read(identity)


def test_id_longer_than_a_name_of_a_file_has_a_folder_of_its_own(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    first, second = "a" * 400 + "1", "a" * 400 + "2"
    for identity in (first, second):
        assert store.create(Incident(id=identity), [new_event(type="opened", text=identity[-1])])
    found, _trouble = store.incidents()
    assert sorted(incident.id for incident in found) == [first, second]


def test_link_in_the_place_of_the_events_is_not_followed(
    store: FolderStore, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep me\n")
    events = tmp_path / "records" / "INC-1" / "events.jsonl"
    events.unlink()
    events.symlink_to(victim)
    with pytest.raises(NotRecorded):
        append(store, "next")
    assert victim.read_text() == "keep me\n"


def test_incident_that_is_not_there_is_named_with_the_next_step(store: FolderStore) -> None:
    with pytest.raises(UnknownIncident, match=r"incident INC-9: there is no record .* Open it"):
        store.update("INC-9", lambda record: Change())


def test_incident_that_somebody_broke_is_told_and_the_others_are_read(
    store: FolderStore, tmp_path: Path
) -> None:
    store.create(Incident(id="INC-2"), [new_event(type="opened", text="begun")])
    path = tmp_path / "records" / "INC-1" / "incident.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "done"}))
    found, trouble = store.incidents()
    assert [incident.id for incident in found] == ["INC-2"]
    assert trouble == [
        f"{path}: cannot be read (its status is neither open nor closed). "
        "See what it says and correct it by hand"
    ]


def test_dry_run_writes_nothing(store: FolderStore, tmp_path: Path) -> None:
    def content() -> dict[Path, bytes]:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files}

    before = content()
    dry = FolderStore(tmp_path / "records", dry_run=True)
    assert dry.create(Incident(id="INC-2"), [new_event(type="opened", text="begun")])
    assert not dry.create(Incident(id="INC-1"), [new_event(type="opened", text="begun")])
    assert append(dry, "next", evidence=[("a.txt", "x")]).events
    assert content() == before
