# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie: everything that is built or running is outside the repository."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for what is expensive to make: binaries, images."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "oncall-recovery"


def run_folder() -> Path:
    """The folder that holds one state folder per cluster."""
    return cache_folder() / "run"


def state_folder(name: str) -> Path:
    """The folder of the cluster ``name``; ``down`` removes it whole."""
    return run_folder() / name
