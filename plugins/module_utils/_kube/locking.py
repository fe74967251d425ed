# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking and releasing the locks of workloads.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Found,
    Selection,
    WorkloadReference,
    read_workloads,
    reference_to,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

# Two that write the same Lease at once meet a few times at most; then something else is wrong.
MOST_ATTEMPTS = 5
# A watch that says nothing is looked after, in case the news of a release was lost.
LONGEST_WATCH_SECONDS = 10.0
MOST_TOLD = 3


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What came of one claim or release. ``lock`` is as it is now, ``is_ours`` whose it is.

    ``is_changed`` is False for a renewal. ``had_before`` says that we held it already.
    """

    reference: WorkloadReference
    lock: Lock | None
    is_ours: bool
    is_changed: bool
    had_before: bool = False

    def as_result(self) -> dict[str, t.Any]:
        held = self.lock is not None and bool(self.lock.holder)
        return {
            **self.reference.as_result(),
            "changed": self.is_changed,
            "lease": lease_name(self.reference),
            "holder": self.lock.holder if self.lock and held else None,
            "until": f"{self.lock.until:%Y-%m-%dT%H:%M:%SZ}" if self.lock and held else None,
            "incident": (self.lock.incident or None) if self.lock and held else None,
        }


@dataclasses.dataclass(frozen=True)
class LockResult:
    attempts: Sequence[Attempt]
    failure: str = ""

    def as_result(self) -> dict[str, t.Any]:
        return {
            "changed": any(attempt.is_changed for attempt in self.attempts),
            "locks": [attempt.as_result() for attempt in self.attempts],
        }


def lock_workloads(
    client: Client,
    selection: Selection,
    claim: Claim,
    *,
    wait_seconds: float,
    all_or_nothing: bool,
    dry_run: bool,
) -> LockResult:
    """Lock the selected workloads, each or all of them; what another holds becomes a failure.

    Raises RecoveryError where nothing matches or Leases cannot be read or written.
    """
    deadline = time.monotonic() + wait_seconds
    found = _find(client, selection)
    if found.missing and all_or_nothing:
        return LockResult((), _missing(found.missing))
    attempts: list[Attempt] = []
    while True:
        attempts = client.side_by_side(
            lambda workload: _claim(client, workload, claim, dry_run), found.workloads
        )
        held = [attempt for attempt in attempts if not attempt.is_ours]
        if held and all_or_nothing:
            attempts = [_let_go(client, attempt, claim, dry_run) for attempt in attempts]
        if not held or not remaining(deadline):
            return LockResult(attempts, _failure(held, found.missing, all_or_nothing))
        _await_change(client, held[0], remaining(deadline))


def unlock_workloads(
    client: Client, selection: Selection, holder: str, *, dry_run: bool
) -> LockResult:
    """Release what ``holder`` holds of the selected workloads; locks of others stay.

    Workloads that are not there have no lock either. Raises as ``lock_workloads`` does.
    """
    found = _find(client, selection)
    return LockResult(
        client.side_by_side(
            lambda workload: _release(client, reference_to(workload), holder, dry_run),
            found.workloads,
        )
    )


def _find(client: Client, selection: Selection) -> Found:
    found = read_workloads(client, selection)
    if not found.workloads and not found.missing:
        raise RecoveryError(str(selection), "nothing matches", "Check the selectors")
    return found


def _claim(client: Client, workload: Mapping[str, t.Any], claim: Claim, dry_run: bool) -> Attempt:
    reference, uid = reference_to(workload), workload["metadata"]["uid"]
    for _attempt in range(MOST_ATTEMPTS):
        lock = _read(client, reference)
        if lock and lock.is_held_by_another(claim.holder, client.now()):
            return Attempt(reference, lock, is_ours=False, is_changed=False)
        had_before = bool(lock and lock.holder == claim.holder and lock.is_held(client.now()))
        # Somebody else may have been faster, or the answer was lost: the next read tells.
        with contextlib.suppress(Unanswered), _losing_a_race():
            lease = _write(client, reference, uid, lock, claim, dry_run)
            return Attempt(reference, Lock(lease), True, not had_before, had_before)
    raise RecoveryError(
        f"Lease {reference.namespace}/{lease_name(reference)}",
        f"others changed it during each of {MOST_ATTEMPTS} attempts",
        "Find out what keeps changing it, then run again",
    )


@contextlib.contextmanager
def _losing_a_race() -> t.Iterator[None]:
    """Let pass that the object was made or changed by another meanwhile (409)."""
    try:
        yield
    except ApiError as error:
        if error.status != 409:
            raise


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


def _release(client: Client, reference: WorkloadReference, holder: str, dry_run: bool) -> Attempt:
    for _attempt in range(MOST_ATTEMPTS):
        lock = _read(client, reference)
        if lock is None or lock.holder != holder:
            return Attempt(reference, lock, is_ours=False, is_changed=False)
        with contextlib.suppress(Unanswered), _losing_a_race():
            lease = client.put(
                lease_path(reference),
                released_lease(lock.lease),
                subject=f"lock of {reference}",
                dry_run=dry_run,
            )
            return Attempt(reference, Lock(lease), is_ours=False, is_changed=True)
    raise RecoveryError(
        f"Lease {reference.namespace}/{lease_name(reference)}",
        "it could not be released, so it stays until it expires",
        "Run again",
    )


def _read(client: Client, reference: WorkloadReference) -> Lock | None:
    try:
        return Lock(client.get(lease_path(reference), subject=f"lock of {reference}"))
    except ApiError as error:
        if not error.is_not_found:
            raise
        return None


def _let_go(client: Client, attempt: Attempt, claim: Claim, dry_run: bool) -> Attempt:
    """Undo a claim that is of no use without the others; what we held before stays ours."""
    if not attempt.is_ours or attempt.had_before or dry_run:
        return dataclasses.replace(attempt, is_changed=False)
    return dataclasses.replace(
        _release(client, attempt.reference, claim.holder, dry_run), is_changed=False
    )


def _await_change(client: Client, held: Attempt, seconds: float) -> None:
    """Wait until a lock changes, expires, or ``seconds`` are over."""
    if held.lock is None:
        return
    left = (held.lock.until - client.now()).total_seconds()
    patience = max(0.2, min(seconds, left, LONGEST_WATCH_SECONDS))
    started = time.monotonic()
    with contextlib.suppress(Unanswered), _expired_version():
        for _event in client.watch(
            collection_path("leases", held.reference.namespace, COORDINATION),
            subject=f"lock of {held.reference}",
            resource_version=held.lock.lease["metadata"]["resourceVersion"],
            seconds=patience,
            field_selector=f"metadata.name={lease_name(held.reference)}",
        ):
            return
    # The server counts in whole seconds, and may end a watch at once.
    time.sleep(max(0.0, min(patience - (time.monotonic() - started), 1.0)))


@contextlib.contextmanager
def _expired_version() -> t.Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status != 410:
            raise


def _failure(
    held: Sequence[Attempt], missing: Sequence[WorkloadReference], all_or_nothing: bool
) -> str:
    if not held:
        return _missing(missing)
    told = "; ".join(f"{a.reference}: {a.lock.told()}" for a in held[:MOST_TOLD] if a.lock)
    more = f"; and {len(held) - MOST_TOLD} more" if len(held) > MOST_TOLD else ""
    others = "nothing was locked" if all_or_nothing else "the others are locked"
    return f"{told}{more}. Ask the holder, or wait; {others}"


def _missing(missing: Sequence[WorkloadReference]) -> str:
    if not missing:
        return ""
    names = ", ".join(str(reference) for reference in missing)
    return f"{names}: there is no such object. Check kind, namespace and name"
