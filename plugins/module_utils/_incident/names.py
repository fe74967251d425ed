# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People as roles: a postmortem is about what happened, and not about who it was.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import Event

A_PERSON = "a person"
# Words that say that an actor is a role, a system or a team.
_ROLE = re.compile(
    r"\b(?:automation|automatic|system|robot|bot|ansible|awx|eda|alertmanager|prometheus|ci|"
    r"engineers?|on-?call|operators?|commander|communicator|scribe|responders?|manager|lead|owner|"
    r"approver|administrator|admin|support|team|service|customers?|users?|unknown|person|people)\b",
    re.IGNORECASE,
)
# Under these keys of an event's data stands who did something.
KEYS_OF_PEOPLE = ("by", "approved_by", "approver", "holder", "user")
SHORTEST_NAME = 3
_MAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,5}")


class Names:
    """Takes out of texts whoever is named as an actor anywhere in the events.

    :param shown: leaves them as they are.
    :param things: names that are not people's, such as those of workloads.
    """

    def __init__(self, events: Iterable[Event], *, shown: bool, things: Iterable[str] = ()) -> None:
        self._shown = shown
        named = {name for event in events for name in _people_in(event)} - set(things)
        found = sorted((n for n in named if len(n) >= SHORTEST_NAME), key=len, reverse=True)
        words = "|".join(re.escape(name) for name in found[:200])
        self._named = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None

    def role_of(self, actor: str) -> str:
        """The actor, where it is a role."""
        return actor if self._shown or _ROLE.search(actor) else A_PERSON

    def without(self, text: str) -> str:
        """The text with roles in the place of names and addresses of mail."""
        if self._shown:
            return text
        if self._named:
            text = self._named.sub(A_PERSON, text)
        return _MAIL.sub(A_PERSON, text)


def _people_in(event: Event) -> Iterator[str]:
    data = event.data if isinstance(event.data, dict) else {}
    for name in (event.actor, *(data.get(key) for key in KEYS_OF_PEOPLE)):
        if isinstance(name, str) and name.strip() and not _ROLE.search(name):
            yield name.strip()
