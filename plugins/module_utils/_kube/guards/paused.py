# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: a paused Deployment would take the template and not roll it out; kubectl refuses, too.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    Answer,
    Guard,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def ask(case: Case) -> Answer:
    if case.is_paused:
        return BLOCK, "it is paused. Resume it first: kubectl rollout resume"
    return PASS, "it is not paused"


GUARD = Guard("paused", ask)
