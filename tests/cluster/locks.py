# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks between runs of this program; the kernel releases them when their holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from .places import run_folder
from .progress import say


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder that exists; others wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked_cluster(name: str) -> Iterator[None]:
    """Holds the cluster ``name``, whose folder comes and goes; others wait and say so."""
    path = run_folder() / f"{name}.lock"
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another command on cluster {name} to end")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # The one before may have been `down`, which takes the file away with the cluster.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                yield
                return
        finally:
            os.close(descriptor)


def forget_lock(name: str) -> None:
    """Removes the lock of a cluster that is gone; called by its holder."""
    (run_folder() / f"{name}.lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        run_folder().rmdir()
