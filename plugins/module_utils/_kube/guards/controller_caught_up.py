# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: before the newest template has its revision, "previous" is one revision too far back.

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

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def ask(case: Case) -> Answer:
    if case.current is None and case.is_paused:
        return WARN, "while it is paused, its newest template may have no revision"
    if case.current is None:
        return BLOCK, (
            "its controller has not yet made a revision of the newest template. "
            "Check that kube-controller-manager runs, then try again"
        )
    return PASS, f"its newest template is revision {case.current.number}"


GUARD = Guard("controller_caught_up", ask)
