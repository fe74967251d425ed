# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a restore has got, on disk so that a killed run continues.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import time
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = 1
STATE_FILE, LOCK_FILE = "state.json", "lock"
SECONDS_TO_WAIT_FOR_LOCK = 10.0
RESTORE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")

# The steps, in the order in which a restore reaches them.
APPROVED, BACKED_UP, FETCHED, RESTORED, CHECKED, SWITCHED, SWITCHED_BACK = (
    *("approved", "backed_up", "fetched", "restored", "checked", "switched", "switched_back"),
)


@dataclasses.dataclass
class State:
    """One restore.

    :param backup: the backup that was approved, as it is listed.
    :param before: the moment that was asked for, in seconds since 1970, or None.
    :param live_oid: which database is the live one, whatever it is called meanwhile.
    :param instance: folder of a second server that is at work, or was when a run was killed.
    :param beside: name of the database that is restored into, "" until there is one.
    :param beside_oid: which it is, 0 until it is made.
    :param attempts: how many databases were begun; each gets a name of its own.
    :param kept: name that the live database gets by the switch.
    :param not_copied: settings and grants of the live database that the restored one lacks.
    :param steps: when each step was reached, in seconds since 1970, in their order.
    """

    name: str
    database: str
    approved_by: str
    created: float
    backup: dict[str, t.Any]
    before: float | None
    live_oid: int
    label: str
    dump: str = ""
    fetched: str = ""
    instance: str = ""
    beside: str = ""
    beside_oid: int = 0
    attempts: int = 0
    kept: str = ""
    not_copied: list[str] = dataclasses.field(default_factory=list)
    checks: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    differences: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    switched_by: str = ""
    steps: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def step(self) -> str:
        """The last step that was reached."""
        return list(self.steps)[-1] if self.steps else ""

    def has(self, step: str) -> bool:
        return step in self.steps


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The folder of one restore: its state, the fresh backup, and what was fetched."""

    folder: Path

    def load(self) -> State | None:
        """The state, or None where none was begun. Raises RecoveryError if it is broken."""
        path = self.folder / STATE_FILE
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data.pop("schema") != SCHEMA:
                raise ValueError("it is of another version of the collection")
            return State(**data)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecoveryError(
                f"restore {self.folder.name}",
                f"its state cannot be read ({error})",
                f"Look into {path}; to begin anew, use another name",
            ) from error

    def save(self, state: State) -> None:
        """Write the state so that a reader, or a run after a power cut, sees all of it or none."""
        path = self.folder / STATE_FILE
        part = path.with_suffix(".part")
        text = json.dumps({"schema": SCHEMA, **dataclasses.asdict(state)}, indent=2)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{text}\n")
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)

    def reach(self, state: State, step: str) -> None:
        """Note that a step is done."""
        state.steps.pop(step, None)
        state.steps[step] = time.time()
        self.save(state)


def require_restore_name(name: str) -> str:
    """A name that serves as a folder and as part of a database's name."""
    if not RESTORE_NAME.fullmatch(name) or ".." in name:
        raise InvalidInput(
            "name",
            f"{name!r} is no name for a restore",
            "Use letters, digits, dot, dash and underscore, 40 at most, such as INC-4711",
        )
    return name


@contextlib.contextmanager
def workspace(parent: Path, name: str, *, writes: bool) -> Iterator[Workspace]:
    """The restore's folder, for this process alone. Without ``writes`` nothing is made or locked.

    Raises InvalidInput for a name that is none, and RecoveryError where another process works on
    the same restore or the folder cannot be written.
    """
    folder = parent / require_restore_name(name)
    if not writes:
        yield Workspace(folder)
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RecoveryError(
            f"folder {folder}", f"cannot be written ({error.strerror})", "Set folder"
        ) from None
    try:
        _lock(descriptor, name)
        yield Workspace(folder)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, name: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_LOCK
    while not _is_locked(descriptor):
        if time.monotonic() > deadline:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise RecoveryError(
                f"restore {name}",
                f"another run works on it (process {holder or 'unknown'})",
                "Wait until it has ended, then run again",
            )
        time.sleep(0.05)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _is_locked(descriptor: int) -> bool:
    """Lock the file if nobody else has; returns whether this process has it now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
