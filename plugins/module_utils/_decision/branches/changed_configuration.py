# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch: a ConfigMap or Secret was changed inside the window, and the template was not.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    HIGH,
    INVESTIGATE,
    LOW,
    MEDIUM,
    REVERT_CONFIG,
    Blocker,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.configuration import (
    entries_to_revert,
    suspected_changes,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.outside import (
    explanations,
    outside_is_healthy,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at
from ansible_collections.oncall.recovery.plugins.module_utils._decision.suspects import (
    duration,
    served_well,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import UNHEALTHY

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Change


def ask(case: Case) -> Taken | NotTaken:
    if not case.cluster.is_known:
        return NotTaken("what was changed is not known")
    changes = suspected_changes(case)
    if not changes:
        return NotTaken("no ConfigMap and no Secret in use was changed inside the window")
    if case.users != UNHEALTHY and not case.cluster_troubles:
        return NotTaken(f"{changes[0]} was changed, but nobody is known to suffer from it")
    if case.users == UNHEALTHY and case.onset is None:
        clue = (
            f"{changes[0]} was changed at {time_at(changes[0].at)}; since when users suffer is not"
        )
        return NotTaken(f"{clue} known", [f"{clue} known"])
    change = changes[0]
    why_not = _why_innocent(case, change)
    if why_not:
        return NotTaken(f"{change} was changed at {time_at(change.at)}, but {why_not}")
    return _taken(case, change)


def _why_innocent(case: Case, change: Change) -> str:
    user = next((w for w in case.workloads if w.key in change.users), None)
    outside = explanations(case, user, change.at)
    if outside:
        return "; ".join(outside)
    after = 0.0 if case.onset is None else case.onset - change.at
    if after > case.limits.proving_time and served_well(case, change.at, change.at + after):
        return f"users were well for {duration(after)} after that"
    return ""


def _taken(case: Case, change: Change) -> Taken:
    reasons = [f"{change} was changed at {time_at(change.at)}, and no deploy explains it"]
    after = 0.0
    if case.onset is not None and case.users == UNHEALTHY:
        after = max(0.0, case.onset - change.at)
        reasons.append(f"symptoms since {time_at(case.onset)}, {duration(after)} after that")
    elif case.cluster_troubles:
        reasons.append(case.cluster_troubles[0])
    confidence = MEDIUM
    if after > case.limits.proving_time:
        confidence = LOW
    elif outside_is_healthy(case):
        confidence = HIGH
        reasons.append("what the service depends on is healthy")
    entries = entries_to_revert(case, change)
    if not entries:
        return Taken(
            INVESTIGATE,
            "configuration",
            [*reasons, f"the earlier content of {change} is not held by anybody who was asked"],
            confidence,
            blockers=[Blocker("no_earlier_value", f"nobody holds what {change} was before")],
            would_change=[
                "the earlier content, by a triage with the baseline of a good time, or as held"
            ],
        )
    held_by = f" ({change.held_by})" if change.held_by and not case.policy.held else ""
    return Taken(
        REVERT_CONFIG,
        "configuration",
        [*reasons, f"its earlier content is known{held_by}"],
        confidence,
        target={
            "kind": change.kind,
            "namespace": change.namespace,
            "name": change.name,
            "changes": entries,
            "workloads": [w.as_target() for w in case.workloads if w.key in change.users],
        },
        blockers=list(_blockers(case, change)),
        would_change=["a dependency that failed before the change"],
    )


def _blockers(case: Case, change: Change) -> t.Iterator[Blocker]:
    """Who keeps the workloads in step with Git keeps their configuration so, too."""
    for workload in case.workloads:
        if workload.key in change.users and workload.owners and case.policy.gitops == "refuse":
            owners = " and ".join(workload.owners)
            yield Blocker("gitops", f"{owners} deploys {workload} and likely {change}, too")


BRANCH = Branch("a changed configuration", REVERT_CONFIG, ask)
