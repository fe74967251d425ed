# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second server beside the live one, which a base backup and its WAL bring to a point in time.

It listens on a socket in a folder of its own and on no port, archives nothing, and reads nothing of
the configuration that came with the backup.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import re
import shutil
import time
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import iso
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import (
    ToolError,
    Tools,
    run,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Source

# Without these as high as they were, a server refuses to replay WAL: pg_controldata's name of each.
AT_LEAST = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
# The longest path of a socket is 107 bytes, and its name takes 18 of them.
LONGEST_SOCKET_FOLDER = 88
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_STOP = 60.0
MOST_LINES_OF_LOG = 6
ELSEWHERE = (
    *("PGCHANNELBINDING", "PGHOSTADDR", "PGPASSWORD", "PGREQUIREAUTH", "PGSERVICE"),
    "PGTARGETSESSIONATTRS",
)
REPLACED_FILES = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
LEFT_BEHIND = ("postmaster.pid", "postmaster.opts", "standby.signal", "recovery.signal")


@dataclasses.dataclass(frozen=True)
class Instance:
    """The second server.

    :param folder: everything of it, removed when it has served.
    :param user: who runs it, "" for who runs this; the server refuses to be run by root.
    """

    tools: Tools
    folder: Path
    user: str = ""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def clients(self) -> Tools:
        """The same programs, for this server."""
        reach = {
            "PGHOST": str(self.folder),
            "PGPORT": "5432",
            "PGUSER": self.tools.environment().get("PGUSER") or "postgres",
        }
        # What is for the live server must not lead its clients there.
        return dataclasses.replace(self.tools, reach={**reach, **dict.fromkeys(ELSEWHERE, "")})

    def require_possible(self) -> None:
        """Raise InvalidInput where a server could not be run here."""
        if os.geteuid() == 0 and self.user in ("", "root"):
            raise InvalidInput(
                "instance_user", "is not set, and no server runs as root", "Set it to postgres"
            )
        if os.geteuid() != 0 and self.user not in ("", pwd.getpwuid(os.geteuid()).pw_name):
            raise InvalidInput(
                "instance_user", f"takes root to be {self.user}", "Leave it out, or become root"
            )
        if self.user and not _is_user(self.user):
            raise InvalidInput("instance_user", f"{self.user} is not known here", "Correct it")
        above = next(place for place in self.folder.parents if place.exists())
        if (
            self.user
            and run(["test", "-x", str(above)], os.environ, seconds=9, user=self.user).status
        ):
            raise InvalidInput(
                "instance_folder",
                f"{self.user} cannot enter {above}",
                "Set it to a folder that this user can enter, such as /var/lib/postgresql",
            )
        if len(str(self.folder).encode()) > LONGEST_SOCKET_FOLDER:
            raise InvalidInput(
                "instance_folder",
                f"{self.folder} is too long for the path of a socket",
                f"Set it to a folder of less than {LONGEST_SOCKET_FOLDER} bytes with the name",
            )

    def prepare(self, base: Path, source: Source, before: float | None) -> None:
        """Copy a base backup and say how far to recover; raises ToolError."""
        self.remove()
        self.folder.mkdir(mode=0o700, parents=True)
        if any((base / "pg_tblspc").iterdir()):
            raise ToolError(
                f"backup {base.name}",
                "has tablespaces of its own, whose folders are in use",
                "Restore it by hand, with other folders for them",
            )
        shutil.copytree(base, self.data, symlinks=True)
        for name in (*REPLACED_FILES, *LEFT_BEHIND):
            (self.data / name).unlink(missing_ok=True)
        self._write("postgresql.conf", configuration(self._settings(source, before)))
        # Only who may enter the folder of the socket gets as far as this.
        self._write("pg_hba.conf", "local all all trust\n")
        self._write("pg_ident.conf", "")
        self._write("recovery.signal", "")
        self.data.chmod(0o700)
        if self.user:
            self._give_away()

    def _settings(self, source: Source, before: float | None) -> dict[str, str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "archive_mode": "off",
            "logging_collector": "off",
            "recovery_target_action": "promote",
            **self._least(),
        }
        if source.restore_command:
            settings["restore_command"] = source.restore_command
        else:
            # No more is known than what is in the backup itself.
            settings["recovery_target"] = "immediate"
        if before is not None and source.restore_command:
            settings["recovery_target_time"] = iso_exact(before)
            settings["recovery_target_inclusive"] = "off"
        return settings

    def _least(self) -> dict[str, str]:
        told = self.tools.must(
            f"backup in {self.data}", "pg_controldata", f"--pgdata={self.data}"
        ).stdout
        facts = dict(re.findall(r"^([^:\n]+):\s+(.*)$", told, re.MULTILINE))
        return {name: facts[said] for name, said in AT_LEAST.items() if said in facts}

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def _give_away(self) -> None:
        """Make it all belong to who runs the server."""
        entry = pwd.getpwnam(self.user)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def start(self) -> None:
        """Start it and wait until it has recovered; raises ToolError with what its log says."""
        deadline = time.monotonic() + self.tools.seconds
        # This ends where the server is gone, or lets clients in, be it before it has recovered.
        self.tools.run(
            *("pg_ctl", f"--pgdata={self.data}", f"--log={self.log}", "--wait"),
            *(f"--timeout={self.tools.seconds:.0f}", "start"),
            user=self.user,
            seconds=self.tools.seconds + SECONDS_TO_STOP,
            is_daemon=True,
        )
        while not self._has_recovered():
            if not self._is_running():
                raise ToolError(
                    "second server",
                    f"did not get to the point in time ({self.last_words})",
                    "Is the WAL up to then in the archive?",
                )
            if time.monotonic() > deadline:
                raise ToolError(
                    "second server",
                    f"did not recover within {self.tools.seconds:g} s",
                    "Allow more with timeout",
                )
            time.sleep(SECONDS_BETWEEN_LOOKS)

    @property
    def last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "it has no log"
        telling = [line for line in lines if re.search(r" (FATAL|PANIC|ERROR|HINT):", line)]
        return "; ".join((telling or lines)[-MOST_LINES_OF_LOG:])

    def _has_recovered(self) -> bool:
        try:
            rows = self.clients.rows("SELECT NOT pg_is_in_recovery() AS is_over", "postgres")
        except ToolError:
            return False
        return bool(rows[0]["is_over"])

    def _is_running(self) -> bool:
        return not self.tools.run(
            "pg_ctl", f"--pgdata={self.data}", "status", user=self.user
        ).status

    def remove(self) -> None:
        """Stop it, whatever it does, and remove all of it."""
        if (self.data / "postmaster.pid").exists() and self._is_running():
            self.tools.must(
                "second server",
                *("pg_ctl", f"--pgdata={self.data}", "--mode=immediate", "--wait", "stop"),
                user=self.user,
                seconds=SECONDS_TO_STOP,
            )
        if self.folder.exists():
            shutil.rmtree(self.folder)


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def configuration(settings: Mapping[str, str]) -> str:
    """The settings as postgresql.conf has them."""
    quoted = {
        name: value.replace("\\", "\\\\").replace("'", "''") for name, value in settings.items()
    }
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())


def iso_exact(seconds: float) -> str:
    """The moment in UTC to the microsecond, which is how exactly PostgreSQL tells times."""
    whole = iso(seconds).removesuffix("Z")
    return f"{whole}.{round(seconds % 1 * 1_000_000):06d}+00"


def judge_base(tools: Tools, base: Path, *, reads_all: bool) -> str:
    """What pg_verifybackup finds wrong with a base backup, "" where it finds nothing."""
    arguments = [] if reads_all else ["--skip-checksums"]
    wal = base / "pg_wal"
    if not any(path.is_file() for path in wal.iterdir()):
        # The WAL is in the archive alone.
        arguments.append("--no-parse-wal")
    output = tools.run("pg_verifybackup", "--exit-on-error", *arguments, str(base))
    return f"pg_verifybackup: {output.last_words or output.status}" if output.status else ""
