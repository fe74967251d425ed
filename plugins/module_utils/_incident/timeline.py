# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A timeline that a whole run writes to, which never stops the run that it tells of.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    TASK,
    Event,
    new_event,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    Change,
    UnknownIncident,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import Store

# What waits to be written, as long as no incident is known or it cannot be written.
MOST_WAITING = 1000
LONGEST_MESSAGE = 1000


@dataclasses.dataclass
class Timeline:
    """Events on their way into the record of one incident.

    :param open_store: opens the store; it may raise a RecoveryError, and is then asked again.
    :param every: for how many seconds events may wait, so that several are written at once.
    """

    identity: str
    open_store: Callable[[], Store]
    every: float = 0.0
    store: Store | None = None
    waiting: list[Event] = dataclasses.field(default_factory=list)
    lost: int = 0
    trouble: str = ""
    written_at: float = 0.0

    def add(self, event: Event) -> None:
        """Write the event, now or soon. Raises nothing."""
        self.waiting.append(event)
        if len(self.waiting) > MOST_WAITING:
            del self.waiting[0]
            self.lost += 1
        # After trouble, only the end of the run tries again: nobody waits for the record.
        if not self.trouble and time.monotonic() - self.written_at >= self.every:
            self.write()

    def write(self) -> None:
        """Write what waits. Raises nothing: what went wrong is in ``trouble``."""
        self.written_at = time.monotonic()
        self.trouble = ""
        if not self.waiting:
            return
        events = list(self.waiting)
        try:
            self.store = self.store or self.open_store()
            self.store.update(self.identity, lambda record: Change(events=events))
        except UnknownIncident:
            # Whoever runs may be about to open it.
            return
        except RecoveryError as error:
            # The events themselves are no help here, there may be hundreds.
            self.trouble = error.message.partition(". Not recorded: ")[0]
            return
        self.waiting.clear()

    def finish(self) -> str:
        """Write what is left; return what a person has to know of what could not be written."""
        self.write()
        missing = len(self.waiting) + self.lost
        if not missing:
            return ""
        cause = self.trouble or "nobody opened it"
        return f"incident {self.identity}: {missing} events are not on its timeline ({cause})"


@dataclasses.dataclass(frozen=True)
class TaskOutcome:
    """What became of a task on one host. ``seconds`` is None where nobody saw it begin."""

    task: str
    host: str
    status: str
    action: str = ""
    where: str = ""
    message: str = ""
    seconds: float | None = None
    items: int = 0
    is_check: bool = False

    def as_event(self) -> Event:
        """The event that tells of it, without arguments, since they may be anything."""
        data = {
            "task": self.task,
            "host": self.host,
            "status": self.status,
            "action": self.action,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            **({"items": self.items} if self.items else {}),
            **({"message": self.message[:LONGEST_MESSAGE]} if self.message else {}),
            **({"check_mode": True} if self.is_check else {}),
        }
        tried = " (check mode)" if self.is_check else ""
        # No colon behind a name, which may look like a secret's, as in "token: changed".
        because = f"\n{self.message[:LONGEST_MESSAGE]}" if self.message else ""
        return new_event(
            type=TASK,
            text=f"{self.task} - {self.status}{tried} on {self.host}{because}",
            source=self.where or "ansible",
            data=data,
        )
