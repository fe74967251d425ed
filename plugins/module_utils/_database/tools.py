# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running PostgreSQL's own client programs, with the password in their environment alone.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pwd
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import conninfo
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK, masked_text

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# libpq's variable of each option that says how to reach the server.
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}
PSQL = ("--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align")
STOPPING = ("--set=ON_ERROR_STOP=1", "--file=-")
SECONDS_TO_CONNECT = "10"
SECONDS_OF_A_QUESTION = 60.0
MOST_LINES_OF_AN_ERROR = 6


class ToolError(RecoveryError):
    """A program ended with an error, or did not end in time."""


@dataclasses.dataclass(frozen=True)
class Output:
    """What a program left, secrets masked in what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return "; ".join(lines[-MOST_LINES_OF_AN_ERROR:])


@dataclasses.dataclass(frozen=True)
class Tools:
    """The programs, and the server that they talk to.

    :param reach: libpq's variables, such as PGHOST; what is not in them comes from the environment,
        and one that is empty is not set, whatever the environment says.
    :param bin_dir: where the programs are, "" for the search path.
    :param label: the application name of every session, by which the server knows them.
    :param seconds: the longest that a program may take which reads or writes a whole database.
    :param maintenance: the database to be connected to when another is worked on.
    """

    reach: Mapping[str, str] = dataclasses.field(default_factory=dict)
    bin_dir: str = ""
    label: str = "oncall.recovery"
    seconds: float = 4 * 3600.0
    maintenance: str = "postgres"

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> Tools:
        reach = {
            variable: str(options[option])
            for option, variable in VARIABLES.items()
            if options.get(option) not in (None, "")
        }
        return cls(
            reach,
            bin_dir=options.get("bin_dir") or "",
            seconds=float(options.get("timeout") or cls.seconds),
            maintenance=options.get("maintenance_database") or cls.maintenance,
        )

    def labelled(self, label: str) -> Tools:
        return dataclasses.replace(self, label=label)

    @property
    def secrets(self) -> set[str]:
        """The passwords that its programs get, whether from the options or the environment."""
        password = self.environment().get("PGPASSWORD")
        return {password} if password else set()

    def without_secrets(self, text: str) -> str:
        """The text as it may be written down; what a check prints may have anything in it."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return masked_text(text)

    def environment(self, database: str = "") -> dict[str, str]:
        """The environment of a program; of one that does not connect, too."""
        fixed = {
            "PGDATABASE": database or self.maintenance,
            "PGAPPNAME": self.label,
            "PGCLIENTENCODING": "UTF8",
            "LC_ALL": "C.UTF-8",
        }
        waits = {"PGCONNECT_TIMEOUT": SECONDS_TO_CONNECT}
        variables = {**waits, **os.environ, **self.reach, **fixed}
        return {name: value for name, value in variables.items() if self.reach.get(name) != ""}

    def program(self, name: str) -> str:
        return str(Path(self.bin_dir) / name) if self.bin_dir else name

    def run(
        self,
        name: str,
        *arguments: str,
        database: str = "",
        stdin: str = "",
        seconds: float | None = None,
        user: str = "",
        is_daemon: bool = False,
    ) -> Output:
        """Run a program of PostgreSQL; raises ToolError where it is missing or takes too long.

        ``user`` is who runs it, "" for who runs this. What ``is_daemon`` leaves something running
        that would keep its output open, so it has none.
        """
        return run(
            [self.program(name), *arguments],
            self.environment(database),
            stdin=stdin,
            seconds=seconds or self.seconds,
            user=user,
            is_daemon=is_daemon,
        )

    def must(self, subject: str, name: str, *arguments: str, **how: t.Any) -> Output:
        """The same; raises ToolError where it ends with an error, too."""
        output = self.run(name, *arguments, **how)
        if output.status:
            raise ToolError(subject, f"{name} failed ({output.last_words or output.status})")
        return output

    def execute(self, sql: str, database: str = "", seconds: float = SECONDS_OF_A_QUESTION) -> str:
        """Run SQL by psql and return what it printed; raises ToolError."""
        where = database or self.maintenance
        return self.must(
            f"database {where}",
            *("psql", *PSQL, *STOPPING, f"--dbname={conninfo(where)}"),
            database=database,
            stdin=f"{sql}\n",
            seconds=seconds,
        ).stdout

    def rows(
        self, query: str, database: str = "", seconds: float = SECONDS_OF_A_QUESTION
    ) -> list[dict[str, t.Any]]:
        """The rows of a query, in a transaction that can only read."""
        found = self.execute(
            "BEGIN READ ONLY;\n"
            f"SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM (\n{query}\n) found;\n"
            "COMMIT;",
            database,
            seconds,
        )
        return list(json.loads(found))


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: str = "",
    seconds: float,
    user: str = "",
    is_daemon: bool = False,
) -> Output:
    """Run any program; raises ToolError where it is missing or takes too long."""
    ends = subprocess.DEVNULL if is_daemon else subprocess.PIPE
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            input=stdin.encode(),
            stdout=ends,
            stderr=ends,
            timeout=seconds,
            check=False,
            **(_identity(user) if user else {}),
        )
    except FileNotFoundError:
        raise ToolError(
            command[0], "is not installed", "Install PostgreSQL's client programs or set bin_dir"
        ) from None
    except OSError as error:
        raise ToolError(command[0], f"cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise ToolError(
            command[0], f"did not end within {seconds:g} s", "Allow more with timeout"
        ) from None
    stdout, stderr = ((end or b"").decode("utf-8", "replace") for end in (done.stdout, done.stderr))
    return Output(done.returncode, stdout, masked_text(stderr))


def _identity(user: str) -> dict[str, t.Any]:
    """What makes a process one of this user; raises ToolError where there is none."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ToolError(f"user {user}", "is not known here", "Correct instance_user") from None
    groups = os.getgrouplist(user, entry.pw_gid)
    # Where this was started may be closed to that user.
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups, "cwd": "/"}
