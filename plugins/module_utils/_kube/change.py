# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a rollout on purpose: other images, a restart, a pause.

The semantics are those of ``kubectl set image`` and ``kubectl rollout restart|pause|resume``
(kubectl's ``pkg/cmd/set/set_image.go`` and ``pkg/polymorphichelpers/object*.go``), except that
what is so already is no error and no change.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.json_patch import (
    annotate,
    preconditions,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import DEPLOYMENT
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import now
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    CHANGE_CAUSE_ANNOTATION,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import reference_to

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    Object = Mapping[str, t.Any]
    Patch = list[dict[str, t.Any]]

UPDATED, RESTARTED, PAUSED, RESUMED = "updated", "restarted", "paused", "resumed"
RESTART_ANNOTATION = "kubectl.kubernetes.io/restartedAt"


@dataclasses.dataclass(frozen=True)
class ChangeRequest:
    """What to make of a workload.

    ``images`` are by container name and ``annotations`` those that the pod template gets, for
    ``updated``; ``reason`` becomes the change cause of
    what makes a new revision. ``dry_run`` has the server try the change and store nothing.
    """

    state: str
    images: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""
    dry_run: bool = False
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)


def change_patch(workload: Object, request: ChangeRequest) -> Patch:
    """The JSON patch that makes the workload as asked; empty where it is so already.

    Raises RecoveryError where kubectl refuses: a container that is not there, a pause of what
    cannot be paused, a restart of what is paused.
    """
    subject = str(reference_to(workload))
    if request.state in (PAUSED, RESUMED):
        operations = _paused(subject, workload, request.state == PAUSED)
        return [*preconditions(workload), *operations] if operations else []
    if request.state == UPDATED:
        operations = _other_images(subject, workload, request.images)
        operations += _other_annotations(workload, request.annotations)
    else:
        operations = _restart(subject, workload)
    if not operations:
        return []
    cause = {CHANGE_CAUSE_ANNOTATION: request.reason} if request.reason else {}
    annotations = annotate("/metadata/annotations", workload["metadata"], cause)
    return [*preconditions(workload), *operations, *annotations]


def _paused(subject: str, workload: Object, wanted: bool) -> Patch:
    if workload["kind"] != DEPLOYMENT.name:
        raise RecoveryError(
            subject, "only a Deployment can be paused", "Set the partition of a StatefulSet instead"
        )
    if bool(workload["spec"].get("paused")) == wanted:
        return []
    return [{"op": "add", "path": "/spec/paused", "value": wanted}]


def _other_images(subject: str, workload: Object, images: Mapping[str, str]) -> Patch:
    spec = workload["spec"]["template"]["spec"]
    operations: Patch = []
    known: list[str] = []
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or []):
            known.append(container["name"])
            image = images.get(container["name"], container.get("image"))
            if image != container.get("image"):
                path = f"/spec/template/spec/{group}/{index}/image"
                operations.append({"op": "replace", "path": path, "value": image})
    unknown = sorted(set(images) - set(known))
    if unknown:
        raise RecoveryError(
            subject,
            f"it has no container {' and '.join(unknown)} (it has {', '.join(known)})",
            "Name one of those",
        )
    return operations


def _other_annotations(workload: Object, annotations: Mapping[str, str]) -> Patch:
    metadata = workload["spec"]["template"].get("metadata") or {}
    there = metadata.get("annotations") or {}
    missing = {name: value for name, value in annotations.items() if there.get(name) != value}
    return annotate("/spec/template/metadata/annotations", metadata, missing)


def _restart(subject: str, workload: Object) -> Patch:
    if workload["spec"].get("paused"):
        raise RecoveryError(subject, "it is paused, and a restart would wait", "Resume it first")
    restarted = {RESTART_ANNOTATION: now().strftime("%Y-%m-%dT%H:%M:%SZ")}
    metadata = workload["spec"]["template"].get("metadata") or {}
    return annotate("/spec/template/metadata/annotations", metadata, restarted)
