# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumping a database into a file that is there as a whole or not at all.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import conninfo

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

# What holds a table for longer, such as a migration that hangs, would hold up the restore, too.
LOCKS = "--lock-wait-timeout=60s"


def dump(tools: Tools, database: str, folder: Path, name: str) -> Path:
    """Dump it in custom format and return the path; raises ToolError.

    A program of a killed run may still write to its own file, so each run has another one.
    """
    for stale in folder.glob(f"{name}.*.part"):
        stale.unlink(missing_ok=True)
    part = folder / f"{name}.{os.getpid()}.part"
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    tools.must(
        f"dump of {database}",
        *("pg_dump", "--format=custom", "--no-password", f"--file={part}", LOCKS),
        f"--dbname={conninfo(database)}",
    )
    tools.must(f"dump of {database}", "pg_restore", "--list", str(part))
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    return part.replace(folder / f"{name}.dump")
