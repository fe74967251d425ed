# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each workload that was asked to roll back, and how it is told.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections import Counter

from ansible_collections.oncall.recovery.plugins.module_utils._redact import masked_template

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
        GuardResult,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import Manager
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
        RolloutStatus,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
        WorkloadReference,
    )

ROLLED_BACK, SKIPPED, BLOCKED, FAILED = "rolled_back", "skipped", "blocked", "failed"
MOST_FAILURES_IN_MESSAGE = 3


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One workload's outcome. ``live`` is the object whose rollout there is to wait for, as it
    was last read; ``is_patched`` says that this call changed it.

    A workload can have been changed and still have failed: its rollout then did not complete.
    ``proof`` is what speaks for the target (see target.Choice), ``marked`` the mark that the
    source got, ``warning`` what went wrong beside the rollback. ``is_away_from_source`` says that
    the workload does not run ``source`` any more, by this call or by one before. ``suspended`` are
    the owners that were kept from acting by themselves, ``evicted`` the pods that were.
    """

    reference: WorkloadReference
    outcome: str
    message: str
    guards: Sequence[GuardResult] = ()
    source: Revision | None = None
    target: Revision | None = None
    proof: str = ""
    live: Mapping[str, t.Any] | None = None
    is_patched: bool = False
    rollout: RolloutStatus | None = None
    seconds: float = 0.0
    marked: str = ""
    warning: str = ""
    is_away_from_source: bool = False
    suspended: Sequence[Manager] = ()
    evicted: Sequence[str] = ()

    @property
    def is_changed(self) -> bool:
        return bool(self.is_patched or self.marked or self.evicted or self.suspended)

    @property
    def is_bad(self) -> bool:
        return self.outcome in (BLOCKED, FAILED)

    def as_result(self) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            **self.reference.as_result(),
            "outcome": self.outcome,
            "changed": self.is_changed,
            "message": self.message,
            "from": self.source.as_result() if self.source else None,
            "to": self.target.as_result() if self.target else None,
            "proof": self.proof or None,
            "marked": self.marked or None,
            "suspended": [owner.as_result() for owner in self.suspended],
            "evicted": list(self.evicted),
            "guards": [guard.as_result() for guard in self.guards],
            "duration": round(self.seconds, 3),
        }
        if self.rollout:
            result["rollout"] = self.rollout.as_result()
        return result

    def as_diff(self) -> dict[str, t.Any] | None:
        """The pod template before and after, for ``--diff``; nothing where it was not changed."""
        if not self.is_patched or self.source is None or self.target is None:
            return None
        return {
            "before_header": f"{self.reference} revision {self.source.number}",
            "before": masked_template(self.source.template),
            "after_header": f"{self.reference} revision {self.target.number}",
            "after": masked_template(self.target.template),
        }


@dataclasses.dataclass(frozen=True)
class UndoResult:
    """All outcomes of one call."""

    outcomes: Sequence[Outcome]

    @property
    def failure(self) -> str:
        """One message about everything that did not go well; nothing where all did."""
        bad = [outcome for outcome in self.outcomes if outcome.is_bad]
        if not bad:
            return ""
        told = "; ".join(outcome.message for outcome in bad[:MOST_FAILURES_IN_MESSAGE])
        more = len(bad) - MOST_FAILURES_IN_MESSAGE
        message = f"{told}; and {more} more" if more > 0 else told
        if len(self.outcomes) == 1:
            return message
        return f"{len(bad)} of {len(self.outcomes)} workloads were not rolled back well: {message}"

    @property
    def warnings(self) -> list[str]:
        return [outcome.warning for outcome in self.outcomes if outcome.warning]

    def as_result(self, *, with_diff: bool = False) -> dict[str, t.Any]:
        counted = Counter(outcome.outcome for outcome in self.outcomes)
        summary = {name: counted[name] for name in (ROLLED_BACK, SKIPPED, BLOCKED, FAILED)}
        result: dict[str, t.Any] = {
            "changed": any(outcome.is_changed for outcome in self.outcomes),
            "workloads": [outcome.as_result() for outcome in self.outcomes],
            "summary": {"total": len(self.outcomes), **summary},
        }
        if with_diff:
            result["diff"] = [diff for o in self.outcomes if (diff := o.as_diff())]
        return result
