# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: automatic recovery is switched off.

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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kill_switch import (
    switches_in,
    thrown_switches,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing


def needs(case: Case) -> Iterator[Listing]:
    """A person is let through, so that nobody who is called at night has to find the switch."""
    if case.request.automatic:
        yield from switches_in((case.reference.namespace, case.request.kill_switch_namespace))


def ask(case: Case) -> Answer:
    if not case.request.automatic:
        return PASS, "a person asked for it"
    found = [config_map for listing in needs(case) for config_map in case.facts.objects(listing)]
    thrown = thrown_switches(found)
    if thrown:
        return BLOCK, f"automation is switched off by ConfigMap {' and '.join(thrown)}"
    return PASS, "automation is not switched off"


GUARD = Guard("kill_switch", ask, needs)
