# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking many sources side by side, for as long as the budget lasts and no longer.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import queue
import threading
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unreachable,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

Answer = t.TypeVar("Answer")
Otherwise = t.TypeVar("Otherwise")

READ, FORBIDDEN, ABSENT, LATE, FAILED = "read", "forbidden", "absent", "late", "failed"
# A client with no patience at all waits for an answer as long as it likes.
SHORTEST_PATIENCE_SECONDS = 0.1


@dataclasses.dataclass
class Source:
    """What one question came to: an outcome from above, in words, and the seconds it took."""

    name: str
    outcome: str = LATE
    detail: str = ""
    seconds: float = 0.0
    error: RecoveryError | None = None

    def as_result(self) -> dict[str, t.Any]:
        return {
            "name": self.name,
            "outcome": self.outcome,
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
        }


class Asked(t.Generic[Answer]):
    """A question that was asked; its answer is there, comes, or never does."""

    def __init__(self, source: Source, deadline: float) -> None:
        self.source = source
        self._deadline = deadline
        self.future: concurrent.futures.Future[Answer] = concurrent.futures.Future()

    def answer(self, otherwise: Otherwise) -> Answer | Otherwise:
        """What was answered by the deadline, else ``otherwise``; the source says why."""
        try:
            return self.future.result(timeout=remaining(self._deadline))
        except (concurrent.futures.TimeoutError, RecoveryError):
            return otherwise


class Gatherer:
    """Works off questions on a bounded number of threads. ``deadline`` is ``time.monotonic()``.

    The threads are daemons: one that waits for a dead server does not keep the module from leaving.
    """

    def __init__(self, deadline: float, threads: int) -> None:
        self._deadline = deadline
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue()
        self._asked: list[Asked[t.Any]] = []
        for _number in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def ask(self, name: str, question: Callable[[float], Answer]) -> Asked[Answer]:
        """Have ``question`` asked; it gets the seconds that are left for it."""
        asked: Asked[Answer] = Asked(Source(name), self._deadline)
        self._asked.append(asked)
        self._waiting.put(lambda: self._put(asked, question))
        return asked

    def finish(self) -> list[Source]:
        """Wait for all answers until the deadline; what became of each question."""
        concurrent.futures.wait(
            [asked.future for asked in self._asked], timeout=remaining(self._deadline)
        )
        # A copy each: a thread that comes late must not change what was told.
        told = [dataclasses.replace(asked.source) for asked in self._asked]
        for source in told:
            if source.outcome == LATE:
                source.detail = source.detail or "it did not answer within the budget"
        return told

    def _work(self) -> None:
        while True:
            self._waiting.get()()

    def _put(self, asked: Asked[Answer], question: Callable[[float], Answer]) -> None:
        started, source = time.monotonic(), asked.source
        left = remaining(self._deadline)
        if not left:
            source.detail = "there was no time left to ask it"
            return
        try:
            answer = question(max(left, SHORTEST_PATIENCE_SECONDS))
        except RecoveryError as error:
            source.seconds = time.monotonic() - started
            source.error, source.detail = error, error.message
            source.outcome = _outcome_of(error)
            asked.future.set_exception(error)
            return
        # Whatever else goes wrong in a thread must not leave the one who waits without an answer.
        except Exception as error:
            source.outcome, source.detail = FAILED, f"{type(error).__name__}: {error}"[:300]
            asked.future.set_exception(RecoveryError(source.name, source.detail))
            return
        source.seconds = time.monotonic() - started
        source.outcome = READ
        asked.future.set_result(answer)


def _outcome_of(error: RecoveryError) -> str:
    if isinstance(error, ApiError):
        if error.status in (401, 403):
            return FORBIDDEN
        # 503 is what the API server says where an aggregated API is registered and not there.
        if error.status == 404:
            return ABSENT
    return FAILED


def is_unreachable(source: Source) -> bool:
    """Whether the API server itself could not be asked."""
    if isinstance(source.error, Unreachable):
        return True
    return isinstance(source.error, ApiError) and source.error.status == 401
