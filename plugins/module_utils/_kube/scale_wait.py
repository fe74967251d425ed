# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until scaled workloads have the replicas they were given, ready.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import name_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import (
    Followed,
    follow,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import DEPLOYMENT
from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import reasons_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import is_observed
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    View,
    counts_of,
    workload_reasons,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import replicas_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale_outcome import (
    FAILED,
    OVERRIDDEN,
    ScaleOutcome,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import ScaleDecision

READY, WAITING = "ready", "waiting"
# The controller manager's --horizontal-pod-autoscaler-sync-period is 15 s unless set otherwise: a
# number that was set past an autoscaler has to outlive one look of it.
SECONDS_TO_OUTLIVE_AN_AUTOSCALER = 20.0


@dataclasses.dataclass(frozen=True)
class ReplicaState:
    """Whether a workload has its replicas, in a word and a sentence."""

    verdict: str
    message: str
    ready: int


def replica_state(view: View, decision: ScaleDecision) -> ReplicaState:
    """Judge a workload by its controller's own counts, as far as that has seen the number.

    ``ready``: it has the replicas that were wanted, and none too many. ``overridden`` is final
    where the number was exact; an autoscaler is given the time to raise it to its new least.
    """
    workload, wanted = view.workload, decision.wanted
    counts = counts_of(workload)
    if view.is_deleted:
        return ReplicaState(FAILED, "the object has been deleted", counts.ready)
    replicas = replicas_of(workload)
    if replicas < wanted or (replicas > wanted and not decision.is_floor):
        message = f"{_who_overrides(decision)} set it from {wanted} to {replicas} replicas"
        return ReplicaState(OVERRIDDEN, message, counts.ready)
    if not is_observed(workload):
        unseen = "its controller has not yet seen the newest change"
        return ReplicaState(WAITING, unseen, counts.ready)
    if counts.ready < wanted:
        reasons = [*workload_reasons(workload), *reasons_of(view.pods)]
        because = f" ({reasons[0]})" if reasons else ""
        message = f"{counts.ready} of {wanted} replicas are ready{because}"
        return ReplicaState(WAITING, message, counts.ready)
    # While new pods replace old ones there are more for a while, and that is the rollout's affair.
    is_rolling = workload["kind"] == DEPLOYMENT.name and counts.updated < counts.total
    if counts.total > replicas and not is_rolling:
        message = f"{counts.total - replicas} replicas too many have not yet ended"
        return ReplicaState(WAITING, message, counts.ready)
    return ReplicaState(READY, f"{counts.ready} replicas are ready", counts.ready)


def wait_for_replicas(
    client: Client, outcomes: Sequence[ScaleOutcome], seconds: float
) -> list[ScaleOutcome]:
    """Wait for the replicas of all that did not fail; return the outcomes with what came of it.

    What an autoscaler was ignored for must also stay as it is for a moment, within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    outcomes = _followed(client, outcomes, lambda o: not o.failure, _until_ready, seconds)
    hold = min(SECONDS_TO_OUTLIVE_AN_AUTOSCALER, remaining(deadline))
    if not hold:
        return outcomes
    return _followed(client, outcomes, _is_past_an_autoscaler, _until_overridden, hold)


def _until_ready(view: View, decision: ScaleDecision) -> tuple[ReplicaState, bool]:
    state = replica_state(view, decision)
    may_rise = state.verdict == OVERRIDDEN and decision.is_floor
    return state, state.verdict != WAITING and not may_rise


def _until_overridden(view: View, decision: ScaleDecision) -> tuple[ReplicaState, bool]:
    state = replica_state(view, decision)
    if state.verdict == WAITING:
        # It has been ready, and that was waited for.
        state = dataclasses.replace(state, verdict=READY)
    return state, state.verdict != READY


def _followed(
    client: Client,
    outcomes: Sequence[ScaleOutcome],
    concerns: Callable[[ScaleOutcome], bool],
    judge: Callable[[View, ScaleDecision], tuple[ReplicaState, bool]],
    seconds: float,
) -> list[ScaleOutcome]:
    """Follow those that it concerns until each is judged with finality; return all."""
    decisions = {
        outcome.decision.workload["metadata"]["uid"]: outcome.decision
        for outcome in outcomes
        if outcome.decision and concerns(outcome)
    }
    if not decisions:
        return list(outcomes)
    try:
        followed = follow(
            client,
            [decision.workload for decision in decisions.values()],
            lambda view: judge(view, decisions[view.workload["metadata"]["uid"]]),
            seconds=seconds,
        )
    except RecoveryError as error:
        return [_unwatched(o, error) if concerns(o) else o for o in outcomes]
    return [
        _with_state(outcome, followed[outcome.decision.workload["metadata"]["uid"]])
        if outcome.decision and concerns(outcome)
        else outcome
        for outcome in outcomes
    ]


def _with_state(outcome: ScaleOutcome, followed: Followed[ReplicaState]) -> ScaleOutcome:
    state = followed.judgement
    waited = outcome.seconds + followed.seconds
    if state is None:
        told = f" ({followed.trouble})" if followed.trouble else ""
        message = f"{outcome.message}, but its state could not be read within {waited:.0f} s{told}"
        return dataclasses.replace(outcome, outcome=FAILED, message=message, seconds=waited)
    outcome = dataclasses.replace(outcome, ready=state.ready, seconds=waited)
    if state.verdict == READY:
        return outcome
    if state.verdict == WAITING:
        message = f"{outcome.message}, but after {waited:.0f} s {state.message}"
        if followed.trouble:
            message = (
                f"{message}, as far as is known; of late there was trouble: {followed.trouble}"
            )
        return dataclasses.replace(outcome, outcome=FAILED, message=message)
    return dataclasses.replace(
        outcome, outcome=state.verdict, message=f"{outcome.message}, but {state.message}"
    )


def _is_past_an_autoscaler(outcome: ScaleOutcome) -> bool:
    decision = outcome.decision
    if decision is None or outcome.failure or not decision.wanted:
        return False
    return decision.autoscaler is not None and not decision.is_floor


def _who_overrides(decision: ScaleDecision) -> str:
    others = f"{name_of(decision.autoscaler)} or someone else" if decision.autoscaler else ""
    return others or "something else"


def _unwatched(outcome: ScaleOutcome, error: RecoveryError) -> ScaleOutcome:
    message = f"{outcome.message}, but its replicas could not be watched: {error.message}"
    return dataclasses.replace(outcome, outcome=FAILED, message=message)
