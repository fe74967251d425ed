# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking all questions side by side, inside a time limit that holds whatever hangs.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import NoAnswer

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
        Answer,
        Question,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Signal

MOST_QUESTIONS_AT_ONCE = 8
# A question that keeps the limit itself knows better than we do what it waits for.
GRACE_SECONDS = 0.25


class Asker:
    """Asks the questions of some signals, as often as it is told to.

    What hangs, such as the look-up of a name, cannot be ended; it is left behind in a thread that
    does not keep the process alive, and no second one is started for that signal meanwhile.
    """

    def __init__(self, signals: Sequence[Signal], seconds: float) -> None:
        self._signals = signals
        self._seconds = seconds
        self._gate = threading.BoundedSemaphore(MOST_QUESTIONS_AT_ONCE)
        self._asked: dict[str, _Asked] = {}

    def ask(self) -> list[Answer | RecoveryError]:
        """For each signal the answer, or why there is none, within the time limit.

        Raises InvalidInput and MissingLibrary, which are nothing that a server answered.
        """
        deadline = time.monotonic() + self._seconds
        hanging = {name for name, asked in self._asked.items() if asked.is_alive()}
        for signal in self._signals:
            if signal.name not in hanging:
                self._asked[signal.name] = _Asked(signal.question, deadline, self._gate)
        return [
            NoAnswer("no answer", "an earlier question still waits for its own")
            if signal.name in hanging
            else self._asked[signal.name].answer_by(deadline, self._seconds)
            for signal in self._signals
        ]


class _Asked(threading.Thread):
    """One question, on its way."""

    def __init__(
        self, question: Question, deadline: float, gate: threading.BoundedSemaphore
    ) -> None:
        super().__init__(daemon=True)
        self._question, self._deadline, self._gate = question, deadline, gate
        self._answer: Answer | None = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        if not self._gate.acquire(timeout=max(0.0, self._deadline - time.monotonic())):
            return
        try:
            left = self._deadline - time.monotonic()
            if left > 0:
                self._answer = self._question.ask(left)
        except Exception as error:
            # Raised again by the one who waits for it.
            self._error = error
        finally:
            self._gate.release()

    def answer_by(self, deadline: float, seconds: float) -> Answer | RecoveryError:
        self.join(max(0.0, deadline - time.monotonic()) + GRACE_SECONDS)
        if isinstance(self._error, RecoveryError) and not isinstance(
            self._error, (InvalidInput, MissingLibrary)
        ):
            return self._error
        if self._error:
            raise self._error
        return self._answer or NoAnswer("no answer", f"none came within {seconds:g} s")
