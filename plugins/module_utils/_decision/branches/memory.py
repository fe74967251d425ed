# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch: memory climbs, long after the last rollout, until pods are killed.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    HIGH,
    INVESTIGATE,
    MEDIUM,
    RESTART,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.branches.blocking import (
    blockers_of_workload,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.leaking import (
    Leak,
    leak_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Workload


def ask(case: Case) -> Taken | NotTaken:
    if not case.workloads:
        return NotTaken("which pods there are is not known")
    found = [(leak_of(case, workload), workload) for workload in case.workloads]
    leaks = [(leak, workload) for leak, workload in found if leak.is_trouble]
    if not leaks:
        return NotTaken("no pod was killed for want of memory, and none climbs towards its limit")
    leak, workload = max(leaks, key=lambda one: one[0].kills)
    return _taken(case, leak, workload)


def _taken(case: Case, leak: Leak, workload: Workload) -> Taken:
    reasons = [f"{workload}: {leak.told}"]
    if leak.climbs_since is not None:
        reasons.append(f"memory climbs since {time_at(leak.climbs_since)}, not from a rollout on")
    else:
        reasons.append("no rollout inside the window explains it")
    return Taken(
        RESTART,
        "memory",
        reasons,
        HIGH if leak.kills and leak.climbs_since is not None else MEDIUM,
        target=workload.as_target(),
        blockers=[b for b in blockers_of_workload(case, workload) if b.name == "paused"],
        would_change=["a climb that began with a rollout", "memory that does not climb again"],
        also=[INVESTIGATE],
    )


BRANCH = Branch("memory", RESTART, ask)
