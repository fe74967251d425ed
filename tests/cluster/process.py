# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that outlive this program, and how they are found again.

Every process carries its owner's folder in its environment and so do its children, so that
what a killed run left behind is found without a process identifier having been written down.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ClusterError, tail
from .progress import say

OWNER_VARIABLE = "RECOVERY_CLUSTER_OWNER"
_STOP_SECONDS = 5.0
_REPORT_SECONDS = 10.0
_STARTED: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Daemon:
    """A named long-running process of one owner (a cluster's state folder)."""

    owner: Path
    name: str

    @property
    def log(self) -> Path:
        return self.owner / "logs" / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.owner / "pids" / self.name

    def pid(self) -> int | None:
        """The process identifier, or None when it does not run (any more)."""
        try:
            pid, started = self._pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if start_time(int(pid)) == started else None

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> int:
        """Starts the process unless it runs already; returns its identifier."""
        running = self.pid()
        if running is not None:
            return running
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=owned_environment(self.owner, env),
                start_new_session=True,
            )
        _STARTED[process.pid] = process
        self._pid_file.write_text(f"{process.pid} {start_time(process.pid)}")
        return process.pid

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """Stops the process, by force when it does not go by itself."""
        pid = self.pid()
        if pid is not None:
            terminate([pid], signal_number)
        self._pid_file.unlink(missing_ok=True)

    def wait_until(
        self, ready: Callable[[], bool], waiting_for: str, seconds: float, next_step: str
    ) -> None:
        """Waits until ``ready`` holds, saying what for; fails early when the process ends."""

        def alive_and_ready() -> bool:
            if self.pid() is None:
                raise ClusterError(f"{self.name} ended while starting", next_step, self.log)
            return ready()

        wait_until(alive_and_ready, waiting_for, seconds, next_step, self.log)


def wait_until(
    ready: Callable[[], bool],
    waiting_for: str,
    seconds: float,
    next_step: str,
    log: Path | None = None,
) -> None:
    """Polls ``ready`` for at most ``seconds``; a long wait says every 10 s what it waits for."""
    started = reported = time.monotonic()
    while not ready():
        now = time.monotonic()
        if now - started > seconds:
            raise ClusterError(
                f"gave up waiting for {waiting_for} after {seconds:.0f} s", next_step, log
            )
        if now - reported > _REPORT_SECONDS:
            say(f"  waiting for {waiting_for}")
            reported = now
        time.sleep(0.1)


def owned_environment(owner: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment with the owner's mark and ``extra`` on top."""
    return {**os.environ, OWNER_VARIABLE: str(owner), **(extra or {})}


def run(
    command: Sequence[str],
    *,
    owner: Path,
    log: Path,
    next_step: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input_text: str | None = None,
) -> str:
    """Runs a short command to its end and returns its standard output.

    Standard error is appended to ``log``.
    :raises ClusterError: when it cannot be started or its exit code is not 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as stream:
        stream.write(f"+ {' '.join(command)}\n")
        stream.flush()
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL if input_text is None else None,
                input=input_text,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=owned_environment(owner, env),
                cwd=cwd,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise ClusterError(f"{command[0]} is not installed", next_step) from None
        if done.returncode != 0:
            stream.write(done.stdout)
    if done.returncode != 0:
        raise ClusterError(f"{command[0]} ended with {done.returncode}", next_step, log)
    return done.stdout


def run_long(
    command: Sequence[str],
    *,
    owner: Path,
    log: Path,
    waiting_for: str,
    next_step: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Runs a command of minutes, with a line every 10 s that shows how far its log is."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=owned_environment(owner, env),
            cwd=cwd,
            start_new_session=True,
        )
    try:
        while True:
            try:
                process.wait(_REPORT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                last = " ".join(tail(log, 1)).strip()
                say(f"  waiting for {waiting_for}: {last[:100]}")
    except BaseException:
        # Ctrl-C must not leave a compiler behind that eats both cores.
        stop_owned_by(owner)
        raise
    if process.returncode != 0:
        raise ClusterError(f"{waiting_for}: exit code {process.returncode}", next_step, log)


def start_time(pid: int) -> str | None:
    """When the process started, in the kernel's ticks; None when there is no such process.

    Tells a process from a later one with the same identifier. A zombie counts as ended.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def owned_by(owner: Path) -> Iterator[int]:
    """The identifiers of all processes that carry the owner's mark."""
    mark = f"{OWNER_VARIABLE}={owner}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def stop_owned_by(owner: Path) -> None:
    """Stops every process that carries the owner's mark, children of killed ones included."""
    for _attempt in range(5):
        left = list(owned_by(owner))
        if not left:
            return
        terminate(left)


def terminate(pids: Sequence[int], signal_number: int = signal.SIGTERM) -> None:
    """Ends the processes and waits until they are gone; by force after 5 s."""
    for attempt in (signal_number, signal.SIGKILL):
        started = {pid: start_time(pid) for pid in pids}
        for pid, ticks in started.items():
            if ticks is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, attempt)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            _reap()
            if all(start_time(pid) != ticks for pid, ticks in started.items() if ticks):
                return
            time.sleep(0.05)


def _reap() -> None:
    """Takes the exit codes of daemons that this very program started, lest they stay zombies."""
    for pid, process in list(_STARTED.items()):
        if process.poll() is not None:
            del _STARTED[pid]
