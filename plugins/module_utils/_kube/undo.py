# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling workloads back.

The semantics are those of ``kubectl rollout undo`` (kubectl's
``pkg/polymorphichelpers/rollback.go``), with a precondition in the patch, live annotations kept,
and no act before the controller has caught up.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    may_have_been_done,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import read_facts
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    ask_guards,
    listings_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    GuardResult,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.json_patch import preconditions
from ansible_collections.oncall.recovery.plugins.module_utils._kube.marking import mark_revision
from ansible_collections.oncall.recovery.plugins.module_utils._kube.outcome import (
    BLOCKED,
    FAILED,
    ROLLED_BACK,
    SKIPPED,
    Outcome,
    UndoResult,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    BAD,
    is_template_of,
    read_revisions,
    same_template,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    find_workloads,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.suspension import Suspensions
from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo_patch import undo_patch

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import Manager
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import Record
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

# A controller that works needs far less to see a change; one that is down would never see it.
SECONDS_TO_CATCH_UP = 15.0
SECONDS_BETWEEN_ATTEMPTS = 1.0
# What is left for the verdict where everything before took all of the caller's time.
SECONDS_FOR_A_LOOK = 2.0
# A workload that others change faster than we can read it is left alone.
MOST_ATTEMPTS = 4


@dataclasses.dataclass(frozen=True)
class Decision:
    """What will be done with one workload, and why."""

    case: Case
    guards: Sequence[GuardResult]

    @property
    def objections(self) -> list[str]:
        """What the guards that block say; nothing where all let it pass."""
        return [guard.detail for guard in self.guards if guard.outcome == BLOCK]


def undo_rollouts(client: Client, selection: Selection, request: UndoRequest) -> UndoResult:
    """Roll the selected workloads back, side by side; one that fails does not stop the others.

    Raises RecoveryError where nothing can be read, or where selectors match nothing.
    """
    deadline = time.monotonic() + request.wait_seconds
    found = find_workloads(client, selection)
    missing = [Outcome(reference, FAILED, reference.absence) for reference in found.missing]
    cases = with_facts(client, read_cases(client, found.workloads, request))
    if request.all_or_nothing and not request.dry_run:
        trial = dataclasses.replace(request, dry_run=True)
        # What a case is asked decides whether its owners are suspended or only as a trial.
        trials = [dataclasses.replace(case, request=trial) for case in cases]
        tried = [*_undo_all(client, trials, trial), *missing]
        if any(outcome.is_bad for outcome in tried):
            return UndoResult([_held_back(outcome) for outcome in tried])
    outcomes: Sequence[Outcome] = _undo_all(client, cases, request)
    if request.wait_seconds and not request.dry_run:
        outcomes = _wait(client, outcomes, request, deadline)
    return UndoResult([*outcomes, *missing])


def read_cases(
    client: Client, workloads: Sequence[Mapping[str, t.Any]], request: UndoRequest
) -> list[Case]:
    """Read the revisions of the workloads, giving controllers a moment to catch up."""
    revisions = read_revisions(client, workloads)
    cases = [
        Case(workload, revisions.get(workload["metadata"]["uid"], []), request)
        for workload in workloads
    ]
    behind = [case.workload for case in cases if not _is_ready_to_decide(case)]
    caught_up = _wait_for_controllers(client, behind, request) if behind else {}
    return [caught_up.get(case.workload["metadata"]["uid"], case) for case in cases]


def with_facts(client: Client, cases: Sequence[Case]) -> list[Case]:
    """Read what the guards look at beside the workloads, once for all of them."""
    facts = read_facts(client, (listing for case in cases for listing in listings_for(case)))
    return [dataclasses.replace(case, facts=facts) for case in cases]


def decide(case: Case) -> Decision:
    """Ask the guards about one workload. Pure: it sends nothing."""
    return Decision(case, ask_guards(case))


def _undo_all(client: Client, cases: Sequence[Case], request: UndoRequest) -> list[Outcome]:
    suspensions = Suspensions(client)
    return client.side_by_side(lambda case: _undo_one(client, case, request, suspensions), cases)


def _wait(
    client: Client, outcomes: Sequence[Outcome], request: UndoRequest, deadline: float
) -> Sequence[Outcome]:
    # Compiled for each task anew, and a task that does not wait needs nothing of it.
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.eviction import (
        evict_stuck_pods,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo_wait import (
        wait_for_rollouts,
    )

    if request.evict_stuck_pods:
        outcomes = evict_stuck_pods(client, outcomes, deadline)
    return wait_for_rollouts(client, outcomes, max(remaining(deadline), SECONDS_FOR_A_LOOK))


def _held_back(outcome: Outcome) -> Outcome:
    """What passed its guards and the dry run, and was left alone because another did not."""
    outcome = dataclasses.replace(outcome, marked="", suspended=())
    if not outcome.is_patched:
        return outcome
    message = f"{outcome.reference}: left alone, because not all could be rolled back"
    return dataclasses.replace(outcome, outcome=SKIPPED, message=message, is_patched=False)


def _undo_one(
    client: Client, case: Case, request: UndoRequest, suspensions: Suspensions
) -> Outcome:
    started = time.monotonic()
    try:
        outcome = _mark(client, _decide_and_patch(client, case, request, suspensions), request)
    except RecoveryError as error:
        outcome = Outcome(case.reference, FAILED, error.message)
    outcome = dataclasses.replace(outcome, seconds=time.monotonic() - started)
    if request.dry_run and outcome.is_bad:
        return outcome
    return _with_suspensions(outcome, suspensions.done_for(case))


def _with_suspensions(outcome: Outcome, suspended: Sequence[Manager]) -> Outcome:
    """What was suspended for a rollback that then failed must not go unmentioned."""
    message = outcome.message
    if suspended and outcome.is_bad:
        told = " and ".join(str(owner) for owner in suspended)
        message = f"{message}. It is left with {told} suspended, as the ledger says"
    return dataclasses.replace(outcome, message=message, suspended=suspended)


def _decide_and_patch(
    client: Client, case: Case, request: UndoRequest, suspensions: Suspensions
) -> Outcome:
    """Patch, and where that did not go as it should, look first and decide anew.

    The patch holds only for the generation that was read, so sending it again cannot do it twice.
    """
    unknown: RecoveryError | None = None
    for attempt in range(MOST_ATTEMPTS):
        decision = decide(case)
        if decision.objections or decision.case.is_done_already:
            return _unchanged(decision)
        try:
            suspensions.suspend_owners(case)
            patched = client.patch(
                case.reference.path,
                undo_patch(case),
                subject=str(case.reference),
                dry_run=request.dry_run,
            )
            return _rolled_back(decision, patched)
        except (ApiError, Unanswered) as error:
            if may_have_been_done(error):
                unknown = error
                time.sleep(SECONDS_BETWEEN_ATTEMPTS * attempt)
            fresh = _read_again(client, case, request)
            if unknown and is_template_of(case.target, fresh.workload):
                return _rolled_back(decision, fresh.workload)
            if not (same_template(case.workload, fresh.workload) or fresh.done_before):
                return _changed_by_another(decision, fresh, unknown)
            nothing_moved = preconditions(case.workload) == preconditions(fresh.workload)
            is_refused_for_others = isinstance(error, ApiError) and error.is_refused_patch
            if not may_have_been_done(error) and (nothing_moved or not is_refused_for_others):
                raise
            case = fresh
    if unknown:
        raise RecoveryError(
            str(case.reference),
            f"whether it was rolled back is not known after {MOST_ATTEMPTS} attempts "
            f"({unknown.cause}); when it was last read, it was not",
            "Look at it, then run again",
        )
    raise RecoveryError(
        str(case.reference),
        f"others changed it during each of {MOST_ATTEMPTS} attempts, so nothing was done to it",
        "Find out what keeps changing it, then run again",
    )


def _mark(client: Client, outcome: Outcome, request: UndoRequest) -> Outcome:
    """Mark what was left as bad. After the change, for a mark without a rollback would be a lie."""
    if not request.mark or not outcome.is_away_from_source or not outcome.source:
        return outcome
    if outcome.source.mark == BAD:
        return outcome
    try:
        mark_revision(
            client,
            outcome.reference,
            outcome.source,
            BAD,
            incident=request.incident,
            dry_run=request.dry_run,
        )
    except RecoveryError as error:
        warning = f"{error.message}. It could not be marked bad, so a later rollback may take it"
        return dataclasses.replace(outcome, warning=warning)
    return dataclasses.replace(outcome, marked=BAD)


def _read_again(client: Client, case: Case, request: UndoRequest) -> Case:
    workload = client.get(case.reference.path, subject=str(case.reference))
    return with_facts(client, read_cases(client, [workload], request))[0]


def _wait_for_controllers(
    client: Client, workloads: Sequence[Mapping[str, t.Any]], request: UndoRequest
) -> dict[str, Case]:
    """By UID, the cases as they are once their controllers have seen the newest template."""
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import follow

    def judge(view: View) -> tuple[Case, bool]:
        case = Case(view.workload, view.revisions, request)
        return case, view.is_deleted or _is_ready_to_decide(case)

    followed = follow(client, workloads, judge, seconds=SECONDS_TO_CATCH_UP, with_pods=False)
    return {uid: found.judgement for uid, found in followed.items() if found.judgement}


def _is_ready_to_decide(case: Case) -> bool:
    # A paused Deployment gets no new revision, however long one waits.
    return case.is_paused or case.current is not None


def _unchanged(decision: Decision) -> Outcome:
    case, guards = decision.case, decision.guards
    if decision.objections:
        message = f"{case.reference}: {'; '.join(decision.objections)}"
        return Outcome(case.reference, BLOCKED, message, guards, source=case.current)
    if case.done_before:
        return _done_before(case, case.done_before)
    message = f"{case.reference}: already at revision {case.target.number}"
    return Outcome(
        case.reference,
        SKIPPED,
        message,
        guards,
        case.current,
        case.target,
        case.choice.proof,
        live=case.workload,
    )


def _done_before(case: Case, record: Record) -> Outcome:
    """The outcome of a repeated request, whose mark may still be missing."""
    number = case.current.number if case.current else "unknown"
    incident = f" in incident {record.incident}" if record.incident else ""
    message = (
        f"{case.reference}: already rolled back{incident} at {record.at:%Y-%m-%d %H:%M:%S} UTC, "
        f"to what is now revision {number}"
    )
    return Outcome(
        case.reference,
        SKIPPED,
        message,
        source=case.left_before,
        target=case.current,
        live=case.workload,
        is_away_from_source=True,
    )


def _rolled_back(decision: Decision, patched: Mapping[str, t.Any]) -> Outcome:
    case = decision.case
    verb = "would be rolled back" if case.request.dry_run else "rolled back"
    source = case.current.number if case.current else "unknown"
    message = f"{case.reference}: {verb} from revision {source} to {case.target.number}"
    return Outcome(
        case.reference,
        ROLLED_BACK,
        message,
        decision.guards,
        case.current,
        case.target,
        case.choice.proof,
        live={**patched, "kind": case.reference.kind},
        is_patched=True,
        is_away_from_source=True,
    )


def _changed_by_another(decision: Decision, fresh: Case, unknown: RecoveryError | None) -> Outcome:
    """``unknown`` is the error that leaves it open whether a patch of ours was done before."""
    case = decision.case
    before = case.workload["metadata"]["generation"]
    after = fresh.workload["metadata"]["generation"]
    done = "nothing was done to it"
    if unknown:
        done = "whether it was rolled back before that is not known"
    message = (
        f"{case.reference}: someone else changed its template meanwhile (generation {before} is "
        f"now {after}), so {done}. Look at what runs now, then run again"
    )
    return Outcome(case.reference, FAILED, message, decision.guards, case.current, case.target)
