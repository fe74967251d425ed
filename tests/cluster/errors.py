# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of this package, made to be read by a person in a terminal."""

from __future__ import annotations

from pathlib import Path

LOG_TAIL_LINES = 15


class ClusterError(Exception):
    """Something about the cluster did not work.

    :param cause: what failed and why, naming the object.
    :param next_step: what the reader can do about it.
    :param log: the log whose last lines tell more, when there is one.
    """

    def __init__(self, cause: str, next_step: str, log: Path | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step
        self.log = log

    def __str__(self) -> str:
        lines = [self.cause]
        if self.log is not None and self.log.exists():
            lines.append(f"last lines of {self.log}:")
            lines.extend(f"    {line}" for line in tail(self.log, LOG_TAIL_LINES))
        lines.append(f"next: {self.next_step}")
        return "\n".join(lines)


def tail(log: Path, count: int) -> list[str]:
    """The last ``count`` lines of ``log``, each cut to a screen's width."""
    with log.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 400 * count))
        text = stream.read().decode("utf-8", "replace")
    return [line[:300] for line in text.splitlines()[-count:]]
