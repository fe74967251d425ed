# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each workload that was to be scaled, and how it is told.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    bounds_of,
    name_of,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import Bounds
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import ScaleDecision
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
        WorkloadReference,
    )

SCALED, ALREADY, OVERRIDDEN, FAILED = "scaled", "already", "overridden", "failed"


@dataclasses.dataclass(frozen=True)
class ScaleOutcome:
    """One workload's outcome. ``decision`` is None where nothing could be decided.

    A workload can have been changed and still have failed. ``ready`` is how many of its replicas
    were ready at the end, None where that was not waited for.
    """

    reference: WorkloadReference
    outcome: str
    message: str
    decision: ScaleDecision | None = None
    is_changed: bool = False
    ready: int | None = None
    seconds: float = 0.0

    @property
    def failure(self) -> str:
        return self.message if self.outcome in (OVERRIDDEN, FAILED) else ""

    @property
    def warning(self) -> str:
        return self.decision.warning if self.decision else ""

    def as_result(self) -> dict[str, t.Any]:
        decision = self.decision
        return {
            **self.reference.as_result(),
            "outcome": self.outcome,
            "changed": self.is_changed,
            "failed": bool(self.failure),
            "message": self.message,
            "replicas_before": decision.before if decision else None,
            "replicas": decision.after if decision else None,
            "limited_by": (decision.limited_by or None) if decision else None,
            "autoscaler": _autoscaler_of(decision) if decision else None,
            "ready_replicas": self.ready,
            "duration": round(self.seconds, 3),
        }

    def as_diff(self) -> dict[str, t.Any] | None:
        decision = self.decision
        if not self.is_changed or decision is None:
            return None
        before: dict[str, t.Any] = {"replicas": decision.before}
        after: dict[str, t.Any] = {"replicas": decision.after}
        if decision.autoscaler and decision.bounds:
            before[name_of(decision.autoscaler)] = bounds_of(decision.autoscaler).as_result()
            after[name_of(decision.autoscaler)] = decision.bounds.as_result()
        return {
            "before_header": str(self.reference),
            "before": before,
            "after_header": str(self.reference),
            "after": after,
        }


def _autoscaler_of(decision: ScaleDecision) -> dict[str, t.Any] | None:
    if decision.autoscaler is None:
        return None
    before = bounds_of(decision.autoscaler)
    after: Bounds = decision.bounds or before
    return {
        "name": decision.autoscaler["metadata"]["name"],
        "min_replicas_before": before.least,
        "min_replicas": after.least,
        "max_replicas_before": before.greatest,
        "max_replicas": after.greatest,
    }


def told_of(reference: WorkloadReference, decision: ScaleDecision, *, dry_run: bool) -> str:
    """What was done, or would be, in one sentence without a final full stop."""
    would = "would be " if dry_run else ""
    limit = f" ({decision.limited_by} allows no more)" if decision.limited_by else ""
    if not decision.is_change:
        kept = "keeps at least" if decision.is_floor else "has"
        return f"{reference}: already {kept} {decision.wanted} replicas{limit}"
    told = []
    if decision.after != decision.before:
        told.append(f"{would}scaled from {decision.before} to {decision.after} replicas")
    if decision.autoscaler and decision.bounds:
        before, after = bounds_of(decision.autoscaler), decision.bounds
        name = name_of(decision.autoscaler)
        if before.least != after.least:
            told.append(f"minReplicas of {name} {would}raised from {before.least} to {after.least}")
        if before.greatest != after.greatest:
            told.append(
                f"maxReplicas of {name} {would}raised from {before.greatest} to {after.greatest}"
            )
    return f"{reference}: {', '.join(told)}{limit}"
