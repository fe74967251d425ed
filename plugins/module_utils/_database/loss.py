# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore would lose, as far as the database itself can tell.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import (
    conninfo,
    identifier,
    literal,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import PSQL

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

# Ordinary and partitioned tables, not the partitions themselves.
TABLES = """
SELECT n.nspname AS schema, c.relname AS table,
       coalesce((SELECT json_agg(json_build_array(a.attname, y.typname) ORDER BY a.attnum)
                   FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND y.typname IN ('timestamptz', 'timestamp')
                    AND a.attname IN ({columns})), '[]') AS times
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
 ORDER BY pg_total_relation_size(c.oid) DESC, 1, 2 LIMIT {most}
"""
MOST_TABLES = 200
# People wait for the answer: what takes longer is not known.
SECONDS_OF_A_COUNT, SECONDS_OF_ALL, COUNTS_AT_ONCE = 5, 60.0, 5


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, and those of its columns that say when a row was written, with their types."""

    schema: str
    name: str
    times: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def newer_than(self, since: float) -> str:
        """A condition for the rows written later; times without a zone are taken for UTC."""
        moment = f"to_timestamp({since:.3f})"
        return " OR ".join(
            f"{identifier(column)} > {moment}"
            + (" AT TIME ZONE 'UTC'" if kind == "timestamp" else "")
            for column, kind in self.times
        )


def tables_of(tools: Tools, database: str, time_columns: Sequence[str]) -> list[Table]:
    """The tables of a database, the largest first; raises ToolError."""
    columns = ", ".join(map(literal, time_columns)) or "''"
    found = tools.rows(TABLES.format(columns=columns, most=MOST_TABLES), database)
    return [
        Table(row["schema"], row["table"], tuple((name, kind) for name, kind in row["times"]))
        for row in found
    ]


def count(tools: Tools, database: str, queries: Sequence[str]) -> list[int | None]:
    """The number that each query selects; None where it failed, or there was no time for it."""
    numbers: list[int | None] = []
    ends = time.monotonic() + SECONDS_OF_ALL
    while len(numbers) < len(queries) and time.monotonic() < ends:
        some = queries[len(numbers) : len(numbers) + COUNTS_AT_ONCE]
        numbers += _count_some(tools, database, some)
    return numbers + [None] * (len(queries) - len(numbers))


def _count_some(tools: Tools, database: str, queries: Sequence[str]) -> list[int | None]:
    script = [
        "SET default_transaction_read_only = on;",
        f"SET statement_timeout = '{SECONDS_OF_A_COUNT}s';",
        *(f"SELECT {index}, ({query});" for index, query in enumerate(queries)),
    ]
    output = tools.run(
        *("psql", *PSQL, "--field-separator=|", "--file=-", f"--dbname={conninfo(database)}"),
        stdin="\n".join([*script, ""]),
        # The server ends each by itself; this is for a server that does not answer.
        seconds=2 * SECONDS_OF_A_COUNT * (len(queries) + 1),
    )
    numbers: list[int | None] = [None] * len(queries)
    for line in output.stdout.splitlines():
        index, _bar, number = line.partition("|")
        if index.isdigit() and number.isdigit():
            numbers[int(index)] = int(number)
    return numbers


def what_is_lost(
    tools: Tools, database: str, since: float, time_columns: Sequence[str]
) -> list[dict[str, t.Any]]:
    """By table, how many rows were written since the backup, and by which columns that is known.

    ``rows`` is None where nothing tells: the table has no such column, or counting took too long.
    """
    tables = tables_of(tools, database, time_columns)
    told = [table for table in tables if table.times]
    queries = [
        f"SELECT count(*) FROM {table.quoted} WHERE {table.newer_than(since)}" for table in told
    ]
    rows = dict(zip(told, count(tools, database, queries), strict=True)) if told else {}
    return [
        {
            "table": str(table),
            "rows": rows.get(table),
            "by": [column for column, _kind in table.times],
        }
        for table in tables
    ]


def differences(tools: Tools, live: str, beside: str) -> list[dict[str, t.Any]]:
    """The tables whose number of rows is not the same in both, with both numbers.

    A number is None where there is no such table, or counting took too long.
    """
    both = [tables_of(tools, database, ()) for database in (live, beside)]
    counted = [
        dict(
            zip(
                map(str, tables),
                count(tools, name, [f"SELECT count(*) FROM {table.quoted}" for table in tables]),
                strict=True,
            )
        )
        for name, tables in zip((live, beside), both, strict=True)
    ]
    names = dict.fromkeys([*counted[1], *counted[0]])
    pairs = [(name, counted[0].get(name), counted[1].get(name)) for name in names]
    return [
        {"table": name, "live": in_live, "restored": in_beside}
        for name, in_live, in_beside in pairs
        if in_live is None or in_live != in_beside
    ]
