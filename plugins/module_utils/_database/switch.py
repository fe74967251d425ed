# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing the names of two databases in one transaction, under load.

A rename needs a database that nobody is connected to. PostgreSQL locks the database for it, then
waits up to five seconds for its sessions to leave; whoever connects meanwhile waits for the lock.
So the sessions are ended while the rename waits, and nobody comes in between. A transaction that is
killed leaves everything as it was, and the database open, which ALLOW_CONNECTIONS would not.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.live import names_by_oid
from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import (
    identifier,
    literal,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

MOST_TRIES = 3
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_OF_A_TRY = 30.0


def end_sessions(tools: Tools, condition: str) -> None:
    """End the sessions that ``condition`` is about, a condition on pg_stat_activity."""
    tools.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        f"WHERE pid <> pg_backend_pid() AND {condition};"
    )


def end_own_sessions(tools: Tools) -> None:
    """End what a killed run may have left at work; its sessions have its label as their name."""
    end_sessions(tools, f"usename = current_user AND application_name = {literal(tools.label)}")


def switch_names(tools: Tools, database: str, out: int, kept: str, into: int) -> float:
    """Have database ``into`` be called ``database``, and ``out``, which is called so, ``kept``.

    Both are given by their OID. Returns the seconds that it took. Raises RecoveryError where the
    names are not as they should be or the sessions did not end; then all is as before.
    """
    names = names_by_oid(tools, out, into)
    if names.get(out) != database or into not in names:
        raise RecoveryError(
            f"database {database}",
            f"is another than before (databases {out} and {into} are now "
            f"{names.get(out, 'missing')} and {names.get(into, 'missing')})",
            "Find out who replaced it, then begin anew under another name",
        )
    script = "\n".join(
        [
            "BEGIN;",
            f"ALTER DATABASE {identifier(database)} RENAME TO {identifier(kept)};",
            f"ALTER DATABASE {identifier(names[into])} RENAME TO {identifier(database)};",
            "COMMIT;",
        ]
    )
    started = time.monotonic()
    for attempt in range(1, MOST_TRIES + 1):
        try:
            _rename(tools, script, f"datid IN ({out}, {into})")
            break
        except ToolError as error:
            if attempt == MOST_TRIES or "being accessed by other users" not in error.cause:
                raise RecoveryError(
                    f"database {database}",
                    f"could not be renamed, all is as before ({error.cause})",
                    "Look at its sessions in pg_stat_activity, then run again",
                ) from None
    return time.monotonic() - started


def _rename(tools: Tools, script: str, sessions: str) -> None:
    """Run the transaction, and end the sessions in its way until it is over; raises ToolError."""
    # Those that work on something else than the renaming itself.
    others = f"{sessions} AND application_name <> {literal(tools.label)}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        renaming = pool.submit(tools.execute, script, seconds=SECONDS_OF_A_TRY)
        trouble = ""
        while not renaming.done():
            try:
                end_sessions(tools, others)
            except ToolError as error:
                trouble = f"; sessions could not be ended ({error.cause})"
            concurrent.futures.wait([renaming], SECONDS_BETWEEN_LOOKS)
        try:
            renaming.result()
        except ToolError as error:
            raise ToolError(error.subject, f"{error.cause}{trouble}") from None
