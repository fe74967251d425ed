# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is asked of the service, against what is usual, and whether its pods are full.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import quoted
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    HEALTHY,
    UNHEALTHY,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Workload
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import Signal

# What is usual, from fewer samples than these, is a guess.
LEAST_SAMPLES = 3
# The newest samples are the present; a median of them, so that one outlier is no spike.
PRESENT_SAMPLES = 3
SHARE_OF_PODS = 0.5


@dataclasses.dataclass(frozen=True)
class Demand:
    """``factor`` is the load by its usual level, None where it is not known.

    ``is_high`` and ``is_saturated`` are None where they are not known.
    """

    is_high: bool | None
    factor: float | None
    is_saturated: bool | None
    told: str
    saturation_told: str


def demand_of(case: Case, workload: Workload | None = None) -> Demand:
    """What the signals of the load, those of saturation and the usage of the pods say together."""
    factors = [factor for s in case.load if (factor := factor_of(s, case.onset)) is not None]
    factor = max(factors, default=None)
    unhealthy = [signal for signal in case.load if signal.verdict == UNHEALTHY]
    is_high: bool | None = None
    if unhealthy or (factor is not None and factor >= case.limits.load_factor):
        is_high = True
    elif factor is not None or any(signal.verdict == HEALTHY for signal in case.load):
        is_high = False
    told = quoted(unhealthy or case.load)
    if factor is not None:
        told = f"{told}; {factor:.1f} times what is usual"
    is_saturated, saturation_told = _saturation(case, workload)
    return Demand(is_high, factor, is_saturated, told, saturation_told)


def factor_of(signal: Signal, onset: float | None) -> float | None:
    """The present value by the median of what came before the onset; None where that is unknown."""
    values = [(s.at, s.value) for s in signal.samples if s.value is not None]
    present = [value for _at, value in values[-PRESENT_SAMPLES:]]
    until = onset
    if until is None:
        until = values[-len(present)][0] if present else 0.0
    before = [value for at, value in values[:-PRESENT_SAMPLES] if at < until]
    if len(before) < LEAST_SAMPLES:
        return None
    # The climb itself belongs to the samples before the onset; the lower half is before the climb.
    usual = statistics.median(sorted(before)[: max(LEAST_SAMPLES, len(before) // 2 + 1)])
    return statistics.median(present) / usual if usual > 0 else None


def _saturation(case: Case, workload: Workload | None) -> tuple[bool | None, str]:
    full = [signal for signal in case.saturation if signal.verdict == UNHEALTHY]
    if full:
        return True, quoted(full)
    workloads = [workload] if workload else case.workloads
    shares = [
        (pod.name, pod.cpu_share)
        for one in workloads
        for pod in one.pods
        if pod.cpu_share is not None
    ]
    busy = [(n, share) for n, share in shares if share >= case.limits.saturated_share]
    if shares and len(busy) >= SHARE_OF_PODS * len(shares):
        told = ", ".join(f"{name} uses {share:.0%}" for name, share in busy[:3])
        return True, f"{len(busy)} of {len(shares)} pods are near their CPU limit ({told})"
    if shares or any(signal.verdict == HEALTHY for signal in case.saturation):
        return False, quoted(case.saturation) or "the pods are well below their CPU limits"
    return None, "whether the pods are full is not known"
