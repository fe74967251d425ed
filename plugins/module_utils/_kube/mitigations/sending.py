# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending the patches of a plan side by side, and waiting for what they set in motion.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import COMPLETE
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.status import (
    StatusRequest,
    WorkloadStatus,
    read_status,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
        Resources,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.plan import (
        Plan,
        Work,
    )

    Object = Mapping[str, t.Any]
    Patches = Mapping[str, list[dict[str, t.Any]]]


@dataclasses.dataclass
class Sent:
    """What became of patches, by the UID of their object.

    ``failures`` are for good. ``refused`` were not done, whatever the reason. ``is_overtaken`` is
    true where somebody else was faster, or whether it was done is not known.
    """

    answers: dict[str, Object] = dataclasses.field(default_factory=dict)
    failures: dict[str, RecoveryError] = dataclasses.field(default_factory=dict)
    refused: set[str] = dataclasses.field(default_factory=set)
    is_overtaken: bool = False


def send(
    client: Client, resources: Resources, plan: Plan, patches: Patches, *, dry_run: bool = False
) -> Sent:
    """Patch the objects of a plan, workloads last: their new pods read what was changed before."""
    sent = Sent()
    configuration = [uid for uid in patches if not plan.reference(uid).is_workload]
    workloads = [uid for uid in patches if plan.reference(uid).is_workload]
    for stage in (configuration, workloads):
        if sent.failures or sent.is_overtaken:
            for uid in stage:
                sent.failures[uid] = RecoveryError(
                    str(plan.reference(uid)), "not changed, since something before it failed"
                )
                sent.refused.add(uid)
            continue

        def patch(uid: str) -> Object | RecoveryError:
            reference = plan.reference(uid)
            try:
                path, subject = resources.path(reference), str(reference)
                return client.patch(path, patches[uid], subject=subject, dry_run=dry_run)
            except RecoveryError as error:
                return error

        for uid, answer in zip(stage, client.side_by_side(patch, stage), strict=True):
            if isinstance(answer, RecoveryError):
                _note_failure(client, resources, plan, sent, uid, answer)
            else:
                sent.answers[uid] = answer
    return sent


def _note_failure(
    client: Client, resources: Resources, plan: Plan, sent: Sent, uid: str, error: RecoveryError
) -> None:
    """Tell what somebody else's change kept from being done from what never will be."""
    if is_passing(error):
        sent.is_overtaken = True
        return
    sent.refused.add(uid)
    if (
        isinstance(error, ApiError)
        and error.is_refused_patch
        and _has_changed(client, resources, plan, uid)
    ):
        sent.is_overtaken = True
    else:
        sent.failures[uid] = error


def _has_changed(client: Client, resources: Resources, plan: Plan, uid: str) -> bool:
    """Whether the object is another now than when it was read; False where it cannot be read."""
    reference = plan.reference(uid)
    try:
        fresh = client.get(resources.path(reference), subject=str(reference))
    except RecoveryError:
        return False
    read = plan.lives[uid]["metadata"]["resourceVersion"]
    return bool(fresh["metadata"]["resourceVersion"] != read)


@dataclasses.dataclass(frozen=True)
class Rollouts:
    """What changed fields set in motion.

    ``restarted`` are the workloads whose pods start anew. ``statuses`` are all rollouts that were
    waited for, ``trouble`` is what kept that from being done.
    """

    restarted: Sequence[WorkloadReference] = ()
    statuses: Sequence[WorkloadStatus] = ()
    trouble: str = ""

    @property
    def failures(self) -> list[str]:
        bad = [s.message for s in self.statuses if s.is_timed_out or s.verdict != COMPLETE]
        return [*bad, self.trouble] if self.trouble else bad

    def as_result(self) -> list[dict[str, str]]:
        messages = {status.reference: status.message for status in self.statuses}
        return [
            {**workload.as_result(), "message": messages.get(workload, "")}
            for workload in self.restarted
        ]


def wait_for(client: Client, changed: Iterable[Work], seconds: float) -> Rollouts:
    """Wait for the rollouts that changed fields begin; with 0 seconds, only tell which they are."""
    rolling: dict[WorkloadReference, bool] = {}
    for work in changed:
        reference, tokens = work.field.reference, work.field.tokens
        if not reference.is_workload or tokens[0] != "spec":
            continue
        workload = WorkloadReference(reference.kind, reference.namespace, reference.name)
        restarts = tokens[:2] == ("spec", "template")
        rolling[workload] = rolling.get(workload, False) or restarts
    restarted = [workload for workload, restarts in rolling.items() if restarts]
    if not seconds or not rolling:
        return Rollouts(restarted)
    try:
        found = read_status(client, Selection(tuple(rolling)), StatusRequest(wait_seconds=seconds))
    except RecoveryError as error:
        # The changes are done, and have to be told all the same.
        return Rollouts(restarted, trouble=error.message)
    return Rollouts(restarted, found.workloads)
