# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""More replicas of a workload that an autoscaler scales: its floor is raised, and not fought.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import collection_path
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.change import Change
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    AUTOSCALER,
    USUAL,
    object_reference,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]

FLOOR_TOKENS, CEILING_TOKENS = ("spec", "minReplicas"), ("spec", "maxReplicas")
# What the server takes an autoscaler without a floor to have.
USUAL_FLOOR = 1


def autoscalers_in(client: Client, namespace: str) -> list[dict[str, t.Any]]:
    """All HorizontalPodAutoscalers of a namespace, by one LIST."""
    version, plural = USUAL[AUTOSCALER]
    path = collection_path(plural, namespace, f"/apis/{version}")
    return client.list_objects(path, subject=f"{plural} in namespace {namespace}")[0]


def autoscaler_of(change: Change, autoscalers: Iterable[Object]) -> Object | None:
    """The autoscaler that decides what the change wants to set; none does for no replicas at all.

    Without replicas an autoscaler is switched off, and that is what 0 asks for.
    """
    reference = change.reference
    for autoscaler in autoscalers:
        target = autoscaler["spec"]["scaleTargetRef"]
        if (target.get("kind"), target.get("name")) == (reference.kind, reference.name):
            return autoscaler if change.replicas else None
    return None


def as_floor(change: Change, autoscaler: Object, before: int | None, ceiling: int) -> Change:
    """The change to the autoscaler that gives the workload at least the replicas asked for.

    ``before`` is the floor under the mitigation, where it is applied already. A floor that is
    higher stays. Raises RecoveryError where ``ceiling``, its most replicas, is lower.
    """
    metadata, spec = autoscaler["metadata"], autoscaler["spec"]
    reference = object_reference(AUTOSCALER, metadata["namespace"], metadata["name"])
    floor = before if before is not None else spec.get("minReplicas", USUAL_FLOOR)
    wanted = max(change.replicas or 0, floor)
    if wanted > ceiling:
        raise RecoveryError(
            str(reference),
            f"it allows {ceiling} replicas of {change.reference}, not {wanted}",
            "Raise its /spec/maxReplicas by a pointer in the change before, or ask for fewer",
        )
    return dataclasses.replace(change, reference=reference, tokens=FLOOR_TOKENS, value=wanted)
