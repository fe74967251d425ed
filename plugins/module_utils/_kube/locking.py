# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking and releasing the locks of workloads.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    is_passing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kill_switch import (
    why_switched_off,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import collection_path
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import (
    COORDINATION,
    Claim,
    Lock,
    claimed_lease,
    lease_name,
    lease_path,
    new_lease,
    released_lease,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lock_outcome import (
    Attempt,
    LockResult,
    failure_of,
    told_missing,
    told_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    find_workloads,
    reference_to,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

# Two that write the same Lease at once meet a few times at most; then something else is wrong.
MOST_ATTEMPTS = 5
SECONDS_BETWEEN_ATTEMPTS = 0.2
# A watch that says nothing is looked after, in case the news of a release was lost.
LONGEST_WATCH_SECONDS = 10.0
CONFLICT, GONE = 409, 410


def lock_workloads(
    client: Client,
    selection: Selection,
    claim: Claim,
    *,
    wait_seconds: float,
    all_or_nothing: bool,
    dry_run: bool,
    kill_switch_namespace: str = "",
) -> LockResult:
    """Lock the selected workloads, each or all of them; what could not be becomes a failure.

    What another holds is waited for, an error is not. With ``kill_switch_namespace``, automation
    asks, and gets nothing where a switch there or beside one of the workloads is off. Raises
    RecoveryError where nothing matches, or where the workloads or switches cannot be read.
    """
    deadline = time.monotonic() + wait_seconds
    found = find_workloads(client, selection)
    if kill_switch_namespace:
        namespaces = [workload["metadata"]["namespace"] for workload in found.workloads]
        if why := why_switched_off(client, [*namespaces, kill_switch_namespace]):
            return LockResult((), f"{why}; nothing was locked")
    if found.missing and all_or_nothing:
        return LockResult((), f"{told_missing(found.missing)}; nothing was locked")
    claim_them = _claim_all if all_or_nothing else _claim_each
    taken: set[WorkloadReference] = set()
    while True:
        attempts = [
            dataclasses.replace(
                attempt, is_changed=attempt.reference in taken or attempt.is_changed
            )
            for attempt in claim_them(client, found.workloads, claim, dry_run)
        ]
        taken.update(attempt.reference for attempt in attempts if attempt.is_changed)
        held = [attempt for attempt in attempts if attempt.is_anothers]
        is_over = not held or any(attempt.error for attempt in attempts)
        if is_over or not remaining(deadline):
            return LockResult(attempts, failure_of(attempts, found.missing, all_or_nothing))
        _await_change(client, held[0], remaining(deadline))


def unlock_workloads(
    client: Client, selection: Selection, holder: str, *, dry_run: bool
) -> LockResult:
    """Release what ``holder`` holds of the selected workloads; locks of others stay.

    Workloads that are not there have no lock either. One that cannot be released does not keep
    the others. Raises as ``lock_workloads`` does.
    """
    found = find_workloads(client, selection)
    attempts = client.side_by_side(
        lambda workload: _release(client, reference_to(workload), holder, dry_run),
        found.workloads,
    )
    return LockResult(attempts, told_of([attempt for attempt in attempts if attempt.error]))


def _claim_each(
    client: Client, workloads: Sequence[Mapping[str, t.Any]], claim: Claim, dry_run: bool
) -> list[Attempt]:
    return client.side_by_side(lambda workload: _claim(client, workload, claim, dry_run), workloads)


def _claim_all(
    client: Client, workloads: Sequence[Mapping[str, t.Any]], claim: Claim, dry_run: bool
) -> list[Attempt]:
    """Claim one after the other, and let go of all where one cannot be had.

    Everybody claims in the same order. Side by side, two that want the same workloads would each
    get some of them, and both give up.
    """
    attempts: list[Attempt] = []
    for workload in workloads:
        attempts.append(_claim(client, workload, claim, dry_run))
        if not attempts[-1].is_ours:
            break
    else:
        return attempts
    rest = [reference_to(workload) for workload in workloads[len(attempts) :]]
    return [
        *client.side_by_side(lambda made: _let_go(client, made, claim, dry_run), attempts),
        *client.side_by_side(lambda reference: _look(client, reference, claim), rest),
    ]


def _claim(client: Client, workload: Mapping[str, t.Any], claim: Claim, dry_run: bool) -> Attempt:
    reference, uid = reference_to(workload), workload["metadata"]["uid"]
    before: Attempt | None = None

    def claim_once() -> Attempt:
        nonlocal before
        now = _look_closely(client, reference, claim)
        # A claim whose answer was lost is seen as ours by the next look, and is new all the same.
        before = before or now
        if now.is_anothers:
            return now
        lease = _write(client, reference, uid, now.lock, claim, dry_run)
        had_before = before.is_ours
        return Attempt(
            reference, Lock(lease), True, is_changed=not had_before, had_before=had_before
        )

    return _in_spite_of_others(reference, claim_once)


def _release(client: Client, reference: WorkloadReference, holder: str, dry_run: bool) -> Attempt:
    was_held = False

    def release_once() -> Attempt:
        nonlocal was_held
        lock = _read(client, reference)
        if lock is None or lock.holder != holder:
            return Attempt(reference, lock, is_changed=was_held)
        was_held = True
        lease = client.put(
            lease_path(reference),
            released_lease(lock.lease),
            subject=f"lock of {reference}",
            dry_run=dry_run,
        )
        return Attempt(reference, Lock(lease), is_changed=True)

    return _in_spite_of_others(reference, release_once)


def _in_spite_of_others(reference: WorkloadReference, try_once: Callable[[], Attempt]) -> Attempt:
    """Try, and look again where somebody else was faster, or where the answer was lost."""
    error: RecoveryError | None = None
    for attempt in range(MOST_ATTEMPTS):
        if attempt:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS * attempt)
        try:
            return try_once()
        except RecoveryError as another:
            error = another
            if not _may_be_over(error):
                break
    if isinstance(error, ApiError) and error.status == CONFLICT:
        error = RecoveryError(
            f"Lease {reference.namespace}/{lease_name(reference)}",
            f"others changed it during each of {MOST_ATTEMPTS} attempts",
            "Find out what keeps changing it, then run again",
        )
    return Attempt(reference, error=error)


def _may_be_over(error: RecoveryError) -> bool:
    """True for a lost race or answer, and for trouble inside of the server."""
    if isinstance(error, ApiError):
        return error.status == CONFLICT or error.status >= 500
    return isinstance(error, Unanswered)


def _look(client: Client, reference: WorkloadReference, claim: Claim) -> Attempt:
    """The lock as it is, with nothing done."""
    return _in_spite_of_others(reference, lambda: _look_closely(client, reference, claim))


def _look_closely(client: Client, reference: WorkloadReference, claim: Claim) -> Attempt:
    lock = _read(client, reference)
    is_held = lock is not None and lock.is_held(client.now())
    is_ours = is_held and lock is not None and lock.holder == claim.holder
    return Attempt(reference, lock, is_ours=is_ours, is_anothers=is_held and not is_ours)


def _write(
    client: Client,
    reference: WorkloadReference,
    uid: str,
    lock: Lock | None,
    claim: Claim,
    dry_run: bool,
) -> Mapping[str, t.Any]:
    subject = f"lock of {reference}"
    if lock is None:
        path = collection_path("leases", reference.namespace, COORDINATION)
        lease = new_lease(reference, uid, claim, client.now())
        return client.post(path, lease, subject=subject, dry_run=dry_run)
    lease = claimed_lease(lock.lease, uid, claim, client.now())
    return client.put(lease_path(reference), lease, subject=subject, dry_run=dry_run)


def _read(client: Client, reference: WorkloadReference) -> Lock | None:
    try:
        return Lock(client.get(lease_path(reference), subject=f"lock of {reference}"))
    except ApiError as error:
        if not error.is_not_found:
            raise
        return None


def _let_go(client: Client, attempt: Attempt, claim: Claim, dry_run: bool) -> Attempt:
    """Undo a claim that is of no use without the others; what we held before stays ours."""
    if not attempt.is_ours or attempt.had_before:
        return attempt
    released = _release(client, attempt.reference, claim.holder, dry_run)
    if released.error:
        return dataclasses.replace(attempt, error=released.error)
    return dataclasses.replace(released, is_changed=False)


def _await_change(client: Client, held: Attempt, seconds: float) -> None:
    """Wait until a lock changes, expires, or ``seconds`` are over."""
    if held.lock is None:
        return
    left = (held.lock.until - client.now()).total_seconds()
    patience = max(0.2, min(seconds, left, LONGEST_WATCH_SECONDS))
    started = time.monotonic()
    try:
        for _event in client.watch(
            collection_path("leases", held.reference.namespace, COORDINATION),
            subject=f"lock of {held.reference}",
            resource_version=held.lock.lease["metadata"]["resourceVersion"],
            seconds=patience,
            field_selector=f"metadata.name={lease_name(held.reference)}",
        ):
            return
    except RecoveryError as error:
        is_too_old = isinstance(error, ApiError) and error.status == GONE
        if not is_too_old and not is_passing(error):
            raise
    # The server counts in whole seconds, and may end a watch at once.
    time.sleep(max(0.0, min(patience - (time.monotonic() - started), 1.0)))
