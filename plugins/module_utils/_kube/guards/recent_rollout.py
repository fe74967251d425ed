# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: what runs now was deployed so long ago that it is not why things fail today.

Going back then takes a version away that served well, and leaves the trouble as it is.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import read_time

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision


def ask(case: Case) -> Answer:
    within = case.request.deployed_within_seconds
    if not within:
        return PASS, "nobody asks when what runs now was deployed"
    if case.current is None:
        return BLOCK, "which revision runs now is not known, and so not since when"
    rolled_out = _rolled_out_at(case, case.current)
    told = f"revision {case.current.number} was rolled out at {rolled_out:%Y-%m-%d %H:%M:%S} UTC"
    if (case.facts.read_at - rolled_out).total_seconds() > within:
        return BLOCK, (
            f"{told}, more than {_duration(within)} ago, so it is not likely to be the cause. Look "
            "at what else changed, and at what the workload depends on"
        )
    return PASS, f"{told}, within {_duration(within)}"


def _rolled_out_at(case: Case, current: Revision) -> datetime.datetime:
    """When its revision object was made, or later, where the Deployment says so.

    A Deployment that goes to a template it had before uses the old ReplicaSet again. Its condition
    Progressing is not touched after a rollout is complete (syncRolloutStatus in Kubernetes'
    ``pkg/controller/deployment/progress.go``). The other kinds keep no such time.
    """
    conditions = (case.workload.get("status") or {}).get("conditions") or []
    times = [c.get("lastUpdateTime") for c in conditions if c.get("type") == "Progressing"]
    return max(read_time(text) for text in (current.created, *times) if text)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


GUARD = Guard("recent_rollout", ask)
