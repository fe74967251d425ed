# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: one automatic rollback per incident, and none soon after another.

If the first did not help, a second will not, and a person has to look.

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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import now, record_of

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def ask(case: Case) -> Answer:
    record = record_of(case.workload)
    if not case.request.automatic:
        return PASS, "a person asked for it"
    if not record or not record.is_automatic:
        return PASS, "it was not rolled back automatically before"
    done = f"it was rolled back automatically at {record.at:%Y-%m-%d %H:%M:%S} UTC"
    if case.request.incident and case.request.incident == record.incident:
        return BLOCK, f"{done} in this very incident. If that did not help, a person has to look"
    over = record.at + datetime.timedelta(seconds=case.request.cooldown_seconds)
    if now() < over:
        return BLOCK, f"{done}, so the next is allowed from {over:%Y-%m-%d %H:%M:%S} UTC on"
    return PASS, f"{done}, which is long enough ago"


GUARD = Guard("cooldown", ask)
