# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: a ResourceQuota that leaves no room for a pod of the target.

Only quotas without scopes are looked at, and only the resources that a pod template names: what
a LimitRange would add is not known here.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import math
import typing as t
from decimal import Decimal

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    WARN,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import DEPLOYMENT
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import counts_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case

    Object = Mapping[str, t.Any]

# What a quota calls the resources (https://kubernetes.io/docs/concepts/policy/resource-quotas/),
# as the part of a container's resources and the name in it that they add up.
COUNTED = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}
PODS = ("pods", "count/pods")


def needs(case: Case) -> Iterator[Listing]:
    yield Listing("resourcequotas", case.reference.namespace)


def ask(case: Case) -> Answer:
    listing = Listing("resourcequotas", case.reference.namespace)
    quotas = [quota for quota in case.facts.objects(listing) if not _has_scopes(quota)]
    if not quotas:
        return PASS, "its namespace has no quota on all pods"
    if not counts_of(case.workload).desired:
        return PASS, "it runs no pods"
    short = [told for quota in quotas for told in _shortages(quota, case)]
    if not short:
        return PASS, "its namespace's quota leaves room for a pod of the target"
    told = "; ".join(short)
    if _removes_pods_first(case.workload):
        return WARN, f"{told}, even where an old one ends. Fewer pods than now may start"
    return BLOCK, f"{told}. Raise the quota, or scale something down"


def _shortages(quota: Object, case: Case) -> Iterator[str]:
    """Where pods end first, each makes room for one; then only what is more than before counts."""
    removes_first = _removes_pods_first(case.workload)
    status = quota.get("status") or {}
    for resource, hard in (status.get("hard") or {}).items():
        wanted = _of_one_pod(case.target.template, resource)
        freed = _of_one_pod(case.workload["spec"]["template"], resource) if removes_first else 0
        left = _number(hard) - _number((status.get("used") or {}).get(resource, "0"))
        if wanted and wanted - freed > left:
            yield (
                f"quota {quota['metadata']['name']} leaves {left.normalize():f} of {resource}, "
                f"and a pod of the target takes {wanted.normalize():f}"
            )


def _of_one_pod(template: Object, resource: str) -> Decimal:
    if resource in PODS:
        return Decimal(1)
    if resource not in COUNTED:
        return Decimal(0)
    part, name = COUNTED[resource]
    spec = template["spec"]
    running = sum((_amount(c, part, name) for c in spec["containers"]), Decimal(0))
    starting = [_amount(c, part, name) for c in spec.get("initContainers") or []]
    return max([running, *starting])


def _amount(container: Object, part: str, name: str) -> Decimal:
    resources = container.get("resources") or {}
    # A limit without a request is its request, too.
    fallback = (resources.get("limits") or {}).get(name, "0") if part == "requests" else "0"
    return _number((resources.get(part) or {}).get(name, fallback))


def _number(quantity: str) -> Decimal:
    from kubernetes.utils.quantity import parse_quantity

    return Decimal(parse_quantity(quantity))


def _removes_pods_first(workload: Object) -> bool:
    """False for a Deployment that may start a pod only beside all of the old ones."""
    strategy = workload["spec"].get("strategy") or {}
    if workload["kind"] != DEPLOYMENT.name or strategy.get("type") == "Recreate":
        return True
    # 25 % is the API server's default, which it writes into the object.
    allowed = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    if isinstance(allowed, int):
        return allowed > 0
    share = int(allowed.rstrip("%")) / 100
    return math.floor(counts_of(workload).desired * share) > 0


def _has_scopes(quota: Object) -> bool:
    return bool(quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"))


GUARD = Guard("quota", ask, needs)
