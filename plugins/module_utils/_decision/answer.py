# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a branch of the tree answers, and what the whole decision says.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case

NONE, INVESTIGATE = "none", "investigate"
ROLLBACK, REVERT_CONFIG = "rollback", "revert_config"
RESTORE_DATABASE, ENABLE_FALLBACK = "restore_database", "enable_fallback"
SCALE, RESTART = "scale", "restart"
ACTIONS = (
    NONE,
    INVESTIGATE,
    ROLLBACK,
    REVERT_CONFIG,
    RESTORE_DATABASE,
    ENABLE_FALLBACK,
    SCALE,
    RESTART,
)

HIGH, MEDIUM, LOW = "high", "medium", "low"
CONFIDENCES = (LOW, MEDIUM, HIGH)


@dataclasses.dataclass(frozen=True)
class Blocker:
    """Why an action is for a person to do or to allow."""

    name: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Taken:
    """A branch that fits: what to do, why, and what keeps it from being done without a person."""

    action: str
    cause: str
    reasons: Sequence[str]
    confidence: str
    target: Mapping[str, t.Any] | None = None
    blockers: Sequence[Blocker] = ()
    would_change: Sequence[str] = ()
    also: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class NotTaken:
    """A branch that does not fit, and why. ``clues`` are worth telling whoever investigates."""

    why: str
    clues: Sequence[str] = ()
    cause: str = ""


@dataclasses.dataclass(frozen=True)
class Branch:
    """One line of the decision tree. ``name`` is what it is about, ``action`` what it leads to."""

    name: str
    action: str
    ask: Callable[[Case], Taken | NotTaken]


@dataclasses.dataclass(frozen=True)
class Considered:
    """A branch and what came of it."""

    branch: Branch
    answer: Taken | NotTaken | None

    def as_result(self) -> dict[str, t.Any]:
        if self.answer is None:
            why = "an earlier branch fits"
        elif isinstance(self.answer, Taken):
            why = "; ".join(self.answer.reasons)
        else:
            why = self.answer.why
        return {
            "branch": self.branch.name,
            "action": self.branch.action,
            "taken": isinstance(self.answer, Taken),
            "why": why,
        }


@dataclasses.dataclass(frozen=True)
class Decision:
    """The answer, with every branch that was considered, in the order of the tree."""

    taken: Taken
    considered: Sequence[Considered]
    onset: str | None
    onset_from: str

    @property
    def is_automatic(self) -> bool:
        return not self.taken.blockers and self.taken.action != INVESTIGATE

    @property
    def summary(self) -> str:
        taken = self.taken
        told = f"{taken.action} ({taken.confidence} confidence): {taken.reasons[0]}"
        if taken.blockers:
            names = ", ".join(blocker.name for blocker in taken.blockers)
            told = f"{told}. A person has to decide, for: {names}"
        return told

    def as_result(self) -> dict[str, t.Any]:
        taken = self.taken
        return {
            "changed": False,
            "action": taken.action,
            "cause": taken.cause,
            "target": dict(taken.target) if taken.target else None,
            "confidence": taken.confidence,
            "automatic": self.is_automatic,
            "reasons": list(taken.reasons),
            "blockers": [dataclasses.asdict(blocker) for blocker in taken.blockers],
            "would_change": list(taken.would_change),
            "also": list(taken.also),
            "considered": [one.as_result() for one in self.considered],
            "onset": self.onset,
            "onset_from": self.onset_from,
            "summary": self.summary,
        }
