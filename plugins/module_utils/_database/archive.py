# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pg_restore says about a dump: whether it can be read, when and of what it was made.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
    CUSTOM,
    DIRECTORY,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.streams import (
    NotACustomDump,
    list_of_stream,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
        Backup,
        Source,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

FIELD = re.compile(r";\s+(Archive created at|dbname:|Dumped from database version:)\s?(.*)")
CREATED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ENTRY = re.compile(r"\d+; \d+ \d+ ")
SECONDS_TO_READ_LIST = 120.0


def parsed(backup: Backup, listing: str) -> Backup:
    """The backup with what the output of ``pg_restore --list`` says of it.

    An archive holds the time of the machine that made it, without a time zone; like pg_restore,
    this takes it for a time of this machine.
    """
    head = listing.split("; Selected TOC Entries:", 1)[0]
    fields = {name: value.strip() for name, value in FIELD.findall(head)}
    created = CREATED.match(fields.get("Archive created at", ""))
    made = time.mktime(time.strptime(created[0], "%Y-%m-%d %H:%M:%S")) if created else backup.made
    entries = sum(1 for line in listing.splitlines() if ENTRY.match(line))
    return dataclasses.replace(
        backup,
        made=made,
        database=fields.get("dbname:", ""),
        server_version=fields.get("Dumped from database version:", ""),
        entries=entries,
        is_read=True,
        # pg_restore finds nothing wrong with an archive whose list was overwritten with zeros.
        problem="" if created and entries else "its list of contents is empty",
    )


def read(tools: Tools, backup: Backup, source: Source) -> Backup:
    """Look into a dump; what is wrong with it is in ``problem`` of what is returned."""
    try:
        if backup.form in (CUSTOM, DIRECTORY):
            output = tools.must(
                backup.name, "pg_restore", "--list", backup.path, seconds=SECONDS_TO_READ_LIST
            )
            return parsed(backup, output.stdout)
        listing = list_of_stream(tools, source, backup)
        return dataclasses.replace(parsed(backup, listing), form=CUSTOM)
    except NotACustomDump:
        # A directory that comes as a tar archive has its list anywhere in it.
        return dataclasses.replace(backup, form=DIRECTORY, is_read=True)
    except ToolError as error:
        return dataclasses.replace(backup, problem=error.cause, is_read=True)


def read_all(tools: Tools, subject: str, path: Path) -> None:
    """Read every block of a dump, as a restore would; raises ToolError where one is damaged."""
    output = tools.run("pg_restore", "--file=/dev/null", str(path))
    if output.status:
        raise ToolError(
            subject,
            f"is damaged (pg_restore: {output.last_words or output.status})",
            "Choose another with backup",
        )
