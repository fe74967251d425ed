# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of a test's own, on loopback, and clients that use it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.alerting.servers import free_port

SUPERUSER, PASSWORD = "postgres", "s3cret of the superuser"
SHARED_MEMORY, ROOM = Path("/dev/shm"), 4 << 30
# What a server of tests need not do, so that it is quick.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "log_statement": "all",
    "max_prepared_transactions": "2",
    "synchronous_commit": "off",
}


def bin_dir() -> Path:
    """Where Debian has the programs of the newest PostgreSQL that is installed."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return max(folders, key=lambda folder: float(folder.parent.name))


def folder_of_server() -> Path:
    """A new folder for a server, in memory where there is room, which is quicker by half.

    It is not below pytest's folder, which the server's own user cannot get to.
    """
    is_roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ROOM
    parent = SHARED_MEMORY if is_roomy else None
    return Path(tempfile.mkdtemp(prefix="oncall-recovery-postgresql-", dir=parent))


def as_server_user() -> list[str]:
    """What runs a command as somebody whom the server accepts: it refuses root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]


@dataclass
class Server:
    """A running server."""

    folder: Path
    port: int
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def reach(self) -> dict[str, str]:
        """The environment of a client."""
        return {
            "PATH": f"{bin_dir()}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": PASSWORD,
        }

    def run(self, *command: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            input=stdin,
            env={**self.reach, **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sql(self, script: str, database: str = "postgres") -> str:
        """What psql prints for a script."""
        done = self.run("psql", "-XqAt", "-vON_ERROR_STOP=1", stdin=script, PGDATABASE=database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def databases(self) -> set[str]:
        return set(self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate").split("\n"))

    def dump(self, database: str, path: Path, form: str = "custom") -> Path:
        done = self.run("pg_dump", f"--format={form}", f"--file={path}", PGDATABASE=database)
        assert done.returncode == 0, done.stderr
        return path


@contextlib.contextmanager
def running(folder: Path, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """A new server with its data in ``folder``, which is there; it ends with the block."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data, server = folder / "data", Server(folder, free_port(), dict(settings or {}))
    _must("initdb", f"--pgdata={data}", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync")
    options = {**SETTINGS, "port": str(server.port), "unix_socket_directories": str(folder)}
    written = "".join(f"{k} = '{v}'\n" for k, v in {**options, **server.settings}.items())
    with (data / "postgresql.conf").open("a") as file:
        file.write(written)
    _must("pg_ctl", f"--pgdata={data}", f"--log={server.log}", "--wait", "start")
    try:
        yield server
    finally:
        _must("pg_ctl", f"--pgdata={data}", "--mode=immediate", "--wait", "stop")


def _must(program: str, *arguments: str) -> None:
    command: Sequence[str] = [*as_server_user(), str(bin_dir() / program), *arguments]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


class Load:
    """Clients that write to and read from a database, and connect anew where they are thrown out.

    :param written: the numbers that the server has acknowledged, in their order.
    """

    def __init__(self, server: Server, database: str, clients: int = 3) -> None:
        self.server, self.database = server, database
        self.written: list[int] = []
        self.refused: list[str] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._next = 0
        self._threads = [threading.Thread(target=self._work) for _client in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            with self._lock:
                self._next += 1
                number = self._next
            script = f"INSERT INTO visits (number) VALUES ({number}); SELECT pg_sleep(0.01);"
            done = self.server.run(
                "psql", "-XqAt", "-vON_ERROR_STOP=1", stdin=script, PGDATABASE=self.database
            )
            with self._lock:
                if done.returncode == 0:
                    self.written.append(number)
                else:
                    self.refused.append(done.stderr)
