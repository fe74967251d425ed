# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing many rollouts side by side, and what became of each.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.change import (
    PAUSED,
    ChangeRequest,
    change_patch,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.json_patch import preconditions
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import images_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    read_workloads,
    reference_to,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.status import (
    StatusRequest,
    WorkloadStatus,
    read_status,
)
from ansible_collections.oncall.recovery.plugins.module_utils._redact import masked_template

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]

# A workload that others change faster than we can read it is left alone.
MOST_ATTEMPTS = 4
SECONDS_BETWEEN_ATTEMPTS = 0.5
MOST_TOLD = 3


@dataclasses.dataclass(frozen=True)
class Change:
    """What became of one workload; ``live`` is it as it is now, None where nothing was done.

    ``status`` is its rollout, where that was waited for.
    """

    reference: WorkloadReference
    message: str
    before: Object | None = None
    live: Object | None = None
    is_changed: bool = False
    status: WorkloadStatus | None = None

    @property
    def failure(self) -> str:
        if self.live is None:
            return self.message
        if self.status and (self.status.is_timed_out or self.status.verdict != "complete"):
            return self.status.message
        return ""

    def as_result(self) -> dict[str, t.Any]:
        result = {
            **self.reference.as_result(),
            "changed": self.is_changed,
            "failed": bool(self.failure),
            "message": self.failure or self.message,
            "images": images_of(self.live["spec"]["template"]) if self.live else {},
        }
        if self.status and self.status.status:
            result["rollout"] = self.status.status.as_result()
        return result

    def as_diff(self) -> dict[str, t.Any] | None:
        if not (self.is_changed and self.before and self.live):
            return None
        return {
            "before_header": str(self.reference),
            "before": _shown(self.before),
            "after_header": str(self.reference),
            "after": _shown(self.live),
        }


@dataclasses.dataclass(frozen=True)
class ChangeResult:
    """All changes of one call."""

    changes: Sequence[Change]

    @property
    def failure(self) -> str:
        """One message about everything that did not go well; nothing where all did."""
        failed = [change.failure for change in self.changes if change.failure]
        more = f"; and {len(failed) - MOST_TOLD} more" if len(failed) > MOST_TOLD else ""
        return "; ".join(failed[:MOST_TOLD]) + more

    def as_result(self, *, with_diff: bool = False) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": any(change.is_changed for change in self.changes),
            "workloads": [change.as_result() for change in self.changes],
        }
        if with_diff:
            result["diff"] = [diff for change in self.changes if (diff := change.as_diff())]
        return result


def change_rollouts(
    client: Client, selection: Selection, request: ChangeRequest, *, wait_seconds: float
) -> ChangeResult:
    """Change the selected workloads side by side; one that fails does not stop the others.

    ``wait_seconds`` 0 does not wait for the rollouts; a pause has nothing to wait for. Raises
    RecoveryError where nothing can be read, or where selectors match nothing.
    """
    found = read_workloads(client, selection)
    if not found.workloads and not found.missing:
        raise RecoveryError(str(selection), "nothing matches", "Check the selectors")
    changes = client.side_by_side(
        lambda workload: _change_one(client, workload, request), found.workloads
    )
    if wait_seconds and not request.dry_run and request.state != PAUSED:
        changes = _wait(client, changes, wait_seconds)
    return ChangeResult([*changes, *(_not_found(reference) for reference in found.missing)])


def _change_one(client: Client, workload: Object, request: ChangeRequest) -> Change:
    try:
        return _change(client, workload, request)
    except RecoveryError as error:
        return Change(reference_to(workload), error.message)


def _change(client: Client, workload: Object, request: ChangeRequest) -> Change:
    """Patch what was read; where that did not go as it should, look first and decide anew."""
    reference, before = reference_to(workload), workload
    for attempt in range(MOST_ATTEMPTS):
        patch = change_patch(workload, request)
        if not patch:
            told = f"{reference}: already {request.state}"
            # After a lost answer it may be our own change that is there.
            return Change(reference, told, before, workload, is_changed=attempt > 0)
        try:
            patched = client.patch(
                reference.path, patch, subject=str(reference), dry_run=request.dry_run
            )
        except RecoveryError as error:
            fresh = client.get(reference.path, subject=str(reference))
            moved = preconditions(fresh) != preconditions(workload)
            is_refused = isinstance(error, ApiError) and error.is_refused_patch
            if not is_passing(error) and not (is_refused and moved):
                raise
            workload = fresh
            time.sleep(SECONDS_BETWEEN_ATTEMPTS * attempt)
        else:
            told = f"{reference}: {'would be ' if request.dry_run else ''}{request.state}"
            return Change(reference, told, before, {**patched, "kind": reference.kind}, True)
    raise RecoveryError(
        str(reference),
        f"whether it is {request.state} is not known after {MOST_ATTEMPTS} attempts",
        "Look at it, then run again",
    )


def _wait(client: Client, changes: Sequence[Change], seconds: float) -> list[Change]:
    done = tuple(change.reference for change in changes if change.live)
    if not done:
        return list(changes)
    result = read_status(client, Selection(done), StatusRequest(wait_seconds=seconds))
    statuses = {status.reference: status for status in result.workloads}
    return [
        dataclasses.replace(change, status=statuses.get(change.reference)) for change in changes
    ]


def _shown(workload: Object) -> dict[str, t.Any]:
    """What this module may change, secrets masked."""
    template = masked_template(workload["spec"]["template"])
    return {"paused": bool(workload["spec"].get("paused")), "template": template}


def _not_found(reference: WorkloadReference) -> Change:
    return Change(
        reference, f"{reference}: there is no such object. Check kind, namespace and name"
    )
