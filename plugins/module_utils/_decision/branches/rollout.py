# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch: a rollout began inside the window before the onset, and the symptoms belong to it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    CONFIDENCES,
    LOW,
    ROLLBACK,
    Blocker,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.branches.blocking import (
    blockers_of_workload,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.comparing import (
    ONLY_OLD,
    compare_pods,
    compare_signals,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.judging import (
    Judgement,
    judge,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.suspects import (
    Suspect,
    suspect_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case


def ask(case: Case) -> Taken | NotTaken:
    if not case.workloads:
        return NotTaken("which rollouts there were is not known")
    found = [suspect_of(case, workload) for workload in case.workloads]
    judgements = [judge(case, one) for one in found if isinstance(one, Suspect)]
    guilty = sorted((j for j in judgements if j.is_guilty), key=lambda j: j.weight, reverse=True)
    if not guilty:
        return _not_taken(case, judgements, [one for one in found if isinstance(one, str)])
    return _taken(case, guilty)


def _taken(case: Case, guilty: list[Judgement]) -> Taken:
    judgement = guilty[0]
    suspect = judgement.suspect
    confidence = judgement.confidence
    reasons = [str(suspect), *judgement.direct, *judgement.indirect, *judgement.weak]
    if judgement.is_outside_healthy:
        reasons.append("what it depends on is healthy")
    rivals = [str(other.suspect) for other in guilty[1:] if not judgement.direct]
    if rivals:
        confidence = CONFIDENCES[max(0, CONFIDENCES.index(confidence) - 1)]
        reasons.append(f"it may also be {rivals[0]}, which was rolled out earlier")
    return Taken(
        ROLLBACK,
        "rollout",
        reasons,
        confidence,
        target=_target(suspect),
        blockers=list(_blockers(case, suspect)),
        would_change=list(_would_change(case, judgement)),
    )


def _target(suspect: Suspect) -> dict[str, t.Any]:
    current, target = suspect.workload.current, suspect.target
    return {
        **suspect.workload.as_target(),
        "from_revision": current.number if current else suspect.newest.number,
        "to_revision": target.number if target and suspect.explicit else 0,
        "target": "last_good",
    }


def _blockers(case: Case, suspect: Suspect) -> Iterator[Blocker]:
    target, current = suspect.target, suspect.workload.current
    if target is None:
        yield Blocker("no_target", f"{suspect.workload} has no earlier revision that may be good")
    elif current and _crosses_a_barrier(case, current.migration, target.migration):
        yield Blocker(
            "migration_barrier",
            f"between revision {target.number} and now lies a migration (from "
            f"{target.migration or 'none'} to {current.migration or 'none'}) that is not listed as "
            "reversible",
        )
    yield from blockers_of_workload(case, suspect.workload)


def _crosses_a_barrier(case: Case, ours: str, theirs: str) -> bool:
    """As the guard ``migration_barrier`` of a rollback sees it."""
    is_reversible = bool(ours) and ours in case.policy.reversible_migrations
    return ours != theirs and not is_reversible and not case.policy.approved_by


def _would_change(case: Case, judgement: Judgement) -> Iterator[str]:
    suspect = judgement.suspect
    if not judgement.direct:
        yield f"pods from before revision {suspect.oldest.number} that do as badly beside new ones"
    if not judgement.is_outside_healthy:
        yield "a dependency, a node or a load that was in trouble before the rollout"
    if judgement.confidence == LOW:
        yield "the history of the symptoms, which tells when they began"
    if case.cluster.forbidden:
        yield f"what the triage could not read: {', '.join(case.cluster.forbidden)}"


def _not_taken(case: Case, judgements: list[Judgement], none: list[str]) -> NotTaken:
    told = [judgement.why_not for judgement in judgements] + none
    broken = [j for j in judgements if _broke_the_old_ones(case, j.suspect)]
    if broken:
        suspect = broken[0].suspect
        clue = (
            f"{suspect} came with migration {suspect.newest.migration}, and only older pods fail: "
            "going back would make it worse"
        )
        return NotTaken("; ".join([*told, clue]), [clue], "migration")
    return NotTaken("; ".join(told[:3]), [judgement.why_not for judgement in judgements[:2]])


def _broke_the_old_ones(case: Case, suspect: Suspect) -> bool:
    target = suspect.target
    if target is None or suspect.newest.migration in ("", target.migration):
        return False
    compared = compare_signals(suspect, case.unhealthy_symptoms), compare_pods(suspect)
    return any(comparison.outcome == ONLY_OLD for comparison in compared)


BRANCH = Branch("a rollout", ROLLBACK, ask)
