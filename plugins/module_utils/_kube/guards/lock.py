# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: somebody else is at work on the workload. The rollback itself takes no lock.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    WARN,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import (
    COORDINATION,
    LOCK_LABEL,
    Lock,
    lease_name,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def needs(case: Case) -> Iterator[Listing]:
    yield _listing(case)


def ask(case: Case) -> Answer:
    try:
        leases = case.facts.objects(_listing(case))
    except RecoveryError as error:
        if case.request.automatic:
            raise
        return WARN, f"whether somebody holds its lock is not known: {error.message}"
    name = lease_name(case.reference)
    for lock in (Lock(lease) for lease in leases if lease["metadata"]["name"] == name):
        if lock.is_held_by_another(case.request.holder, case.facts.read_at):
            return BLOCK, f"it is {lock.told()}. Ask the holder, or wait"
    return PASS, "nobody else holds its lock"


def _listing(case: Case) -> Listing:
    return Listing(
        "leases",
        case.reference.namespace,
        COORDINATION,
        label_selector=f"{LOCK_LABEL}=true",
    )


GUARD = Guard("lock", ask, needs)
