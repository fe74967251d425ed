# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes all that a cluster left on this machine, whether it ended well or was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import ClusterError
from ..places import state_folder
from ..process import owned_by, terminate
from . import plan as plans
from .node import control_group, hierarchies

_SECONDS = 20.0


def clear(name: str) -> None:
    """Ends the cluster's processes and removes its control groups, link and files.

    Touches nothing that is not marked as belonging to the cluster ``name``.
    :raises ClusterError: when something is still there after 20 s.
    """
    try:
        _clear(name, time.monotonic() + _SECONDS)
    except PermissionError as error:
        raise ClusterError(
            f"cluster {name} belongs to another user ({error})", "run the same command with sudo"
        ) from None


def _clear(name: str, deadline: float) -> None:
    state, plan = state_folder(name), plans.saved(name)
    while left := processes(name):
        _before(deadline, f"processes {left} of cluster {name} do not end")
        terminate(left, signal.SIGKILL)
    for group in sorted(control_groups(name), key=lambda path: -len(path.parts)):
        _remove_control_group(group, deadline)
    if plan is not None and _has_link(plan.link):
        subprocess.run(["ip", "link", "delete", plan.link], capture_output=True, check=False)
    if state.exists():
        shutil.rmtree(state)


def processes(name: str) -> list[int]:
    """What carries the cluster's mark, and what runs in its pods."""
    in_pods = {
        int(line) for group in control_groups(name) for line in _lines(group / "cgroup.procs")
    }
    return sorted(in_pods | set(owned_by(state_folder(name))))


def control_groups(name: str) -> Iterator[Path]:
    """The cluster's control groups in all hierarchies, nested ones included."""
    for hierarchy in hierarchies():
        for folder, _folders, _files in os.walk(hierarchy / control_group(name)):
            yield Path(folder)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _remove_control_group(group: Path, deadline: float) -> None:
    while group.exists():
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        # The kernel needs a moment after the last process.
        _before(deadline, f"control group {group} stays busy")
        time.sleep(0.05)


def _has_link(link: str) -> bool:
    return (Path("/sys/class/net") / link).exists()


def _before(deadline: float, cause: str) -> None:
    if time.monotonic() > deadline:
        raise ClusterError(cause, "look at it with ps and try again")
