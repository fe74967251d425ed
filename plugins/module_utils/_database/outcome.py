# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a restore.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import iso
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Backup
from ansible_collections.oncall.recovery.plugins.module_utils._database.state import (
    SWITCHED,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._database.plan import Plan
    from ansible_collections.oncall.recovery.plugins.module_utils._database.request import Request
    from ansible_collections.oncall.recovery.plugins.module_utils._database.state import State


def outcome_of_plan(request: Request, plan: Plan) -> dict[str, t.Any]:
    """What a restore that was not begun would do."""
    return {
        "changed": True,
        "name": request.name,
        "database": request.wanted.database,
        "approved_by": "",
        "switched_by": "",
        "step": "",
        "steps": [],
        "restored": "",
        "kept": "",
        "dump": "",
        "not_copied": [],
        "checks": [],
        "differences": [],
        **plan.as_result(),
    }


def outcome_of(state: State, *, changed: bool, plan: Plan | None = None) -> dict[str, t.Any]:
    """What is known of a restore that was begun."""
    switched = state.step == SWITCHED
    return {
        "changed": changed,
        "name": state.name,
        "database": state.database,
        "approved_by": state.approved_by,
        "switched_by": state.switched_by,
        "step": state.step,
        "steps": [{"step": step, "at": iso(at)} for step, at in state.steps.items()],
        "restored": state.database if switched else state.beside,
        "kept": state.kept if switched else "",
        "dump": state.dump,
        "not_copied": state.not_copied,
        "checks": state.checks,
        "differences": state.differences,
        **(plan.as_result() if plan else {"backup": Backup(**state.backup).as_result(time.time())}),
    }
