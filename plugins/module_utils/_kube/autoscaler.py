# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HorizontalPodAutoscalers: which one decides about a workload, and within which bounds.

They are read and changed as ``autoscaling/v1``, which every supported Kubernetes serves: target and
bounds are the same in all versions, and the server keeps what newer versions add (metrics,
behavior) when it converts.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import (
    Listing,
    read_facts,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import object_path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]

KIND = "HorizontalPodAutoscaler"
PLURAL = "horizontalpodautoscalers"
API = "/apis/autoscaling/v1"


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The least and the greatest number of replicas that an autoscaler chooses."""

    least: int
    greatest: int

    def as_result(self) -> dict[str, int]:
        return {"min_replicas": self.least, "max_replicas": self.greatest}


def read_autoscalers(client: Client, workloads: Iterable[Object]) -> dict[str, Sequence[Object]]:
    """The autoscalers by namespace, for the namespaces of these workloads: one LIST each.

    Raises RecoveryError where they may not be read.
    """
    namespaces = sorted({workload["metadata"]["namespace"] for workload in workloads})
    listings = {namespace: Listing(PLURAL, namespace, API) for namespace in namespaces}
    facts = read_facts(client, listings.values())
    return {namespace: facts.objects(listing) for namespace, listing in listings.items()}


def autoscaler_path(autoscaler: Object) -> str:
    metadata = autoscaler["metadata"]
    return object_path(PLURAL, metadata["namespace"], metadata["name"], API)


def name_of(autoscaler: Object) -> str:
    """The autoscaler as a person would name it."""
    metadata = autoscaler["metadata"]
    return f"{KIND} {metadata['namespace']}/{metadata['name']}"


def autoscalers_of(workload: Object, autoscalers: Iterable[Object]) -> list[Object]:
    """Those of the workload's namespace that target it, whatever version of ``apps`` they name."""
    metadata = workload["metadata"]
    wanted = ("apps", workload["kind"], metadata["name"])
    found = []
    for autoscaler in autoscalers:
        target = autoscaler["spec"]["scaleTargetRef"]
        group = target.get("apiVersion", "").partition("/")[0]
        if (group, target.get("kind"), target["name"]) == wanted:
            found.append(autoscaler)
    return found


def bounds_of(autoscaler: Object) -> Bounds:
    """The server puts 1 where no least number is given."""
    spec = autoscaler["spec"]
    return Bounds(spec.get("minReplicas", 1), spec["maxReplicas"])


def keeper_of(autoscaler: Object) -> str:
    """What made the autoscaler and would set it back, such as KEDA's ScaledObject; or nothing."""
    for owner in autoscaler["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return f"{owner['kind']} {owner['name']}"
    return ""
