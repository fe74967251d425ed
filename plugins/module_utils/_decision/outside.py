# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes from outside and explains the symptoms: then a change that came later is innocent.

Most incidents follow a change, but not all that follows a change comes of it. Argo Rollouts gives
up no version that once was promoted, for the same reason (its ``rollout/sync.go``).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
    EXTERNAL_API,
    ITSELF,
    quoted,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.demand import demand_of
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    HEALTHY,
    UNHEALTHY,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
        Case,
        Dependency,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import (
        Neighbour,
        Workload,
    )


def explanations(case: Case, workload: Workload | None, changed_at: float) -> list[str]:
    """What explains the symptoms although something was changed at ``changed_at``, in words."""
    return [
        *_dependencies(case, changed_at),
        *(neighbour.text for neighbour in neighbours(case, workload)),
        *_platform(case, changed_at),
        *_demand(case),
    ]


def outside_is_healthy(case: Case) -> bool:
    """Whether it is known that nothing outside fails, rather than just not known that it does."""
    if not case.dependencies and not case.platform:
        return False
    verdicts = [d.verdict for d in case.dependencies] + [s.verdict for s in case.platform]
    return all(verdict == HEALTHY for verdict in verdicts)


def neighbours(case: Case, workload: Workload | None) -> list[Neighbour]:
    """What else keeps the nodes of the workload busy, and came up lately; or their own trouble."""
    nodes = {pod.node for pod in workload.pods} if workload else set()
    found = []
    for neighbour in case.cluster.neighbours:
        is_own = workload is not None and neighbour.workload == workload.key
        if is_own or (nodes and neighbour.node not in nodes):
            continue
        is_busy = (neighbour.cpu_share or 0.0) >= case.limits.neighbour_share
        if neighbour.cpu_share is None or (is_busy and _is_new(case, neighbour)):
            found.append(neighbour)
    return found


def _is_new(case: Case, neighbour: Neighbour) -> bool:
    """What was there long before the trouble, or came after it, is not its cause."""
    if neighbour.since is None:
        return True
    onset = case.now if case.onset is None else case.onset
    return -case.limits.tolerance <= onset - neighbour.since <= case.limits.proving_time


def _dependencies(case: Case, changed_at: float) -> Iterator[str]:
    for dependency in case.failing_dependencies:
        why = _why_innocent(case, dependency, changed_at)
        if why:
            yield f"{dependency}, {why}"


def _why_innocent(case: Case, dependency: Dependency, changed_at: float) -> str:
    onset, limits = dependency.onset, case.limits
    if onset is None:
        return "and since when is not known"
    if onset < changed_at + limits.tolerance:
        return f"before the change of {time_at(changed_at)}"
    if dependency.measured_at == ITSELF and dependency.kind == EXTERNAL_API:
        return "which was asked itself, and does not depend on what is deployed here"
    if onset - changed_at > limits.settle:
        return f"{onset - changed_at:.0f} s after the change, too late to come of it"
    return ""


def _platform(case: Case, changed_at: float) -> Iterator[str]:
    for signal in case.platform:
        onset = signal.departed
        if signal.verdict == UNHEALTHY and (
            onset is None or onset < changed_at + case.limits.tolerance
        ):
            yield f"platform: {quoted([signal])}"


def _demand(case: Case) -> Iterator[str]:
    demand = demand_of(case)
    if demand.is_high and demand.is_saturated:
        yield f"the load is far above its usual level ({demand.told})"
