# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether there is room for what a restore writes on this machine.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import shutil
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import guard

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.oncall.recovery.plugins.module_utils._database.live import Database
    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Backup

MEBIBYTE = 1 << 20


def judge_space(folder: Path, live: Database, backup: Backup, *, backs_up: bool) -> dict[str, str]:
    """A guard: a fresh dump is at most about as large as its database, and mostly far smaller."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    needed = (live.size if backs_up else 0) + (0 if backup.path else backup.size)
    says = (
        f"{free // MEBIBYTE} MiB are free in {there}, at most about {needed // MEBIBYTE} MiB are "
        f"needed there; the server needs {live.size // MEBIBYTE} MiB more, which it does not tell"
    )
    return guard("space", "warn" if free < needed else "pass", says)
