# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where backups are: a folder, or behind a pair of commands that list and fetch.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import typing as t
import unicodedata
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import iso, moment
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError, run
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CUSTOM, DIRECTORY, BASE, REMOTE = "custom", "directory", "base", "remote"
# What pg_dump begins an archive in its custom format with.
MAGIC = b"PGDMP"
PLACEHOLDER = re.compile(r"\{(?:quoted_)?name\}")
SECONDS_TO_LIST = 120.0
# A line that is no JSON: size in bytes, time, name, as find -printf '%s %T@ %P\n' prints them.
LINE = re.compile(r"(\d+)\s+(\S+)\s(.+)")
LINE_TO_WRITE = r"find DIR -type f -printf '%s %T@ %P\n'"


@dataclasses.dataclass(frozen=True)
class Backup:
    """One backup.

    :param name: what it is called where it is.
    :param source: name of its source.
    :param form: custom, directory, base, or remote as long as it was not looked into.
    :param size: bytes.
    :param made: when it was begun, in seconds since 1970; by its file until it was looked into.
    :param database: the one that it was made of, "" where that is not known.
    :param problem: why it cannot be used, "" where nothing is known against it.
    """

    name: str
    source: str
    form: str
    path: str
    size: int
    made: float
    database: str = ""
    server_version: str = ""
    entries: int = 0
    is_read: bool = False
    problem: str = ""

    def as_result(self, now: float) -> dict[str, t.Any]:
        return {
            "name": self.name,
            "source": self.source,
            "format": self.form,
            "size": self.size,
            "made": iso(self.made),
            "age": max(0, int(now - self.made)),
            "database": self.database,
            "server_version": self.server_version,
            "entries": self.entries,
            "problem": self.problem,
        }


@dataclasses.dataclass(frozen=True)
class Source:
    """Where backups are; either a path, or commands.

    :param restore_command: what brings WAL for base backups, as PostgreSQL's setting of this name.
    """

    name: str
    path: Path | None = None
    list_command: tuple[str, ...] = ()
    fetch_command: tuple[str, ...] = ()
    restore_command: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> Source:
        path = options.get("path")
        listing, fetching = (
            tuple(options.get(key) or ()) for key in ("list_command", "fetch_command")
        )
        name = options.get("name") or path or " ".join(listing)
        if bool(path) == bool(listing) or bool(listing) != bool(fetching):
            raise InvalidInput(
                f"source {name or 'without a name'}",
                "needs either a path, or both list_command and fetch_command",
                "Correct sources",
            )
        wal, restoring = options.get("wal_path"), options.get("restore_command") or ""
        if wal and restoring:
            raise InvalidInput(
                f"source {name}", "has both wal_path and restore_command", "Give it one of them"
            )
        if wal:
            restoring = copying_from(Path(wal))
        return cls(name, Path(path) if path else None, listing, fetching, restoring)

    def fetching(self, backup: str) -> list[str]:
        """The command that writes this backup to its output."""
        values = {"{name}": backup, "{quoted_name}": shlex.quote(backup)}
        return [
            PLACEHOLDER.sub(lambda found: values[found[0]], part) for part in self.fetch_command
        ]

    def backups(self) -> Iterator[Backup]:
        """What is there, in no order; raises RecoveryError where it cannot be listed."""
        return self._in_folder(self.path) if self.path else self._behind_command()

    def _in_folder(self, folder: Path) -> Iterator[Backup]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise RecoveryError(
                f"folder {folder}", f"cannot be listed ({error.strerror})", "Correct sources"
            ) from None
        for entry in entries:
            path = Path(entry.path)
            form = form_of(path)
            if form and entry.name.isprintable():
                yield Backup(entry.name, self.name, form, entry.path, size_of(path), time_of(path))

    def _behind_command(self) -> Iterator[Backup]:
        output = run(self.list_command, environment_of_others(), seconds=SECONDS_TO_LIST)
        if output.status:
            raise ToolError(
                f"source {self.name}",
                f"list_command failed ({output.last_words or output.status})",
                "Run it by hand",
            )
        for name, size, made in listed(self.name, output.stdout):
            if not any(unicodedata.category(character) == "Cc" for character in name):
                yield Backup(name, self.name, REMOTE, "", size, made)


def copying_from(wal: Path) -> str:
    """The restore_command that copies WAL from a folder."""
    folder = shlex.quote(str(wal)).replace("%", "%%")
    return f'cp -- {folder}/%f "%p"'


def environment_of_others() -> dict[str, str]:
    """The environment of programs that are not PostgreSQL's: without its password."""
    return {name: value for name, value in os.environ.items() if name != "PGPASSWORD"}


def listed(source: str, text: str) -> Iterator[tuple[str, int, float]]:
    """Name, size and time of what a command listed: JSON as of rclone lsjson, or lines."""
    try:
        if text.lstrip().startswith("["):
            for entry in json.loads(text):
                if not entry.get("IsDir"):
                    made = moment("ModTime", re.sub(r"\.\d+", "", entry["ModTime"]))
                    yield entry.get("Path") or entry["Name"], int(entry["Size"]), made or 0.0
            return
        for line in filter(None, text.splitlines()):
            found = LINE.fullmatch(line)
            if not found:
                raise ValueError(f"no size, time and name: {line[:80]!r}")
            size, at, name = found.groups()
            is_number = re.fullmatch(r"\d+(\.\d+)?", at)
            yield name, int(size), float(at) if is_number else moment("the time", at) or 0.0
    except (ValueError, KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise RecoveryError(
            f"source {source}",
            f"list_command printed what is no list of backups ({error})",
            f"Have it print JSON as rclone lsjson does, or lines as {LINE_TO_WRITE} does",
        ) from None


def form_of(path: Path) -> str:
    """Which format of backup this is, "" where it is none."""
    try:
        if path.is_file():
            with path.open("rb") as stream:
                return CUSTOM if stream.read(len(MAGIC)) == MAGIC else ""
        if (path / "toc.dat").is_file():
            return DIRECTORY
        # pg_basebackup writes the manifest last.
        if (path / "backup_manifest").is_file():
            return BASE
    except OSError:
        pass
    return ""


def size_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(entry.lstat().st_size for entry in path.rglob("*") if entry.is_file())


def time_of(path: Path) -> float:
    """When it was written, as far as the file system knows."""
    for name in ("toc.dat", "backup_manifest"):
        if (path / name).is_file():
            return (path / name).stat().st_mtime
    return path.stat().st_mtime
