# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch: nothing at all is known, so nothing is done.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    HIGH,
    INVESTIGATE,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import quoted
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import UNKNOWN

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case


def ask(case: Case) -> Taken | NotTaken:
    """The cluster's own state is a signal like the others."""
    dependencies = [d for d in case.dependencies if d.verdict != UNKNOWN]
    if case.users != UNKNOWN or case.flapping or case.cluster_verdict != UNKNOWN or dependencies:
        return NotTaken("something is known of users, of the cluster or of what they need")
    reasons = ["nothing is known: neither what users get nor the state of the cluster"]
    if case.symptoms:
        reasons.append(quoted(case.symptoms))
    if case.cluster.forbidden:
        reasons.append(f"the triage could not read {', '.join(case.cluster.forbidden)}")
    return Taken(
        INVESTIGATE,
        "unknown",
        reasons,
        HIGH,
        would_change=["one signal with data, or a triage that could read the workloads"],
    )


BRANCH = Branch("nothing is known", INVESTIGATE, ask)
