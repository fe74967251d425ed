# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that a command writes: looking into one on the way, and bringing one here.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
    CUSTOM,
    MAGIC,
    environment_of_others,
    form_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError
from ansible_collections.oncall.recovery.plugins.module_utils._redact import masked_text

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
        Backup,
        Source,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

CHUNK = 1 << 20
SECONDS_TO_READ_LIST = 120.0
MOST_CHARACTERS_OF_AN_ERROR = 500


class NotACustomDump(Exception):
    """The stream begins with something else."""


@contextlib.contextmanager
def _fetching(
    source: Source, backup: Backup, seconds: float
) -> Iterator[tuple[subprocess.Popen[bytes], t.BinaryIO, Callable[[], str]]]:
    """The running fetch_command, its output, and what tells its errors; it ends with the block."""
    command = source.fetching(backup.name)
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command,
                env=environment_of_others(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        except OSError as error:
            raise ToolError(
                f"source {source.name}", f"{command[0]} cannot be run ({error.strerror})"
            ) from None
        stream = t.cast("t.BinaryIO", process.stdout)
        killer = threading.Timer(seconds, process.kill)
        killer.start()

        def errors() -> str:
            said.seek(0)
            lines = masked_text(said.read(1 << 16).decode("utf-8", "replace")).splitlines()
            text = "; ".join(line.strip() for line in lines if line.strip())
            return text[-MOST_CHARACTERS_OF_AN_ERROR:] or f"exit code {process.returncode}"

        try:
            yield process, stream, errors
        finally:
            killer.cancel()
            process.kill()
            process.wait()
            stream.close()


def list_of_stream(tools: Tools, source: Source, backup: Backup) -> str:
    """What pg_restore --list says of what a command writes, of which it reads the beginning.

    Raises NotACustomDump, and ToolError where the command or pg_restore fails.
    """
    with _fetching(source, backup, SECONDS_TO_READ_LIST) as (process, stream, errors):
        head = stream.read(len(MAGIC))
        if not head:
            process.wait()
            raise ToolError(backup.name, f"fetch_command wrote nothing ({errors()})")
        if head != MAGIC:
            raise NotACustomDump
        listing = subprocess.Popen(
            [tools.program("pg_restore"), "--list"],
            env=tools.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        feeder = threading.Thread(target=_feed, args=(listing, head, stream), daemon=True)
        feeder.start()
        output, said = _both_ends(listing)
    feeder.join(SECONDS_TO_READ_LIST)
    if listing.returncode:
        raise ToolError(backup.name, f"pg_restore --list: {said or listing.returncode}")
    return output


def _feed(process: subprocess.Popen[bytes], head: bytes, stream: t.BinaryIO) -> None:
    """Give a process the stream until it has read enough."""
    stdin = t.cast("t.BinaryIO", process.stdin)
    with contextlib.suppress(OSError, ValueError):
        stdin.write(head)
        while chunk := stream.read(1 << 16):
            stdin.write(chunk)
    with contextlib.suppress(OSError):
        stdin.close()


def _both_ends(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """What a process printed and what it complained of, while somebody else feeds it."""
    stdout, stderr = (t.cast("t.BinaryIO", end) for end in (process.stdout, process.stderr))
    complaints: list[bytes] = []
    listener = threading.Thread(target=lambda: complaints.append(stderr.read()), daemon=True)
    listener.start()
    output = stdout.read()
    process.wait()
    listener.join()
    stdout.close()
    stderr.close()
    said = masked_text(b"".join(complaints).decode("utf-8", "replace")).strip()
    return output.decode("utf-8", "replace"), said


def fetch(tools: Tools, backup: Backup, source: Source, folder: Path) -> Path:
    """Bring the backup into the folder and return where it is; raises ToolError.

    Only a whole one gets its final name: what a killed run leaves ends in .part.
    """
    target = folder / "fetched"
    for stale in [target, *folder.glob("fetched*.part")]:
        remove(stale)
    part = folder / f"fetched.{os.getpid()}.part"
    ends = time.monotonic() + tools.seconds
    with _fetching(source, backup, tools.seconds) as (process, stream, errors):
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(stream, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
        if process.wait():
            why = errors() if time.monotonic() < ends else f"not done in {tools.seconds:g} s"
            raise ToolError(
                f"backup {backup.name}", f"fetch_command failed ({why})", "Run it by hand"
            )
    if form_of(part) != CUSTOM:
        unpacked = folder / f"fetched.{os.getpid()}.folder.part"
        _unpack(backup, part, unpacked)
        part.unlink()
        part = unpacked
    part.replace(target)
    return target


def remove(path: Path) -> None:
    """Remove a file or a folder, whether it is there or not."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _unpack(backup: Backup, archive: Path, folder: Path) -> None:
    """Unpack a directory that came as a tar archive. It is flat, so no path in it is believed."""
    folder.mkdir(mode=0o700)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None and name not in ("", ".", ".."):
                    with (folder / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ToolError(
            f"backup {backup.name}",
            f"is neither a dump in custom format nor a tar archive of a directory ({error})",
            "Choose another with backup",
        ) from None
