# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The team's checks of a restored database.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import conninfo
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import (
    PSQL,
    STOPPING,
    ToolError,
    run,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

MOST_CHARACTERS = 500


@dataclasses.dataclass(frozen=True)
class Check:
    """One check: SQL, a file of SQL, or a shell command; just one of them."""

    name: str
    sql: str = ""
    file: str = ""
    command: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> Check:
        parts = {key: options.get(key) or "" for key in ("sql", "file", "command")}
        given = [key for key, value in parts.items() if value]
        name = options.get("name") or next(iter(filter(None, parts.values())), "")
        if len(given) != 1:
            raise InvalidInput(
                f"check {name or 'without a name'}",
                f"has {' and '.join(given) or 'nothing to run'}",
                "Give it one of sql, file and command",
            )
        return cls(name, **parts)

    def problem(self, tools: Tools, database: str) -> str:
        """Why the database does not pass, "" where it does; raises ToolError."""
        if self.command:
            return self._problem_of_command(tools, database)
        script, where = (
            (f"{self.sql}\n;\n", "--file=-") if self.sql else ("", f"--file={self.file}")
        )
        output = tools.run(
            *("psql", *PSQL, STOPPING[0], where, f"--dbname={conninfo(database)}"),
            stdin=f"SET default_transaction_read_only = on;\n{script}" if self.sql else "",
        )
        if output.status:
            return output.last_words or f"psql ended with {output.status}"
        rows = [line for line in output.stdout.splitlines() if line]
        if self.sql and not rows:
            return "it selected nothing"
        others = [row for row in rows if row != "t"] if self.sql else []
        return f"it selected {others[0][:MOST_CHARACTERS]!r}, not true" if others else ""

    def _problem_of_command(self, tools: Tools, database: str) -> str:
        output = run(["sh", "-c", self.command], tools.environment(database), seconds=tools.seconds)
        if not output.status:
            return ""
        said = output.last_words or output.stdout.strip()[-MOST_CHARACTERS:]
        return f"exit code {output.status}{': ' if said else ''}{said}"


def run_checks(tools: Tools, checks: Sequence[Check], database: str) -> list[dict[str, t.Any]]:
    """Run all of them, whatever comes of the others: their names and what is wrong, if anything."""
    results = []
    for check in checks:
        try:
            problem = check.problem(tools, database)
        except ToolError as error:
            problem = error.message
        told = tools.without_secrets(problem)
        results.append({"name": check.name, "passed": not problem, "problem": told})
    return results


def require_all_passed(
    subject: str, results: Sequence[Mapping[str, t.Any]], **facts: t.Any
) -> None:
    """Raise RecoveryError where a check failed."""
    failed = [f"{one['name']} ({one['problem']})" for one in results if not one["passed"]]
    if failed:
        raise RecoveryError(
            subject,
            f"does not pass {'; '.join(failed)}",
            "Nothing was switched. Look into it; with another name, restore another backup",
            **facts,
        )
