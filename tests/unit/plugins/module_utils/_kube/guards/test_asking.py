# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All guards are asked in their order, and each refusal can be overruled by name."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    GUARDS,
    ask_guards,
    listings_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import OVERRIDABLE_GUARDS

from ..builders import KINDS, workload
from .cases import answer_of, case_of, ready_workload

NAMES = [guard.name for guard in GUARDS]
FORBIDDEN = ApiError("resourcequotas in namespace shop", 403, "Forbidden", "cannot list")


def test_options_name_the_guards_in_the_order_in_which_they_are_asked() -> None:
    assert [guard.name for guard in GUARDS if guard.is_overridable] == OVERRIDABLE_GUARDS
    assert [guard.name for guard in GUARDS if not guard.is_overridable] == ["target_exists"]


@pytest.mark.parametrize("kind", KINDS)
def test_ready_workload_passes_all_guards_in_their_order(kind: str) -> None:
    asked = ask_guards(case_of(ready_workload(kind)))
    assert [(guard.name, guard.outcome) for guard in asked] == [(name, "pass") for name in NAMES]


def test_all_guards_are_asked_where_one_blocks() -> None:
    paused = workload(spec={"paused": True})
    assert [guard.name for guard in ask_guards(case_of(paused))] == NAMES


def test_no_guard_is_asked_after_a_missing_target() -> None:
    asked = ask_guards(case_of(ready_workload(), "web:2"))
    assert (asked[-1].name, asked[-1].outcome) == ("target_exists", "block")


def test_overridden_guard_warns_with_what_it_said() -> None:
    case = case_of(workload(spec={"paused": True}), override_guards=frozenset({"paused"}))
    assert answer_of("paused", case) == (
        "warn",
        "overridden: it is paused. Resume it first: kubectl rollout resume",
    )


def test_overridden_guard_that_would_have_to_read_is_not_asked() -> None:
    case = case_of(ready_workload(), override_guards=frozenset({"quota"}))
    assert "resourcequotas" not in {listing.plural for listing in listings_for(case)}
    assert answer_of("quota", case) == ("warn", "overridden, and so not asked")


def test_missing_target_cannot_be_overridden() -> None:
    case = case_of(ready_workload(), "web:2", override_guards=frozenset({"target_exists"}))
    assert answer_of("target_exists", case)[0] == "block"


def test_guard_that_cannot_read_blocks_and_says_what_is_missing() -> None:
    case = case_of(ready_workload(), around={"resourcequotas": FORBIDDEN})
    outcome, detail = answer_of("quota", case)
    assert outcome == "block"
    assert detail.startswith(
        "it cannot be checked: resourcequotas in namespace shop: the API server answered "
        "403 Forbidden: cannot list"
    )


def test_repeat_reads_nothing_and_asks_only_about_the_workload_itself() -> None:
    case = case_of(ready_workload(), to_revision=2)
    assert not list(listings_for(case))
    assert [g.name for g in ask_guards(case)] == ["paused", "controller_caught_up", "target_exists"]
