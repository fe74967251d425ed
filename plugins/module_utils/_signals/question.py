# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a question about a service's health gives, and what it cannot give.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_NUMBER = "NaN"


class NoAnswer(RecoveryError):
    """There was not the answer that was asked for: no signal can be read from it."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One value.

    :param labels: whose value it is, such as a series' labels.
    :param text: the number as the server writes it, ``NaN`` and ``+Inf`` included.
    :param at: Unix time in seconds.
    :param detail: what else a person wants to know of it.
    """

    labels: Mapping[str, str]
    text: str
    at: float
    detail: str = ""

    @property
    def value(self) -> float:
        return float(self.text)

    def as_result(self) -> dict[str, t.Any]:
        return {
            "labels": dict(self.labels),
            "value": self.value if math.isfinite(self.value) else None,
            "text": self.text,
            "time": time_text(self.at),
            "detail": self.detail,
        }


@dataclasses.dataclass(frozen=True)
class Moment:
    """All values there were at one time (Unix, in seconds)."""

    at: float
    samples: Sequence[Sample]


@dataclasses.dataclass(frozen=True)
class Answer:
    """One or more moments, the last one the newest, and what the server warned of."""

    moments: Sequence[Moment]
    warnings: Sequence[str] = ()


class Question(t.Protocol):
    """Something to ask, again and again."""

    def ask(self, seconds: float) -> Answer:
        """The answer, if it comes within this time; raises NoAnswer."""


def time_text(at: float) -> str:
    """Unix time as people read it, in UTC and to the millisecond."""
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
