# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in folders: one for each incident, for its writers alone.

``incident.json`` is replaced as a whole, ``events.jsonl`` is only ever appended to, ``evidence``
has files that are never written over. Writers take turns by a lock; readers need none, since a
line counts only when it has its end.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import time
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
    Incident,
    from_json,
    require_id,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    Change,
    Evidence,
    NotRecorded,
    Record,
    UnknownIncident,
    Written,
    named_evidence,
    readable,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import Event

INCIDENT_FILE, EVENTS_FILE, EVIDENCE_FOLDER = "incident.json", "events.jsonl", "evidence"
LOCK_FILE, PART = ".lock", ".part"
SECONDS_TO_WAIT_FOR_LOCK = 10.0
# A file's name holds 255 bytes, and an id may be longer.
LONGEST_FOLDER_NAME = 200
BLOCK = 64 * 1024


class FolderStore:
    """Records below the folder ``root``. A store of :class:`record.Store`'s kind."""

    def __init__(self, root: str | Path, *, dry_run: bool = False) -> None:
        self._root = Path(root)
        self._dry_run = dry_run

    def incidents(self, prefix: str = "") -> tuple[list[Incident], list[str]]:
        with _telling(f"incidents in {self._root}"):
            folders = sorted(self._root.iterdir()) if self._root.is_dir() else []
            paths = [folder / INCIDENT_FILE for folder in folders if folder.name.startswith(prefix)]
            return readable(_read_incident, [path for path in paths if path.is_file()])

    def read(self, identity: str) -> Record | None:
        folder = self._folder(identity)
        with _telling(f"incident {identity}"):
            return self._record(folder) if (folder / INCIDENT_FILE).is_file() else None

    def create(self, incident: Incident, events: Sequence[Event]) -> bool:
        folder = self._folder(incident.id)
        if self._dry_run:
            return not (folder / INCIDENT_FILE).exists()
        with _recording(incident.id, folder, events):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            with _lock(folder, incident.id):
                if (folder / INCIDENT_FILE).exists():
                    return False
                # Only now it is a record; what a writer left that was killed before is not in it.
                write_file(folder / EVENTS_FILE, b"".join(event.to_line() for event in events))
                write_file(folder / INCIDENT_FILE, incident.to_json().encode())
        return True

    def update(self, identity: str, decide: Callable[[Record], Change]) -> Written:
        folder = self._folder(identity)
        if not (folder / INCIDENT_FILE).exists():
            raise UnknownIncident(identity, str(self._root))
        with contextlib.ExitStack() as stack:
            stack.enter_context(_recording(identity, folder, ()))
            if not self._dry_run:
                stack.enter_context(_lock(folder, identity))
            record = self._record(folder)
            change = decide(record)
            events, files = named_evidence(change, {kept.name for kept in record.evidence})
            warnings: list[str] = []
            if not self._dry_run:
                with _recording(identity, folder, events):
                    warnings = _write(folder, change.incident, events, files)
        evidence = [
            Evidence(name, len(text.encode()), str(folder / EVIDENCE_FOLDER / name))
            for name, text in files
        ]
        incident = change.incident or record.incident
        return Written(record.incident, incident, events, evidence, warnings)

    def evidence(self, identity: str, name: str) -> str:
        path = self._folder(identity) / EVIDENCE_FOLDER / name
        with _telling(f"incident {identity}"):
            return path.read_text(encoding="utf-8", errors="replace")

    def where(self, identity: str) -> dict[str, t.Any]:
        path = str(self._folder(identity))
        return {"store": "folder", "path": path, "namespace": None, "configmap": None}

    def _folder(self, identity: str) -> Path:
        require_id(identity)
        if len(identity) <= LONGEST_FOLDER_NAME:
            return self._root / identity
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        return self._root / f"{identity[: LONGEST_FOLDER_NAME - 17]}-{digest}"

    def _record(self, folder: Path) -> Record:
        read_lines = functools.partial(_read_lines, folder / EVENTS_FILE)
        return Record(_read_incident(folder / INCIDENT_FILE), read_lines, _evidence_in(folder))


def _write(
    folder: Path,
    incident: Incident | None,
    events: Sequence[Event],
    files: Sequence[tuple[str, str]],
) -> list[str]:
    """Write evidence, then the events that tell of it, then the incident; return warnings."""
    made: list[Path] = []
    warnings: list[str] = []
    try:
        for name, text in files:
            (folder / EVIDENCE_FOLDER).mkdir(mode=0o700, exist_ok=True)
            path = folder / EVIDENCE_FOLDER / name
            write_file(path, text.encode())
            made.append(path)
        if events:
            lines = b"".join(event.to_line() for event in events)
            warnings = _append(folder / EVENTS_FILE, lines)
    except OSError:
        # No evidence without the event that tells of it.
        for path in made:
            path.unlink(missing_ok=True)
        raise
    if incident:
        write_file(folder / INCIDENT_FILE, incident.to_json().encode())
    return warnings


def _append(path: Path, lines: bytes) -> list[str]:
    """Append whole lines, or nothing: what was written is taken back where the rest is not."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        end = _end_of_last_line(descriptor, size)
        warnings = []
        if end < size:
            # Its writer was killed. With more behind it, the half would look like a line.
            os.ftruncate(descriptor, end)
            warnings = [f"{path}: half an event was at its end ({size - end} bytes) and is removed"]
        try:
            _write_all(descriptor, lines)
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, end)
            raise
        return warnings
    finally:
        os.close(descriptor)


def _end_of_last_line(descriptor: int, size: int) -> int:
    """Where the last whole line of the file ends."""
    end = size
    while end > 0:
        begin = max(0, end - BLOCK)
        found = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a run after a power cut, sees all of it or none."""
    part = path.with_name(f".{path.name}{PART}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(part, flags, 0o600)
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, content: bytes) -> None:
    # On a disk that is nearly full, a part is written without an error.
    while content:
        content = content[os.write(descriptor, content) :]


def _read_incident(path: Path) -> Incident:
    return from_json(str(path), path.read_text(encoding="utf-8", errors="replace"))


def _read_lines(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _evidence_in(folder: Path) -> list[Evidence]:
    place = folder / EVIDENCE_FOLDER
    files = sorted(place.iterdir()) if place.is_dir() else []
    return [
        Evidence(path.name, path.stat().st_size, str(path))
        for path in files
        if not path.name.startswith(".") and path.is_file()
    ]


@contextlib.contextmanager
def _lock(folder: Path, identity: str) -> Iterator[None]:
    """The folder for this writer alone. It ends with the process, however that ends."""
    path = folder / LOCK_FILE
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_LOCK
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RecoveryError(
                        f"incident {identity}",
                        f"another process writes to {folder} and does not end",
                        f"See who holds {path} (fuser), then run again",
                    ) from None
                time.sleep(0.005)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _recording(identity: str, folder: Path, events: Sequence[Event]) -> Iterator[None]:
    """Say which events are not in the record, when the system refuses to write them."""
    try:
        yield
    except OSError as error:
        raise NotRecorded(
            f"incident {identity}",
            f"{error.filename or folder}: {error.strerror or error}",
            "Make room or give this user the right to write there, then record it again",
            events,
        ) from error


@contextlib.contextmanager
def _telling(subject: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecoveryError(
            subject,
            f"{error.filename or ''}: {error.strerror or error}",
            "Give this user the right to read it",
        ) from error
