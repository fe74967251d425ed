# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop's database, its backups, and what restores it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.support.modules import Answer, run_module

from .server import Server

ORDERS = 500
APPROVER = "Ada Lovelace"


@dataclass(frozen=True)
class Shop:
    """One database of the server.

    :param name: the live database.
    """

    server: Server
    name: str
    folder: Path

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def quoted(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    def build(self) -> None:
        self.backups.mkdir()
        self.server.sql(f"CREATE DATABASE {self.quoted};")
        self.sql(
            "CREATE TABLE visits (number int PRIMARY KEY, created_at timestamptz DEFAULT now());"
            "CREATE TABLE orders (id int PRIMARY KEY, paid bool, created_at timestamptz);"
            f"INSERT INTO orders SELECT n, true, now() FROM generate_series(1, {ORDERS}) n;"
        )

    def sql(self, script: str, database: str = "") -> str:
        return self.server.sql(script, database or self.name)

    def dump(self, name: str = "shop.dump", form: str = "custom") -> Path:
        return self.server.dump(self.name, self.backups / name, form)

    def orders(self, database: str = "") -> int:
        return int(self.sql("SELECT count(*) FROM orders;", database))

    def of(self, name: str) -> set[str]:
        """The databases of the server that have to do with this one."""
        return {found for found in self.server.databases() if found.startswith(name)}

    def options(self, **changed: Any) -> dict[str, Any]:
        return {
            "name": "INC-1",
            "database": self.name,
            "approved_by": APPROVER,
            "sources": [{"name": "disk", "path": str(self.backups)}],
            "folder": str(self.state),
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": "postgres",
            **changed,
        }

    def restore(self, *, check: bool = False, **changed: Any) -> Answer:
        """Run the module as Ansible does."""
        env = {**self.server.reach, "HOME": str(self.folder)}
        return run_module(
            "postgresql_restore", None, check=check, env=env, **self.options(**changed)
        )


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
