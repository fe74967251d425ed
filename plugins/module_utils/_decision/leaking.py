# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory that climbs until pods are killed, and since when it climbs.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
    pod_troubles,
    quoted,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import OOM_KILLED
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import UNHEALTHY

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Workload
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import Signal

# What rises by less than this share of its height does not climb.
LEAST_RISE = 0.2
# Where on the way up the beginning of the climb is measured from.
LOWER, UPPER = 0.25, 0.5


@dataclasses.dataclass(frozen=True)
class Leak:
    """Whether memory is in trouble, why, and since when (Unix time) it climbs, if that is known."""

    is_trouble: bool
    told: str
    climbs_since: float | None
    kills: int


def leak_of(case: Case, workload: Workload) -> Leak:
    """What kills, signals of memory and the usage of a workload's pods say together."""
    kills = pod_troubles(workload, OOM_KILLED)
    high = [signal for signal in case.memory if signal.verdict == UNHEALTHY]
    starts = [start for s in case.memory if (start := climb_start(s)) is not None]
    climbs_since = min(starts, default=None)
    near = [
        f"{pod.name} uses {pod.memory_share:.0%} of its memory limit"
        for pod in workload.pods
        if pod.memory_share is not None and pod.memory_share >= case.limits.memory_share
    ]
    told = [trouble.text for trouble in kills[:2]]
    if high:
        told.append(quoted(high))
    told += near[:2]
    is_trouble = bool(kills or high or (near and climbs_since is not None))
    return Leak(is_trouble, "; ".join(told), climbs_since, len(kills))


def climb_start(signal: Signal) -> float | None:
    """When a value began to climb, by a line through its first quarter and half.

    None where it did not, or where it was up already. The first way up counts: memory falls when
    a pod is killed, and climbs again.
    """
    samples = [(s.at, s.value) for s in signal.samples if s.value is not None]
    values = [value for _at, value in samples]
    if len(values) < 4 or max(values) - min(values) < LEAST_RISE * max(values):
        return None
    low, rise = min(values), max(values) - min(values)
    lower = next(at for at, value in samples if value >= low + LOWER * rise)
    upper = next(at for at, value in samples if value >= low + UPPER * rise)
    if upper == samples[0][0]:
        # It was up already: since when is not known.
        return None
    return max(samples[0][0], lower - (upper - lower))
