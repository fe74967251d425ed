# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing many rollouts side by side, and what became of each.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.change import (
    PAUSED,
    ChangeRequest,
    change_patch,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.patching import (
    patch_as_decided,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.result import CallResult
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import images_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    find_workloads,
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


def change_rollouts(
    client: Client, selection: Selection, request: ChangeRequest, *, wait_seconds: float
) -> CallResult:
    """Change the selected workloads side by side; one that fails does not stop the others.

    ``wait_seconds`` 0 does not wait for the rollouts; a pause has nothing to wait for. Raises
    RecoveryError where nothing can be read, or where selectors match nothing.
    """
    found = find_workloads(client, selection)
    changes = client.side_by_side(
        lambda workload: _change_one(client, workload, request), found.workloads
    )
    if wait_seconds and not request.dry_run and request.state != PAUSED:
        changes = _wait(client, changes, wait_seconds)
    return CallResult(
        [*changes, *(Change(reference, reference.absence) for reference in found.missing)]
    )


def _change_one(client: Client, workload: Object, request: ChangeRequest) -> Change:
    try:
        return _change(client, workload, request)
    except RecoveryError as error:
        return Change(reference_to(workload), error.message)


def _change(client: Client, workload: Object, request: ChangeRequest) -> Change:
    reference = reference_to(workload)
    patched = patch_as_decided(
        client,
        workload,
        lambda live, _maybe_done: change_patch(live, request),
        path=reference.path,
        subject=str(reference),
        dry_run=request.dry_run,
    )
    live = {**patched.live, "kind": reference.kind}
    if not patched.is_changed:
        return Change(reference, f"{reference}: already {request.state}", workload, live)
    told = f"{reference}: {'would be ' if request.dry_run else ''}{request.state}"
    return Change(reference, told, workload, live, is_changed=True)


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
