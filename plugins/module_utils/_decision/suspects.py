# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rollouts may be why users suffer, and to what a rollback would have to go.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import UNHEALTHY

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import (
        Revision,
        Workload,
    )

GOOD, BAD = "good", "bad"


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A rollout that began inside the window before the onset.

    ``revisions`` are those that have to go, the newest first: the last one rolled out before the
    onset, and such as came so shortly before it that they never were seen to work. ``onset`` is the
    Unix time that it is measured against.
    """

    workload: Workload
    revisions: Sequence[Revision]
    onset: float | None

    @property
    def newest(self) -> Revision:
        return self.revisions[0]

    @property
    def oldest(self) -> Revision:
        return self.revisions[-1]

    @property
    def began(self) -> float:
        """When the newest of them was rolled out: the one that is first suspected."""
        return self.newest.began

    @property
    def explicit(self) -> bool:
        """Whether the target has to be named: more has to go than what runs now."""
        return len(self.revisions) > 1 or not self.newest.is_current

    @property
    def target(self) -> Revision | None:
        """The newest revision before all that has to go, one that is marked good before others."""
        others = [
            revision
            for revision in self.workload.revisions
            if revision.number < self.oldest.number and revision.mark != BAD
        ]
        good = [revision for revision in others if revision.mark == GOOD]
        return next(iter(good or others), None)

    def __str__(self) -> str:
        told = f"{self.workload}: {self.newest}, rolled out at {time_at(self.began)}"
        if len(self.revisions) > 1:
            others = ", ".join(str(revision.number) for revision in self.revisions[1:])
            told = f"{told}, shortly after revision {others}"
        return told


def suspect_of(case: Case, workload: Workload) -> Suspect | str:
    """The suspected rollout of a workload, or in words why there is none.

    What the workload was made with followed nothing, so it is no change. Where users are well,
    what the cluster shows is measured against now.
    """
    onset = case.onset if case.users == UNHEALTHY else None
    end = case.now if onset is None else onset + case.limits.tolerance
    changes = [r for r in workload.revisions[:-1] if not r.is_restart]
    inside = [r for r in changes if end - case.limits.window <= r.began <= end]
    if not inside:
        return _why_none(case, workload, changes, end)
    current = workload.current
    if current is None:
        return f"{workload}: its controller has not caught up, so what runs is not known"
    if any(r.created > current.created for r in workload.revisions):
        return (
            f"{workload}: {current} is older than what ran before it, so it was gone back already"
        )
    if workload.rolled_back_to and workload.rolled_back_to == current.hash:
        return f"{workload}: what runs is the target of a rollback, not a deploy"
    return Suspect(workload, _never_proven(case, workload, inside), onset)


def _why_none(case: Case, workload: Workload, changes: Sequence[Revision], end: float) -> str:
    before = [revision for revision in changes if revision.began <= end]
    if not before:
        return f"{workload}: no deploy is known from before {time_at(end)}"
    last = before[0]
    return (
        f"{workload}: its last deploy before {time_at(end)}, {last}, began "
        f"{duration(end - last.began)} earlier, and the window is {duration(case.limits.window)}"
    )


def _never_proven(case: Case, workload: Workload, inside: Sequence[Revision]) -> list[Revision]:
    """The newest of them, and those before it that had no time to show whether they work."""
    guilty = [inside[0]]
    for earlier in inside[1:]:
        ran_for = guilty[-1].began - earlier.began
        if earlier.mark == GOOD or ran_for > case.limits.proving_time:
            break
        if case.users == UNHEALTHY:
            if served_well(case, earlier.began, guilty[-1].began):
                break
        elif any(pod.revision == earlier.number and not pod.troubles for pod in workload.pods):
            break
        guilty.append(earlier)
    return guilty


def served_well(case: Case, began: float, until: float) -> bool:
    """Whether users are known to have been well while a revision ran, once it had settled."""
    start = began + case.limits.settle
    if until <= start or not case.symptoms:
        return False
    return all(symptom.was_healthy_between(start, until) for symptom in case.symptoms)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
