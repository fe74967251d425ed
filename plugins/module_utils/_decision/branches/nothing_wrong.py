# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch: users are well, and so is the cluster.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    HIGH,
    MEDIUM,
    NONE,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import quoted
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case


def ask(case: Case) -> Taken | NotTaken:
    """What is not known is not well."""
    if case.users == UNHEALTHY:
        return NotTaken(f"users are not well: {quoted(case.unhealthy_symptoms)}")
    if case.flapping:
        return NotTaken(f"signals turn to and fro: {quoted(case.flapping)}")
    if case.users == UNKNOWN:
        return NotTaken(f"what users get is not known: {quoted(case.symptoms) or 'no symptoms'}")
    if case.cluster_troubles:
        return NotTaken(f"the cluster shows trouble: {case.cluster_troubles[0]}")
    if case.failing_dependencies:
        return NotTaken(f"users are well, but {case.failing_dependencies[0]}")
    reasons = [f"all symptoms are healthy: {quoted(case.symptoms)}"]
    if case.cluster_verdict == HEALTHY:
        reasons.append("all rollouts and pods are as they should be")
    return Taken(
        NONE,
        "nothing",
        reasons,
        HIGH if case.cluster_verdict == HEALTHY else MEDIUM,
        would_change=["a symptom that turns unhealthy, or a pod that is in trouble"],
    )


BRANCH = Branch("nothing is wrong", NONE, ask)
