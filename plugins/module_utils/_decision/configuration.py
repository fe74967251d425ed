# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ConfigMaps and Secrets that were changed before the trouble, and what undoes that.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import UNHEALTHY

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Change


def suspected_changes(case: Case) -> list[Change]:
    """Those inside the window before the onset that a workload of the case uses, newest first."""
    end = case.now
    if case.users == UNHEALTHY and case.onset is not None:
        end = case.onset + case.limits.tolerance
    keys = {workload.key for workload in case.workloads}
    found = [
        change
        for change in case.cluster.changes
        if end - case.limits.window <= change.at <= end and change.users & keys
    ]
    return sorted(found, key=lambda change: -change.at)


def changed_between(case: Case, start: float, end: float) -> list[Change]:
    """Those after ``start`` and not after ``end``, both Unix times."""
    return [change for change in suspected_changes(case) if start < change.at <= end]


def entries_to_revert(case: Case, change: Change) -> list[dict[str, t.Any]]:
    """The ``changes`` for ``k8s_mitigation`` that bring the earlier content back, if it is held.

    What the caller knows wins over what the triage found.
    """
    given = [
        dict(entry)
        for entry in case.policy.held
        if (entry.get("kind"), entry.get("name")) == (change.kind, change.name)
        and entry.get("namespace", change.namespace) == change.namespace
    ]
    return given or [dict(entry) for entry in change.revert]
