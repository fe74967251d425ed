# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: one automatic rollback per incident, and none soon after another.

If the first did not help, a second will not, and a person has to look.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.marking import label_value
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import record_of
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import BAD

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def ask(case: Case) -> Answer:
    if not case.request.automatic:
        return PASS, "a person asked for it"
    done = _done_in_this_incident(case)
    if done:
        return BLOCK, f"{done} in this very incident. If that did not help, a person has to look"
    record = record_of(case.workload)
    if not record or not record.last_automatic:
        return PASS, "it was not rolled back automatically before"
    done = f"it was rolled back automatically at {record.last_automatic:%Y-%m-%d %H:%M:%S} UTC"
    # Plain numbers, since a time that someone wrote there may be too far away to add to.
    left = (
        case.request.cooldown_seconds - (case.facts.read_at - record.last_automatic).total_seconds()
    )
    if left > 0:
        return BLOCK, f"{done}, so the next is allowed in {math.ceil(left / 60)} min"
    return PASS, f"{done}, which is long enough ago"


def _done_in_this_incident(case: Case) -> str:
    """The rollback that this incident had, in words, or nothing.

    ``kubectl rollout undo`` takes the record away or brings an older one back; marks stay.
    """
    incident = case.request.incident
    record = record_of(case.workload)
    if incident and record and record.is_automatic and record.incident == incident:
        return f"it was rolled back automatically at {record.at:%Y-%m-%d %H:%M:%S} UTC"
    label = label_value(incident)
    left = [r for r in case.revisions if label and r.mark == BAD and r.incident == label]
    return f"revision {left[-1].number} was left as bad" if left else ""


GUARD = Guard("cooldown", ask)
