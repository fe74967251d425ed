# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live database as its server describes it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import guard
from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import literal
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

# to_jsonb, because versions of PostgreSQL differ in the columns of pg_database.
DATABASE = """
SELECT to_jsonb(d) - 'datacl' AS row, d.oid::bigint AS oid, pg_get_userbyid(d.datdba) AS owner,
       pg_encoding_to_char(d.encoding) AS encoding,
       (SELECT spcname FROM pg_tablespace s WHERE s.oid = d.dattablespace) AS tablespace,
       pg_database_size(d.oid) AS size,
       pg_has_role(d.datdba, 'USAGE') AS is_owner,
       r.rolsuper AS is_superuser, r.rolcreatedb AS can_create,
       r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') AS can_signal,
       pg_is_in_recovery() AS is_standby,
       current_setting('server_version_num')::int AS version,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid) AS sessions,
       (SELECT coalesce(json_agg(gid), '[]') FROM pg_prepared_xacts p WHERE p.database = d.datname)
           AS prepared,
       (SELECT coalesce(json_agg(slot_name), '[]') FROM pg_replication_slots l
           WHERE l.database = d.datname) AS slots,
       (SELECT count(*) FROM pg_subscription b WHERE b.subdbid = d.oid) AS subscriptions
FROM pg_database d, pg_roles r
WHERE r.rolname = current_user AND d.{column} = {value}
"""


@dataclasses.dataclass(frozen=True)
class Database:
    """One database of the server, as it is now; ``size`` in bytes."""

    name: str
    oid: int
    size: int
    sessions: int
    facts: Mapping[str, t.Any]

    @property
    def version(self) -> int:
        return int(self.facts["version"])


def database_of(tools: Tools, column: str, value: str) -> Database | None:
    """The database with this ``datname`` or ``oid``, None where there is none."""
    found = tools.rows(DATABASE.format(column=column, value=literal(value)))
    if not found:
        return None
    (facts,) = found
    name = facts["row"]["datname"]
    return Database(name, facts["oid"], facts["size"], facts["sessions"], facts)


def live_database(tools: Tools, name: str) -> Database:
    """The live database; raises RecoveryError where the server has none of this name."""
    live = database_of(tools, "datname", name)
    if live is None:
        raise RecoveryError(
            f"database {name}",
            "the server has no database of this name",
            "Correct it or how the server is reached; if it was dropped, create an empty one first",
        )
    return live


def names_by_oid(tools: Tools, *oids: int) -> dict[int, str]:
    """What these databases are called now."""
    listed = ", ".join(str(oid) for oid in oids)
    found = tools.rows(
        f"SELECT oid::bigint AS oid, datname FROM pg_database WHERE oid IN ({listed})"
    )
    return {row["oid"]: row["datname"] for row in found}


def judge_server(live: Database, *, renames: bool) -> list[dict[str, str]]:
    """The guards about the server, and about what the connecting role may do there."""
    facts = live.facts
    standby = "the server is a standby; connect to its primary"
    guards = [
        guard("primary", "block", standby)
        if facts["is_standby"]
        else guard("primary", "pass", "the server can be written to")
    ]
    lacks = []
    if not (facts["is_superuser"] or facts["can_create"]):
        lacks.append("CREATEDB")
    if not facts["is_owner"]:
        lacks.append(f"membership in {facts['owner']}, who owns {live.name}")
    if renames and not facts["can_signal"]:
        lacks.append("pg_signal_backend")
    guards.append(
        guard("rights", "block", f"the role lacks {', '.join(lacks)}")
        if lacks
        else guard("rights", "pass", "the role may do all that is needed")
    )
    if not renames:
        return guards
    if facts["prepared"]:
        which = ", ".join(facts["prepared"][:5])
        says = f"prepared transactions keep {live.name} from being renamed: {which}"
        guards.append(guard("prepared_transactions", "block", says))
    if facts["slots"] or facts["subscriptions"]:
        says = (
            f"logical replication stays with the kept database: slots {facts['slots']}, "
            f"{facts['subscriptions']} subscriptions"
        )
        guards.append(guard("replication", "warn", says))
    return guards
