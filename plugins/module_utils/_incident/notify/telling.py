# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling side by side, inside a time limit that holds whatever hangs.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.trouble import (
    Undelivered,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.5
SHORTEST_ATTEMPT_SECONDS = 0.1
# An attempt that keeps the limit itself knows better than we do what it waits for.
GRACE_SECONDS = 0.25


class Message(t.Protocol):
    """What goes to one receiver."""

    def shown(self) -> dict[str, t.Any]:
        """What a person may see of it: ``address`` and ``body``, without secrets."""

    def send(self, seconds: float) -> None:
        """Send it once; each step may take so many seconds. Raises Undelivered."""


def tell(messages: Mapping[str, Message], seconds: float) -> dict[str, Undelivered | None]:
    """Send all of them; by the same names, None or why it has not arrived.

    What hangs, such as the look-up of a name, cannot be ended; it is left behind in a thread that
    does not keep the process alive.
    """
    deadline = time.monotonic() + seconds
    tellings = {name: _Telling(message, deadline) for name, message in messages.items()}
    return {name: telling.outcome_by(deadline, seconds) for name, telling in tellings.items()}


class _Telling(threading.Thread):
    """One message, on its way."""

    def __init__(self, message: Message, deadline: float) -> None:
        super().__init__(daemon=True)
        self._message, self._deadline = message, deadline
        self._outcome: Undelivered | None = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._tried()
        except Exception as error:
            # A bug here must not end a recovery; the words of the error might hold a secret.
            self._outcome = Undelivered(
                f"an error of the collection ({type(error).__name__})", "Report it as a bug"
            )

    def outcome_by(self, deadline: float, seconds: float) -> Undelivered | None:
        self.join(max(0.0, deadline - time.monotonic()) + GRACE_SECONDS)
        if self.is_alive():
            return Undelivered(
                f"did not answer within {seconds:g} s",
                "See whether the service is up; the message may have arrived",
            )
        return self._outcome

    def _tried(self) -> Undelivered | None:
        """None as soon as it has arrived, else why it has not."""
        pause, attempts = FIRST_PAUSE_SECONDS, 0
        while True:
            attempts += 1
            left = self._deadline - time.monotonic()
            try:
                self._message.send(max(SHORTEST_ATTEMPT_SECONDS, left))
                return None
            except Undelivered as error:
                pause = max(pause, error.wait or 0)
                is_late = time.monotonic() + pause >= self._deadline
                if not error.is_transient or is_late or attempts == MOST_ATTEMPTS:
                    return error.after(attempts)
            time.sleep(pause)
            pause *= 2
