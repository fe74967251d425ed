# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards in their order, and asking them.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards import (
    controller_caught_up,
    cooldown,
    health,
    kill_switch,
    lock,
    migration_barrier,
    mutable_tag,
    owner,
    paused,
    quota,
    recent_rollout,
    references_changed,
    references_exist,
    target_exists,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    WARN,
    Answer,
    Guard,
    GuardResult,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing

GUARDS: tuple[Guard, ...] = (
    kill_switch.GUARD,
    lock.GUARD,
    cooldown.GUARD,
    recent_rollout.GUARD,
    owner.GUARD,
    paused.GUARD,
    controller_caught_up.GUARD,
    target_exists.GUARD,
    references_exist.GUARD,
    references_changed.GUARD,
    migration_barrier.GUARD,
    mutable_tag.GUARD,
    health.GUARD,
    quota.GUARD,
)


# Where nothing can or need be done, only these have anything to say, and nothing else is read.
GUARDS_OF_THE_TARGET = (paused.GUARD, controller_caught_up.GUARD, target_exists.GUARD)


def ask_guards(case: Case) -> list[GuardResult]:
    """Ask all guards in their order, so that a person sees at once all that is in the way.

    Without a target, or where its template is there already, it is only those of the target.
    None is asked about a rollback that was done before.
    """
    if case.done_before:
        return []
    results: list[GuardResult] = []
    for guard in GUARDS if _is_to_be_changed(case) else GUARDS_OF_THE_TARGET:
        outcome, detail = _answer(guard, case)
        results.append(GuardResult(guard.name, outcome, detail))
    return results


def listings_for(case: Case) -> Iterator[Listing]:
    """What the guards need to read about a case that is not yet decided without them."""
    for guard in GUARDS if _is_to_be_changed(case) else ():
        if guard.name not in case.request.override_guards:
            yield from guard.needs(case)


def _is_to_be_changed(case: Case) -> bool:
    return case.has_target and not case.is_done_already


def _answer(guard: Guard, case: Case) -> Answer:
    is_overridden = guard.is_overridable and guard.name in case.request.override_guards
    if is_overridden and set(guard.needs(case)):
        return WARN, "overridden, and so not asked"
    try:
        outcome, detail = guard.ask(case)
    except RecoveryError as error:
        outcome, detail = BLOCK, f"it cannot be checked: {error.message}"
    if outcome == BLOCK and is_overridden:
        return WARN, f"overridden: {detail}"
    return outcome, detail
