# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring a dump into a new database beside the live one.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.live import (
    database_of,
    live_database,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import iso
from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import (
    conninfo,
    identifier,
    literal,
    shortened,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.settings import (
    copy_properties,
    creation,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.switch import end_sessions
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._database.state import (
        State,
        Workspace,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

MOST_ATTEMPTS = 99
# The version of the server that ends a database's sessions to drop it.
DROPS_BY_FORCE = 130000


def make_beside(tools: Tools, place: Workspace, state: State, jobs: int) -> None:
    """Restore the dump that was fetched, and note in ``state`` where; raises RecoveryError.

    What a killed run left is dropped, and the next attempt gets another name, so that a program of
    that run which still works finds nothing to work on.
    """
    _drop_unfinished(tools, place, state)
    live = live_database(tools, state.database)
    if live.oid != state.live_oid:
        raise RecoveryError(
            f"database {state.database}",
            "was replaced by another since the restore was begun",
            "Begin anew under another name",
        )
    name = _free_name(tools, place, state)
    tools.execute(creation(live, name), seconds=tools.seconds)
    made = database_of(tools, "datname", name)
    state.beside_oid = made.oid if made else 0
    place.save(state)
    backup = state.backup
    comment = (
        f"oncall.recovery: {state.name}, {backup['name']} of {iso(backup['made'])}, "
        f"approved by {state.approved_by}"
    )
    tools.must(
        f"database {name}",
        *("pg_restore", "--no-password", "--exit-on-error", f"--jobs={jobs}"),
        *(f"--dbname={conninfo(name)}", state.fetched),
    )
    tools.execute("ANALYZE;", name, seconds=tools.seconds)
    state.not_copied = copy_properties(tools, live, name)
    tools.execute(f"COMMENT ON DATABASE {identifier(name)} IS {literal(comment)};")


def _drop_unfinished(tools: Tools, place: Workspace, state: State) -> None:
    """Drop what an attempt has left that did not come to its end."""
    if not state.beside:
        return
    left = database_of(tools, "datname", state.beside)
    if left is not None and state.beside_oid in (0, left.oid) and left.oid != state.live_oid:
        end_sessions(tools, f"datid = {left.oid}")
        force = " WITH (FORCE)" if left.version >= DROPS_BY_FORCE else ""
        tools.execute(
            f"DROP DATABASE IF EXISTS {identifier(state.beside)}{force};", seconds=tools.seconds
        )
    state.beside, state.beside_oid = "", 0
    place.save(state)


def _free_name(tools: Tools, place: Workspace, state: State) -> str:
    """Choose a name that no database has, and write it down before there is one of it."""
    while state.attempts < MOST_ATTEMPTS:
        state.attempts += 1
        name = shortened(state.database, f"_{state.name}_{state.attempts}")
        if database_of(tools, "datname", name) is None:
            state.beside = name
            place.save(state)
            return name
    raise RecoveryError(
        f"restore {state.name}",
        f"was begun {MOST_ATTEMPTS} times",
        "Drop the databases that are in the way, and begin anew under another name",
    )
