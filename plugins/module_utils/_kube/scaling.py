# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scaling many workloads side by side, and what became of each.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    autoscaler_path,
    name_of,
    read_autoscalers,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.patching import (
    patch_as_decided,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.result import CallResult
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import (
    IGNORE,
    ScaleDecision,
    ScaleRequest,
    bounds_for,
    bounds_patch,
    decide_scale,
    replicas_of,
    replicas_patch,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale_outcome import (
    ALREADY,
    FAILED,
    SCALED,
    ScaleOutcome,
    told_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    find_workloads,
    reference_to,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]
    Patch = list[dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class ScaleResult(CallResult):
    """All outcomes of one call."""

    workloads: Sequence[ScaleOutcome]

    @property
    def warnings(self) -> list[str]:
        return [outcome.warning for outcome in self.workloads if outcome.warning]


def scale_workloads(
    client: Client, selection: Selection, request: ScaleRequest, *, wait_seconds: float
) -> ScaleResult:
    """Scale the selected workloads side by side; one that fails does not stop the others.

    ``wait_seconds`` 0 does not wait for ready replicas. Raises RecoveryError where nothing can be
    read, or where selectors match nothing.
    """
    found = find_workloads(client, selection)
    autoscalers = _read_autoscalers(client, found.workloads, request)
    outcomes = client.side_by_side(
        lambda workload: _scale_one(
            client, workload, autoscalers.get(workload["metadata"]["namespace"], ()), request
        ),
        found.workloads,
    )
    if wait_seconds and not request.dry_run:
        # Compiled for each task anew, and a task that does not wait needs nothing of it.
        from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale_wait import (
            wait_for_replicas,
        )

        outcomes = wait_for_replicas(client, outcomes, wait_seconds)
    missing = [ScaleOutcome(reference, FAILED, reference.absence) for reference in found.missing]
    return ScaleResult([*outcomes, *missing])


def _read_autoscalers(
    client: Client, workloads: Sequence[Object], request: ScaleRequest
) -> Mapping[str, Sequence[Object]]:
    try:
        return read_autoscalers(client, workloads)
    except RecoveryError:
        # Who ignores them needs no right to see them.
        if request.hpa == IGNORE:
            return {}
        raise


def _scale_one(
    client: Client, workload: Object, autoscalers: Sequence[Object], request: ScaleRequest
) -> ScaleOutcome:
    reference = reference_to(workload)
    try:
        decision, is_scaled = _set_replicas(client, workload, autoscalers, request)
    except RecoveryError as error:
        return ScaleOutcome(reference, FAILED, error.message)
    try:
        is_moved = _move_bounds(client, decision, request)
    except RecoveryError as error:
        if not is_scaled:
            return ScaleOutcome(reference, FAILED, error.message, decision)
        message = (
            f"{reference}: scaled from {decision.before} to {decision.after} replicas, but its "
            f"autoscaler may set that back, for its bounds could not be moved: {error.message}"
        )
        return ScaleOutcome(reference, FAILED, message, decision, is_changed=True)
    is_changed = is_scaled or is_moved
    told = told_of(reference, decision, dry_run=request.dry_run)
    return ScaleOutcome(reference, SCALED if is_changed else ALREADY, told, decision, is_changed)


def _set_replicas(
    client: Client, workload: Object, autoscalers: Sequence[Object], request: ScaleRequest
) -> tuple[ScaleDecision, bool]:
    """Set the workload's own number; return the decision that was taken and whether it changed.

    This comes before the bounds of an autoscaler, for it is where the server checks the
    preconditions: where they do not hold, nothing is changed at all.
    """
    reference = reference_to(workload)
    decision = decide_scale(workload, autoscalers, request)
    has_preconditions = request.current_replicas is not None or request.resource_version

    def decide(live: Object, maybe_done: bool) -> Patch:
        nonlocal decision
        if maybe_done and _is_ours(live, decision):
            return []
        decision = decide_scale(live, autoscalers, request)
        if decision.after == decision.before and not (decision.is_change and has_preconditions):
            return []
        return replicas_patch(live, decision.after, request.resource_version)

    patched = patch_as_decided(
        client,
        workload,
        decide,
        path=reference.path,
        subject=str(reference),
        subresource="scale",
        dry_run=request.dry_run,
    )
    return decision, patched.is_changed and decision.after != decision.before


def _is_ours(live: Object, decision: ScaleDecision) -> bool:
    """Whether a change whose answer was lost was made. Deciding again could multiply it again."""
    replicas = replicas_of(live)
    if replicas not in (decision.before, decision.after):
        raise RecoveryError(
            str(reference_to(live)),
            f"someone else set it to {replicas} replicas while it was set from {decision.before} "
            f"to {decision.after}, so nothing more was done",
            "Look at it, then run again",
        )
    return replicas == decision.after


def _move_bounds(client: Client, decision: ScaleDecision, request: ScaleRequest) -> bool:
    """Give the autoscaler the bounds that keep what is wanted; return whether that changed it."""
    autoscaler = decision.autoscaler
    if autoscaler is None or decision.bounds is None:
        return False
    subject = name_of(autoscaler)

    def decide(live: Object, _maybe_done: bool) -> Patch:
        bounds, _limit = bounds_for(subject, live, decision.wanted, request.hpa_max_replicas)
        return bounds_patch(live, bounds)

    return patch_as_decided(
        client,
        autoscaler,
        decide,
        path=autoscaler_path(autoscaler),
        subject=subject,
        dry_run=request.dry_run,
    ).is_changed
