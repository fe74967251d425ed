# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: GitOps or Helm deploys the workload, and would bring the bad version back.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    WARN,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.owners import (
    automation_of,
    owner_listing,
    owners_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import IGNORE, REFUSE
from ansible_collections.oncall.recovery.plugins.module_utils._kube.suspension import live_owner

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import Manager


def needs(case: Case) -> Iterator[Listing]:
    """To refuse or to ignore, the workload's labels and annotations are enough."""
    if case.request.gitops in (REFUSE, IGNORE):
        return
    for owner in owners_of(case.workload):
        listing = owner_listing(owner, case.request.argocd_namespace)
        if listing:
            yield listing


def ask(case: Case) -> Answer:
    owners = owners_of(case.workload)
    told = " and ".join(str(owner) for owner in owners)
    if not owners:
        return PASS, "neither GitOps nor Helm deploys it"
    if case.request.gitops == IGNORE:
        return WARN, f"{told} deploys it and may bring the bad version back"
    if case.request.gitops == REFUSE:
        return BLOCK, (
            f"{told} deploys it and would bring the bad version back. Revert there, or set gitops "
            "to suspend or ignore"
        )
    obstacles = [obstacle for owner in owners if (obstacle := _obstacle(case, owner))]
    if obstacles:
        return BLOCK, f"{'; '.join(obstacles)}. Revert there, or set gitops to ignore"
    return PASS, f"{told} deploys it and is kept from acting by itself"


def _obstacle(case: Case, owner: Manager) -> str:
    if owner_listing(owner, case.request.argocd_namespace) is None:
        return f"{owner} deploys it and cannot be suspended"
    obstacle = automation_of(owner, live_owner(case, owner)).obstacle
    return f"suspending {owner} would have no effect, for {obstacle}" if obstacle else ""


GUARD = Guard("owner", ask, needs)
