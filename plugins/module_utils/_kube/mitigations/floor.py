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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    autoscalers_of,
    bounds_of,
    keeper_of,
    name_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.change import Change
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    AUTOSCALER,
    object_reference,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Object = Mapping[str, t.Any]

FLOOR_TOKENS, CEILING_TOKENS = ("spec", "minReplicas"), ("spec", "maxReplicas")


def autoscaler_for(change: Change, live: Object, autoscalers: Iterable[Object]) -> Object | None:
    """The autoscaler that decides what the change wants to set; none does for no replicas at all.

    Without replicas an autoscaler is switched off, and that is what 0 asks for. ``live`` is the
    workload. Raises RecoveryError where something else keeps the autoscaler as it is.
    """
    found = autoscalers_of({**live, "kind": change.reference.kind}, autoscalers)
    if not found or not change.replicas:
        return None
    keeper = keeper_of(found[0])
    if keeper:
        raise RecoveryError(
            name_of(found[0]),
            f"{keeper} made it and would set it back",
            "Change that instead, by pointer",
        )
    return found[0]


def as_floor(change: Change, autoscaler: Object, before: int | None, ceiling: int) -> Change:
    """The change to the autoscaler that gives the workload at least the replicas asked for.

    ``before`` is the floor under the mitigation, where it is applied already. A floor that is
    higher stays. Raises RecoveryError where ``ceiling``, its most replicas, is lower.
    """
    metadata = autoscaler["metadata"]
    floor = bounds_of(autoscaler).least if before is None else before
    wanted = max(change.replicas or 0, floor)
    if wanted > ceiling:
        raise RecoveryError(
            name_of(autoscaler),
            f"it allows {ceiling} replicas of {change.reference}, not {wanted}",
            "Raise its /spec/maxReplicas by a pointer in the change before, or ask for fewer",
        )
    reference = object_reference(AUTOSCALER, metadata["namespace"], metadata["name"])
    return dataclasses.replace(change, reference=reference, tokens=FLOOR_TOKENS, value=wanted)
