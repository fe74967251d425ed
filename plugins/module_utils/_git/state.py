# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a hotfix stands, kept in the repository's own git folder so that a killed run resumes.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import time
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_hotfix_name,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository

SCHEMA = 1
STATE_FILE, LOCK_FILE = "state.json", "lock"
# As long as a git process of a killed run may still need to end.
SECONDS_TO_WAIT_FOR_LOCK = 10.0

# The steps, in the order in which a hotfix reaches them.
STARTED, PICKED, PREPARED, TAGGED, PUSHED, FINISHED = (
    *("started", "picked", "prepared", "tagged", "pushed", "finished"),
)


@dataclasses.dataclass
class Picking:
    """A pick that is under way.

    :param before: where the branch was before the whole call, and goes back to on a conflict.
    :param kept: how many picks of earlier calls there are.
    :param item: what is being brought in; "" between two.
    :param at: where the branch was before ``item``.
    :param is_left: whether a conflict was left for a person to resolve.
    """

    before: str
    kept: int
    item: str = ""
    at: str = ""
    is_left: bool = False


@dataclasses.dataclass
class Release:
    """What finishing has prepared.

    :param head: the commit that is released.
    :param targets: by branch, ``from`` (its commit on the remote) and ``to`` (what is pushed).
    :param tag_object: the local tag's object, "" until it is made.
    :param requests: by branch, the URL of its merge request.
    """

    version: str
    tag: str
    head: str
    forward: str
    targets: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    tag_object: str = ""
    requests: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class State:
    """One hotfix. ``picks`` are the outcomes of all calls, as the module returns them.

    ``is_kept`` says that the worktree stayed after the hotfix was finished.
    """

    name: str
    branch: str
    remote: str
    base_tag: str
    base_commit: str
    worktree: str
    checkout: str
    created: str
    steps: list[str] = dataclasses.field(default_factory=list)
    picks: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    picking: Picking | None = None
    release: Release | None = None
    is_kept: bool = False

    @property
    def step(self) -> str:
        """The last step that was reached; "" where the start did not get to its end."""
        return self.steps[-1] if self.steps else ""

    @property
    def prepared(self) -> Release:
        """The release, of which there is one as soon as finishing has begun."""
        if self.release is None:
            raise ValueError(f"hotfix {self.name} is not being finished")
        return self.release

    @property
    def under_way(self) -> Picking:
        """The pick that is being made."""
        if self.picking is None:
            raise ValueError(f"nothing is being picked into hotfix {self.name}")
        return self.picking

    @property
    def is_pushed(self) -> bool:
        """Whether all that is left is to tidy up."""
        return PUSHED in self.steps

    @property
    def is_finished(self) -> bool:
        return FINISHED in self.steps


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The folder of one hotfix, below the repository's git folder, and the repository itself."""

    repository: Repository
    name: str

    @property
    def folder(self) -> Path:
        return folder_of_all(self.repository) / self.name

    @property
    def tree(self) -> Path:
        """Where the hotfix is checked out unless the caller names another place."""
        return self.folder / "tree"

    @property
    def scratch(self) -> Path:
        """A worktree that lives only while branches are being merged."""
        return self.folder / "merge"

    def load(self) -> State | None:
        """The state, or None where no such hotfix was started. Raises RecoveryError if broken."""
        return load_state(self.folder)

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
        state.steps = [*(other for other in state.steps if other != step), step]
        self.save(state)

    def forget(self) -> None:
        """Remove all that is left of the hotfix; the state goes last."""
        for name in (f"{STATE_FILE[: -len('.json')]}.part", STATE_FILE, LOCK_FILE):
            (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def folder_of_all(repository: Repository) -> Path:
    return repository.common_dir / "oncall-recovery" / "hotfix"


def load_state(folder: Path) -> State | None:
    """Read the state in ``folder``. Raises RecoveryError where it cannot be understood."""
    path = folder / STATE_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("schema") != SCHEMA:
            raise ValueError("it is of another version of the collection")
        picking, release = data.pop("picking"), data.pop("release")
        return State(
            **data,
            picking=Picking(**picking) if picking else None,
            release=Release(**release) if release else None,
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecoveryError(
            f"hotfix {folder.name}",
            f"its state cannot be read ({error})",
            f"Look into {path}, or remove it and begin anew",
        ) from error


def all_states(repository: Repository) -> list[State]:
    """Every hotfix of the repository that was started here, the newest first."""
    folders = folder_of_all(repository)
    if not folders.is_dir():
        return []
    states = [load_state(folder) for folder in sorted(folders.iterdir()) if folder.is_dir()]
    return sorted((s for s in states if s), key=lambda state: state.created, reverse=True)


@contextlib.contextmanager
def workspace(repository: Repository, name: str, *, writes: bool) -> Iterator[Workspace]:
    """The hotfix's folder, for this process alone. Without ``writes`` nothing is made or locked.

    Raises InvalidInput for a name that is none, and RecoveryError where another process works on
    the same hotfix.
    """
    require_hotfix_name("name", name)
    if not writes:
        yield Workspace(repository, name)
        return
    folder = Workspace(repository, name).folder
    descriptor = _lock(folder, f"hotfix {name}")
    try:
        yield Workspace(dataclasses.replace(repository, lock=descriptor), name)
    finally:
        # Of a hotfix that was not begun, nothing stays.
        if not (folder / STATE_FILE).exists():
            Workspace(repository, name).forget()
        os.close(descriptor)


def _lock(folder: Path, subject: str) -> int:
    """Lock the folder's lock file and return its descriptor; closing it unlocks."""
    path = folder / LOCK_FILE
    deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_LOCK
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            # Another run has just removed the folder.
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return descriptor
        except BlockingIOError:
            pass
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise RecoveryError(
                subject,
                f"another run works on it (process {holder or 'unknown'})",
                "Wait until it has ended, then run again",
            )
        time.sleep(0.05)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the locked file is the one that others would lock, and was not removed meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
