# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps any change of a workload from being made without a person.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import Blocker

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Workload


def blockers_of_workload(case: Case, workload: Workload) -> Iterator[Blocker]:
    """GitOps that would undo the change, as the policy has it, and a rollout that is paused."""
    if workload.owners and case.policy.gitops == "refuse":
        owners = " and ".join(workload.owners)
        yield Blocker("gitops", f"{owners} deploys {workload} and would bring the bad version back")
    if workload.is_paused:
        yield Blocker("paused", f"the rollout of {workload} is paused, and somebody had a reason")
