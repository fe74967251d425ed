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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import (
    Case,
    is_template_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import read_facts
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import (
    Followed,
    follow,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    ask_guards,
    listings_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    GuardResult,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.outcome import (
    BLOCKED,
    FAILED,
    ROLLED_BACK,
    SKIPPED,
    Outcome,
    UndoResult,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    CHANGE_CAUSE_ANNOTATION,
    read_revisions,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    COMPLETE,
    SUPERSEDED,
    RolloutStatus,
    View,
    rollout_status,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    read_workloads,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest

# A controller that works needs far less to see a change; one that is down would never see it.
SECONDS_TO_CATCH_UP = 15.0
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
    found = read_workloads(client, selection)
    if not found.workloads and not found.missing:
        raise RecoveryError(str(selection), "nothing matches", "Check the selectors")
    missing = [_not_found(reference) for reference in found.missing]
    cases = with_facts(client, read_cases(client, found.workloads, request))
    if request.all_or_nothing and not request.dry_run:
        tried = [*_undo_all(client, cases, dataclasses.replace(request, dry_run=True)), *missing]
        if any(outcome.is_bad for outcome in tried):
            return UndoResult([_held_back(outcome) for outcome in tried])
    outcomes = _undo_all(client, cases, request)
    if request.wait_seconds and not request.dry_run:
        outcomes = _wait(client, outcomes, remaining(deadline))
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


def undo_patch(case: Case, request: UndoRequest) -> list[dict[str, t.Any]]:
    """The JSON patch that brings the target's template back.

    Its ``test`` operations make the server refuse it whole where anyone has changed the
    workload since it was read. ``generation`` moves with the spec only, so the controllers'
    own status updates do not get in the way.
    """
    annotations = case.workload["metadata"].get("annotations")
    cause = {CHANGE_CAUSE_ANNOTATION: request.reason or _default_change_cause(case)}
    patch = _preconditions(case.workload)
    patch.append({"op": "replace", "path": "/spec/template", "value": case.target.template})
    if not annotations:
        return [*patch, {"op": "add", "path": "/metadata/annotations", "value": cause}]
    for name, value in cause.items():
        path = f"/metadata/annotations/{name.replace('~', '~0').replace('/', '~1')}"
        patch.append({"op": "add", "path": path, "value": value})
    return patch


def _preconditions(workload: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    metadata = workload["metadata"]
    tested = ["uid", "generation"]
    if not metadata.get("annotations"):
        # Annotations that someone adds meanwhile do not move the generation; this keeps them.
        tested.append("resourceVersion")
    return [{"op": "test", "path": f"/metadata/{name}", "value": metadata[name]} for name in tested]


def _undo_all(client: Client, cases: Sequence[Case], request: UndoRequest) -> list[Outcome]:
    return client.side_by_side(lambda case: _undo_one(client, case, request), cases)


def _held_back(outcome: Outcome) -> Outcome:
    """What passed its guards and the dry run, and was left alone because another did not."""
    if outcome.patched is None:
        return outcome
    message = f"{outcome.reference}: left alone, because not all could be rolled back"
    return dataclasses.replace(outcome, outcome=SKIPPED, message=message, patched=None)


def _undo_one(client: Client, case: Case, request: UndoRequest) -> Outcome:
    started = time.monotonic()
    try:
        outcome = _decide_and_patch(client, case, request)
    except RecoveryError as error:
        outcome = Outcome(case.reference, FAILED, error.message)
    return dataclasses.replace(outcome, seconds=time.monotonic() - started)


def _decide_and_patch(client: Client, case: Case, request: UndoRequest) -> Outcome:
    is_answer_lost = False
    for _attempt in range(MOST_ATTEMPTS):
        decision = decide(case)
        if decision.objections or decision.case.is_done_already:
            return _unchanged(decision)
        try:
            patched = client.patch(
                case.reference.path,
                undo_patch(case, request),
                subject=str(case.reference),
                dry_run=request.dry_run,
            )
            return _rolled_back(decision, patched, request)
        except (ApiError, Unanswered) as error:
            fresh = _read_again(client, case, request)
            is_answer_lost = is_answer_lost or isinstance(error, Unanswered)
            if is_answer_lost and is_template_of(case.target, fresh.workload):
                return _rolled_back(decision, fresh.workload, request)
            if not _same_template(case.workload, fresh.workload):
                return _changed_by_another(decision, fresh)
            nothing_moved = _preconditions(case.workload) == _preconditions(fresh.workload)
            if isinstance(error, ApiError) and (nothing_moved or not error.is_refused_patch):
                raise
            case = fresh
    raise RecoveryError(
        str(case.reference),
        f"others changed it during each of {MOST_ATTEMPTS} attempts, so nothing was done to it",
        "Find out what keeps changing it, then run again",
    )


def _read_again(client: Client, case: Case, request: UndoRequest) -> Case:
    workload = client.get(case.reference.path, subject=str(case.reference))
    return with_facts(client, read_cases(client, [workload], request))[0]


def _wait_for_controllers(
    client: Client, workloads: Sequence[Mapping[str, t.Any]], request: UndoRequest
) -> dict[str, Case]:
    """By UID, the cases as they are once their controllers have seen the newest template."""

    def judge(view: View) -> tuple[Case, bool]:
        case = Case(view.workload, view.revisions, request)
        return case, view.is_deleted or _is_ready_to_decide(case)

    followed = follow(client, workloads, judge, seconds=SECONDS_TO_CATCH_UP, with_pods=False)
    return {uid: found.judgement for uid, found in followed.items()}


def _is_ready_to_decide(case: Case) -> bool:
    # A paused Deployment gets no new revision, however long one waits.
    return case.is_paused or case.current is not None


def _same_template(one: Mapping[str, t.Any], other: Mapping[str, t.Any]) -> bool:
    same_object = one["metadata"]["uid"] == other["metadata"]["uid"]
    return same_object and bool(one["spec"]["template"] == other["spec"]["template"])


def _default_change_cause(case: Case) -> str:
    source = case.current.number if case.current else "unknown"
    back = f"rolled back from revision {source} to revision {case.target.number}"
    return f"{back} ({case.target.change_cause})" if case.target.change_cause else back


def _unchanged(decision: Decision) -> Outcome:
    case, guards = decision.case, decision.guards
    if decision.objections:
        message = f"{case.reference}: {'; '.join(decision.objections)}"
        return Outcome(case.reference, BLOCKED, message, guards, source=case.current)
    message = f"{case.reference}: already at revision {case.target.number}"
    return Outcome(case.reference, SKIPPED, message, guards, case.current, case.target)


def _rolled_back(decision: Decision, patched: Mapping[str, t.Any], request: UndoRequest) -> Outcome:
    case = decision.case
    verb = "would be rolled back" if request.dry_run else "rolled back"
    source = case.current.number if case.current else "unknown"
    message = f"{case.reference}: {verb} from revision {source} to {case.target.number}"
    patched = {**patched, "kind": case.reference.kind}
    return Outcome(
        case.reference, ROLLED_BACK, message, decision.guards, case.current, case.target, patched
    )


def _changed_by_another(decision: Decision, fresh: Case) -> Outcome:
    case = decision.case
    before = case.workload["metadata"]["generation"]
    after = fresh.workload["metadata"]["generation"]
    message = (
        f"{case.reference}: someone else changed its template meanwhile (generation {before} is "
        f"now {after}), so nothing was done to it. Look at what runs now, then run again"
    )
    return Outcome(case.reference, FAILED, message, decision.guards, case.current, case.target)


def _not_found(reference: WorkloadReference) -> Outcome:
    message = f"{reference}: there is no such object. Check kind, namespace and name"
    return Outcome(reference, FAILED, message)


def _wait(client: Client, outcomes: Sequence[Outcome], seconds: float) -> list[Outcome]:
    """Wait for the rollouts of what was changed; those that do not complete become failed."""
    by_uid = {o.patched["metadata"]["uid"]: o for o in outcomes if o.patched}
    if not by_uid:
        return list(outcomes)

    def judge(view: View) -> tuple[RolloutStatus, bool]:
        status = _status_after(by_uid[view.workload["metadata"]["uid"]], view)
        return status, status.is_final

    changed = [o.patched for o in outcomes if o.patched]
    try:
        followed = follow(client, changed, judge, seconds=seconds)
    except RecoveryError as error:
        return [_unwatched(outcome, error) if outcome.patched else outcome for outcome in outcomes]
    return [
        _with_rollout(outcome, followed.get(outcome.patched["metadata"]["uid"]), seconds)
        if outcome.patched
        else outcome
        for outcome in outcomes
    ]


def _unwatched(outcome: Outcome, error: RecoveryError) -> Outcome:
    message = f"{outcome.message}, but its rollout could not be watched: {error.message}"
    return dataclasses.replace(outcome, outcome=FAILED, message=message)


def _status_after(outcome: Outcome, view: View) -> RolloutStatus:
    status = rollout_status(view)
    patched = outcome.patched or {}
    is_newer = view.workload["metadata"]["generation"] > patched["metadata"]["generation"]
    if is_newer and not _same_template(view.workload, patched):
        another = "someone else changed its template after the rollback"
        return dataclasses.replace(status, verdict=SUPERSEDED, message=another)
    return status


def _with_rollout(
    outcome: Outcome, followed: Followed[RolloutStatus] | None, seconds: float
) -> Outcome:
    if followed is None:
        message = f"{outcome.message}, but its state could not be read within {seconds:.0f} s"
        return dataclasses.replace(outcome, outcome=FAILED, message=message)
    status = followed.judgement
    done = dataclasses.replace(outcome, rollout=status, seconds=outcome.seconds + followed.seconds)
    if status.verdict == COMPLETE:
        return done
    state = status.verdict if followed.is_final else f"not complete after {seconds:.0f} s"
    message = f"{outcome.message}, but its rollout is {state}: {status.message}"
    return dataclasses.replace(done, outcome=FAILED, message=message)
