# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announcing a stage: whom to tell, and what became of it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import STAGES
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
    Receiver,
    receiver_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.services import (
    SERVICES,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.telling import tell

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
        Notice,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.trouble import (
        Undelivered,
    )

# Each one has a thread of its own.
MOST_RECEIVERS = 30


@dataclasses.dataclass(frozen=True)
class Announced:
    """What became of an announcement.

    ``outcomes`` has why a receiver was not told, or None, for each that was to be told. ``shown``
    is what would be sent to them; it is there where nothing was.
    """

    receivers: Sequence[Receiver]
    outcomes: Mapping[str, Undelivered | None]
    shown: Sequence[Mapping[str, t.Any]] | None

    @property
    def delivered(self) -> list[str]:
        return [name for name, outcome in self.outcomes.items() if outcome is None]

    @property
    def failed_receivers(self) -> list[dict[str, str]]:
        types = {receiver.name: receiver.type for receiver in self.receivers}
        return [
            {
                "receiver": name,
                "type": types[name],
                "why": outcome.why,
                "next_step": outcome.next_step,
            }
            for name, outcome in self.outcomes.items()
            if outcome
        ]

    @property
    def warnings(self) -> list[str]:
        told = [
            f"{failed['receiver']} was not told: {failed['why']}. {failed['next_step']}"
            for failed in self.failed_receivers
        ]
        return [*(warning for one in self.receivers for warning in one.warnings), *told]

    def as_result(self) -> dict[str, t.Any]:
        """What the module returns. ``failed`` and ``skipped`` would mean something else there."""
        names = [receiver.name for receiver in self.receivers]
        shown = {} if self.shown is None else {"messages": list(self.shown)}
        return {
            "changed": bool(self.delivered),
            "delivered": self.delivered,
            "failed_receivers": self.failed_receivers,
            "left_out": [name for name in names if name not in self.outcomes],
            **shown,
        }


def receivers_from(options: Sequence[Mapping[str, t.Any]]) -> list[Receiver]:
    """The receivers that the option ``receivers`` describes; raises InvalidInput."""
    if len(options) > MOST_RECEIVERS:
        raise InvalidInput(
            "receivers", f"are {len(options)}", f"Use {MOST_RECEIVERS} or fewer in a task"
        )
    receivers = [receiver_from(given, SERVICES[given["type"]].options, STAGES) for given in options]
    names = [receiver.name for receiver in receivers]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"receiver {name}", "is there twice", "Rename one of them")
    return receivers


def announce(
    receivers: Sequence[Receiver], notice: Notice, seconds: float, *, dry_run: bool = False
) -> Announced:
    """Tell those that want the notice's stage, all within so many seconds.

    With ``dry_run`` nobody is told. Never raises because a receiver cannot be told.
    """
    made = {
        receiver.name: SERVICES[receiver.type].message(receiver, notice)
        for receiver in receivers
        if notice.stage in receiver.stages
    }
    messages = {name: message for name, message in made.items() if message is not None}
    if dry_run:
        shown = [{"receiver": name, **message.shown()} for name, message in messages.items()]
        return Announced(receivers, dict.fromkeys(messages), shown)
    return Announced(receivers, tell(messages, seconds), None)
