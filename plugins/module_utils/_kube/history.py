# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What workloads ran before and run now, and who manages them, as plain data.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    read_autoscalers,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import look_once
from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import managers_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    View,
    rollout_status,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
    read_workloads,
    reference_to,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

# https://specs.opencontainers.org/image-spec/annotations/
IMAGE_ANNOTATIONS = "org.opencontainers.image."


def read_history(client: Client, selection: Selection) -> dict[str, t.Any]:
    """Return ``workloads`` (sorted) and ``missing`` (references that lead to nothing)."""
    found = read_workloads(client, selection)
    autoscalers = read_autoscalers(client, found.workloads)
    described = look_once(
        client,
        found.workloads,
        lambda view: describe(view, autoscalers[view.workload["metadata"]["namespace"]]),
    )
    return {
        "changed": False,
        "workloads": [described[w["metadata"]["uid"]] for w in found.workloads],
        "missing": [reference.as_result() for reference in found.missing],
    }


def describe(view: View, autoscalers: Iterable[Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """One workload: its state, its managers and its revisions, newest first."""
    workload = view.workload
    status = rollout_status(view)
    reference: WorkloadReference = reference_to(workload)
    current = status.revision
    return {
        **reference.as_result(),
        "uid": workload["metadata"]["uid"],
        "generation": workload["metadata"].get("generation", 0),
        "paused": bool(workload["spec"].get("paused")),
        **status.as_result(),
        "image_annotations": image_annotations_of(workload),
        "managed_by": [m.as_result() for m in managers_of(workload, autoscalers)],
        "revisions": [_revision(r, current) for r in reversed(view.revisions)],
    }


def image_annotations_of(workload: Mapping[str, t.Any]) -> dict[str, str]:
    """What annotations say of the image. Those of the pod template win: they roll back with it."""
    metadata = workload["spec"]["template"].get("metadata") or {}
    annotations = {
        **(workload["metadata"].get("annotations") or {}),
        **(metadata.get("annotations") or {}),
    }
    return {k: v for k, v in sorted(annotations.items()) if k.startswith(IMAGE_ANNOTATIONS)}


def _revision(revision: Revision, current: Revision | None) -> dict[str, t.Any]:
    return {
        **revision.as_result(),
        "name": revision.name,
        "uid": revision.uid,
        "created": revision.created,
        "change_cause": revision.change_cause,
        "replicas": revision.replicas,
        "mark": revision.mark,
        "current": current is not None and revision.uid == current.uid,
    }
