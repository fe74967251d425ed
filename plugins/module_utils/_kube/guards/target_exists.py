# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: there is a revision to go back to. Nothing can be done without, so nothing overrides it.

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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.target import NoTarget

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def ask(case: Case) -> Answer:
    try:
        if case.choice.caution:
            return WARN, case.choice.caution
        return PASS, f"revision {case.target.number} is in its history"
    except NoTarget as error:
        return BLOCK, error.message.partition(": ")[2]


GUARD = Guard("target_exists", ask, is_overridable=False)
