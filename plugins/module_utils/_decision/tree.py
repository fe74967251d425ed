# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision tree: the first branch that fits is taken, and all that were asked are told.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    CONFIDENCES,
    INVESTIGATE,
    LOW,
    NONE,
    Blocker,
    Branch,
    Considered,
    Decision,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.branches import (
    changed_configuration,
    demand,
    dependency,
    known,
    memory,
    nothing_wrong,
    rollout,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import OTHER, quoted
from ansible_collections.oncall.recovery.plugins.module_utils._decision.outside import neighbours
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    UNHEALTHY,
    UNKNOWN,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case

# The order is the tree: what is undone by going back comes before what has to be endured.
BRANCHES: tuple[Branch, ...] = (
    known.BRANCH,
    nothing_wrong.BRANCH,
    rollout.BRANCH,
    changed_configuration.BRANCH,
    dependency.DATABASE_BRANCH,
    dependency.EXTERNAL_API_BRANCH,
    demand.BRANCH,
    memory.BRANCH,
)
ANYTHING_ELSE = Branch("anything else", INVESTIGATE, lambda case: _investigate(case, ()))


def decide(case: Case) -> Decision:
    """Ask the branches in their order; what is not known never starts anything."""
    considered: list[Considered] = []
    taken: Taken | None = None
    for branch in BRANCHES:
        answer = None if taken else branch.ask(case)
        considered.append(Considered(branch, answer))
        if isinstance(answer, Taken):
            taken = answer
    if taken is None:
        declined = [one.answer for one in considered if isinstance(one.answer, NotTaken)]
        taken = _investigate(case, declined)
        considered.append(Considered(ANYTHING_ELSE, taken))
    else:
        considered.append(Considered(ANYTHING_ELSE, None))
    onset = None if case.onset is None else time_at(case.onset)
    return Decision(_with_confidence(case, taken), considered, onset, case.onset_from)


def _with_confidence(case: Case, taken: Taken) -> Taken:
    """Add the blocker for an action that is too much of a guess for the policy."""
    least = case.policy.least_confidence
    if taken.action in (NONE, INVESTIGATE):
        return taken
    if CONFIDENCES.index(taken.confidence) >= CONFIDENCES.index(least):
        return taken
    detail = f"the confidence is {taken.confidence}, and {least} is wanted to act"
    return dataclasses.replace(taken, blockers=[*taken.blockers, Blocker("confidence", detail)])


def _investigate(case: Case, declined: Sequence[NotTaken]) -> Taken:
    """The last branch: all that whoever looks into it should know."""
    causes = [answer.cause for answer in declined if answer.cause]
    clues = [clue for answer in declined for clue in answer.clues]
    reasons = [*_what_is_wrong(case), *dict.fromkeys(clues)]
    shared = [
        neighbour.text for workload in case.workloads for neighbour in neighbours(case, workload)
    ]
    shared += [str(signal) for signal in case.platform if signal.verdict == UNHEALTHY]
    if shared:
        causes.append("platform")
        reasons += dict.fromkeys(shared)
    for other in case.failing_dependencies:
        if other.kind == OTHER:
            causes.append("dependency")
            reasons.append(str(other))
    return Taken(
        INVESTIGATE,
        causes[0] if causes else "unknown",
        reasons or ["no branch of the tree fits what is known"],
        LOW,
        would_change=list(_what_would_help(case)),
    )


def _what_is_wrong(case: Case) -> Iterator[str]:
    if case.unhealthy_symptoms:
        since = "" if case.onset is None else f" since {time_at(case.onset)}"
        yield f"users suffer{since}: {quoted(case.unhealthy_symptoms)}"
    if case.flapping:
        yield f"signals turn to and fro, which is no clear evidence: {quoted(case.flapping)}"
    elif case.users == UNKNOWN:
        yield f"what users get is not known: {quoted(case.symptoms) or 'no symptoms were given'}"
    yield from case.cluster_troubles[:3]


def _what_would_help(case: Case) -> Iterator[str]:
    if case.users == UNKNOWN:
        yield "signals of what users get that have data and agree"
    if case.users == UNHEALTHY and case.onset is None:
        yield "since when users suffer: signals with a range, or onset"
    if not case.cluster.is_known:
        yield "a triage of the workloads"
    if case.cluster.forbidden:
        yield f"what the triage could not read: {', '.join(case.cluster.forbidden)}"
    if not case.dependencies:
        yield "signals of what the service depends on"
    yield "a deploy, a changed configuration or a load that the symptoms follow"
