# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch: the load is far above its usual level, and the pods are full.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    HIGH,
    MEDIUM,
    SCALE,
    Blocker,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.branches.blocking import (
    blockers_of_workload,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.demand import (
    Demand,
    demand_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import UNHEALTHY

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Workload


def ask(case: Case) -> Taken | NotTaken:
    demand = demand_of(case)
    if demand.is_high is None:
        return NotTaken("how high the load is against its usual level is not known")
    if not demand.is_high:
        return NotTaken(f"the load is not far above its usual level ({demand.told})")
    clue = f"the load is far above its usual level ({demand.told})"
    if not demand.is_saturated:
        return NotTaken(f"{clue}, but {demand.saturation_told}", [clue])
    if case.users != UNHEALTHY:
        return NotTaken(f"{clue}, but users are not known to suffer", [clue])
    return _taken(case, demand)


def _taken(case: Case, demand: Demand) -> Taken:
    workload = _busiest(case)
    factor = min(demand.factor or case.limits.load_factor, case.limits.scale_factor_max)
    target = None
    if workload:
        replicas = math.ceil(workload.replicas * factor)
        target = {**workload.as_target(), "replicas": replicas, "factor": round(factor, 2)}
    return Taken(
        SCALE,
        "load",
        [f"the load is far above its usual level ({demand.told})", demand.saturation_told],
        HIGH if demand.factor else MEDIUM,
        target=target,
        blockers=list(_blockers(case, workload)),
        would_change=["a load that is usual for this time", "pods that have room left"],
    )


def _busiest(case: Case) -> Workload | None:
    """The workload whose pods are the fullest, where the symptoms are not about a certain one."""
    scalable = [w for w in case.workloads if w.key[0] != "DaemonSet" and w.replicas]

    def fullness(workload: Workload) -> float:
        return max((pod.cpu_share or 0.0 for pod in workload.pods), default=0.0)

    return max(scalable, key=fullness, default=None)


def _blockers(case: Case, workload: Workload | None) -> Iterator[Blocker]:
    if workload is None:
        yield Blocker("no_target", "no workload is known that more pods could be added to")
        return
    if workload.scaler_at_limit:
        yield Blocker("autoscaler_limit", f"{workload.scaler_at_limit}, which is a team's decision")
    if case.cluster.unschedulable:
        yield Blocker("no_room", f"there is no room for more: {case.cluster.unschedulable[0]}")
    yield from (b for b in blockers_of_workload(case, workload) if b.name != "paused")


BRANCH = Branch("the load", SCALE, ask)
