# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals from anything that answers JSON.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import math
import re
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._signals.expression import (
    Unanswerable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    NO_NUMBER,
    Answer,
    Moment,
    NoAnswer,
    Sample,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.expression import (
        Expression,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint

NEXT_STEP = "Have the expression in value give a number, or a list or dictionary of numbers"

_KINDS: dict[type, str] = {str: "text", list: "list", dict: "dictionary"}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class JsonValue:
    """What an expression picks from the JSON at the endpoint's address.

    :param statuses: the HTTP status codes whose answer is read.
    """

    endpoint: Endpoint
    expression: Expression
    statuses: frozenset[int] = frozenset({200})

    def ask(self, seconds: float) -> Answer:
        """The values; raises NoAnswer where there is no such answer, or none of numbers."""
        where = self.endpoint.shown_url
        reply = self.endpoint.get("", {}, seconds)
        if reply.status not in self.statuses:
            raise NoAnswer(
                where, f"answered {reply.status}", "Add it to status_code to have it read"
            )
        at = time.time()
        try:
            return Answer([Moment(at, samples_of(self.expression.of(reply.content), where, at))])
        except Unanswerable as error:
            cause = self.endpoint.without_secrets(str(error))
            raise NoAnswer(where, f"the value cannot be picked ({cause})", NEXT_STEP) from None


def samples_of(picked: t.Any, where: str, at: float) -> list[Sample]:
    """The numbers that were picked; ``where`` is for the errors, in which nothing picked stands.

    A dictionary's keys and a list's numbers become labels.
    """
    if picked is None:
        return []
    if isinstance(picked, dict):
        return [Sample({"key": str(k)}, _text(v, where), at) for k, v in picked.items()]
    if isinstance(picked, list):
        return [Sample({"index": str(n)}, _text(v, where), at) for n, v in enumerate(picked)]
    return [Sample({}, _text(picked, where), at)]


def _text(value: t.Any, where: str) -> str:
    """The number as text. A number that is missing among others is none, and not healthy."""
    if value is None:
        return NO_NUMBER
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return value.strip()
    if not isinstance(value, (int, float)):
        kind = _KINDS.get(type(value), "thing")
        raise NoAnswer(where, f"a {kind} stands where a number should", NEXT_STEP)
    try:
        return repr(value) if not math.isnan(float(value)) else NO_NUMBER
    except OverflowError:
        raise NoAnswer(where, "the value is a number beyond all bounds", NEXT_STEP) from None
