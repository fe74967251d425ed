# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mitigations on one field unwind in any order to what was there before all of them."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.document import (
    Place,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    Entry,
    Field,
    Story,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    ObjectReference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
    parse_pointer,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import (
    Conflict,
    Stack,
    in_force,
    put_on,
    renew,
    take_off,
)

CONFIG_MAP = ObjectReference("v1", "ConfigMap", "shop", "web")
DOCUMENT = """\
# The shop's settings. Comments stay.
payments:
  timeout: 30   # seconds
  retries: 3
features: {cache: off, search: yes}
"""
PATHS = ("/payments/timeout", "/payments/retries", "/payments/new", "/features/cache", "")


def entry(name: str, value: t.Any, path: str = "", **story: str) -> Entry:
    """An entry for the key ``settings``, or a path in the document that it holds."""
    place = Place("yaml", parse_pointer(path)) if path else None
    tokens: Tokens = ("data", "settings")
    return Entry(name, Field(CONFIG_MAP, "uid-1", tokens, place), value, story=Story(**story))


def applied(live: t.Any, *entries: Entry) -> tuple[Stack, t.Any]:
    stack: Stack = ()
    for one in entries:
        step = put_on(stack, one, live)
        stack, live = step.stack, step.live
    return stack, live


def keys(stack: Stack, *names: str) -> set[str]:
    return {one.key for one in stack if one.mitigation in names}


@pytest.mark.parametrize("before", ["original", ABSENT], ids=["a value", "nothing"])
@pytest.mark.parametrize("value", ["new", ABSENT], ids=["set", "removed"])
def test_one_mitigation_is_put_back(before: t.Any, value: t.Any) -> None:
    stack, live = applied(before, entry("a", value))
    assert live == value
    assert take_off(stack, keys(stack, "a"), live).live == before


def test_taking_one_from_the_middle_changes_no_live_value() -> None:
    stack, live = applied("original", entry("a", "1"), entry("b", "2"), entry("c", "3"))
    step = take_off(stack, keys(stack, "b"), live)
    assert step.live == "3"
    assert [(one.mitigation, one.before) for one in step.stack] == [("a", "original"), ("c", "1")]


def test_taking_the_lowest_hands_on_what_was_there_before_it() -> None:
    stack, live = applied("original", entry("a", "1"), entry("b", "2"))
    step = take_off(stack, keys(stack, "a"), live)
    assert (step.live, step.stack[0].before) == ("2", "original")


def test_applied_twice_is_applied_once() -> None:
    stack, live = applied("original", entry("a", "1"))
    step = put_on(stack, entry("a", "1"), live)
    assert (step.stack, step.live) == (stack, live)


def test_another_value_keeps_what_was_there_before() -> None:
    stack, live = applied("original", entry("a", "1"), entry("b", "2"))
    step = put_on(stack, entry("a", "one"), live)
    assert step.live == "2"
    assert [one.before for one in step.stack] == ["original", "one"]
    assert take_off(step.stack, keys(stack, "b"), "2").live == "one"


def test_story_of_a_later_run_counts_but_not_its_time() -> None:
    first = {"at": "t1", "by": "ada", "incident": "INC-1", "until": "t9", "expires_in": "1h"}
    stack, live = applied("original", entry("a", "1", **first))
    later = {**first, "at": "t2", "by": "bob", "incident": "INC-2", "until": "t10"}
    (told,) = put_on(stack, entry("a", "1", **later), live).stack
    assert told.story == Story(**{**first, "incident": "INC-2"})
    longer = {**later, "until": "t99", "expires_in": "2h"}
    (told,) = put_on(stack, entry("a", "1", **longer), live).stack
    assert told.story.until == "t99"


def test_what_another_changed_is_left_alone() -> None:
    stack, _live = applied("original", entry("a", "1"), entry("b", "2"))
    step = take_off(stack, keys(stack, "b"), "by hand")
    assert (step.live, step.stack) == ("by hand", stack)
    (conflict,) = step.conflicts.values()
    assert isinstance(conflict, Conflict)
    assert "it holds not what mitigation b set" in conflict.message


def test_force_overwrites_what_another_changed() -> None:
    stack, _live = applied("original", entry("a", "1"), entry("b", "2"))
    step = take_off(stack, keys(stack, "b"), "by hand", force=True)
    assert (step.live, len(step.stack), step.conflicts) == ("1", 1, {})


def test_applying_over_what_another_changed_is_a_conflict() -> None:
    stack, _live = applied("original", entry("a", "1"))
    for again in (entry("a", "1"), entry("a", "2"), entry("b", "2")):
        with pytest.raises(Conflict):
            put_on(stack, again, "by hand")
    assert put_on(stack, entry("a", "1"), "by hand", force=True).live == "1"


@pytest.mark.parametrize(
    ("live", "in_it"),
    [
        pytest.param("2", ["a", "b"], id="all done"),
        pytest.param("1", ["a"], id="killed before the change"),
        pytest.param("original", [], id="all put back and not crossed out"),
        pytest.param("by hand", None, id="changed by somebody else"),
    ],
)
def test_live_value_tells_what_is_in_force(live: str, in_it: list[str] | None) -> None:
    stack, _live = applied("original", entry("a", "1"), entry("b", "2"))
    found = in_force(stack, live)
    assert (None if found is None else [one.mitigation for one in found]) == in_it


def test_run_that_was_killed_before_its_change_is_finished_or_crossed_out() -> None:
    stack, _live = applied("original", entry("a", "1"))
    assert put_on(stack, entry("a", "1"), "original").live == "1"
    step = take_off(stack, keys(stack, "a"), "original")
    assert (step.live, step.stack, step.conflicts) == ("original", (), {})


def test_new_value_that_was_written_down_and_not_set_is_finished_or_put_back() -> None:
    stack, live = applied("original", entry("a", "1"))
    stack = put_on(stack, entry("a", "2"), live).stack
    assert put_on(stack, entry("a", "2"), "1").live == "2"
    assert take_off(stack, keys(stack, "a"), "1").live == "original"


def test_all_of_a_field_put_back_and_none_crossed_out_is_finished() -> None:
    stack, _live = applied("original", entry("a", "1"), entry("b", "2"))
    step = take_off(stack, keys(stack, "a", "b"), "original")
    assert (step.live, step.stack, step.conflicts) == ("original", (), {})


def test_document_goes_back_byte_for_byte() -> None:
    stack, live = applied(DOCUMENT, entry("a", 5, "/payments/timeout"))
    assert "timeout: 5   # seconds" in live
    assert take_off(stack, keys(stack, "a"), live).live == DOCUMENT


def test_two_in_one_document_change_only_their_own() -> None:
    stack, live = applied(
        DOCUMENT, entry("a", 5, "/payments/timeout"), entry("b", True, "/features/cache")
    )
    step = take_off(stack, keys(stack, "a"), live)
    assert "timeout: 30   # seconds" in step.live
    assert "cache: true" in step.live
    assert take_off(step.stack, keys(stack, "b"), step.live).live == DOCUMENT


def test_document_that_another_edited_elsewhere_gets_only_its_value_back() -> None:
    stack, live = applied(DOCUMENT, entry("a", 5, "/payments/timeout"))
    edited = live.replace("retries: 3", "retries: 9")
    step = take_off(stack, keys(stack, "a"), edited)
    assert step.live == DOCUMENT.replace("retries: 3", "retries: 9")
    assert step.conflicts == {}


def test_value_in_a_document_that_another_edited_is_left_alone() -> None:
    stack, live = applied(DOCUMENT, entry("a", 5, "/payments/timeout"))
    edited = live.replace("timeout: 5", "timeout: 7")
    step = take_off(stack, keys(stack, "a"), edited)
    assert (step.live, list(step.conflicts)) == (edited, [stack[0].key])
    forced = take_off(stack, keys(stack, "a"), edited, force=True)
    assert forced.live == DOCUMENT


def test_document_that_another_broke_is_left_alone_and_mended_by_force() -> None:
    stack, _live = applied(DOCUMENT, entry("a", 5, "/payments/timeout"))
    step = take_off(stack, keys(stack, "a"), "payments: [")
    assert (step.live, list(step.conflicts)) == ("payments: [", [stack[0].key])
    assert take_off(stack, keys(stack, "a"), "payments: [", force=True).live == DOCUMENT


def test_mitigation_that_another_stands_on_stays() -> None:
    """The upper one changes a value in a document that only the lower one put there."""
    stack, live = applied("none: 1\n", entry("a", DOCUMENT), entry("b", 5, "/payments/timeout"))
    step = take_off(stack, keys(stack, "a"), live)
    assert (step.live, step.stack) == (live, stack)
    assert "has no /payments" in step.conflicts[stack[0].key].message
    both = take_off(stack, keys(stack, "a", "b"), live)
    assert (both.live, both.stack) == ("none: 1\n", ())


def test_renewed_entry_changes_the_field_whatever_it_held() -> None:
    stack, _live = applied(ABSENT, entry("a", "token-1"), entry("b", "token-2"))
    step = renew(stack, "token-3")
    assert step.live == "token-3"
    assert take_off(step.stack, keys(stack, "b"), "token-3").live == "token-1"


def random_entry(chance: random.Random, number: int) -> Entry:
    path = chance.choice(PATHS)
    if path:
        return entry(f"m{number}", chance.choice([number, f"v{number}", True]), path)
    text = DOCUMENT.replace("30", str(number)).replace("retries: 3", f"retries: {number}")
    return entry(f"m{number}", text)


@pytest.mark.parametrize("seed", range(12))
def test_twenty_in_random_order_end_where_they_began(seed: int) -> None:
    """Applied, changed, interrupted and put back at random; in the end nothing is left of them."""
    chance = random.Random(seed)
    stack: Stack = ()
    live: t.Any = DOCUMENT
    waiting = [random_entry(chance, number) for number in range(20)]
    while waiting or stack:
        if waiting and (not stack or chance.random() < 0.6):
            step = put_on(stack, waiting.pop(), live)
        else:
            step = take_off(stack, {chance.choice(stack).key}, live)
        # Killed between the ledger's write and the change, one time in five.
        is_applied = len(step.stack) < len(stack) or chance.random() > 0.2
        stack = step.stack
        live = step.live if is_applied else put_on(stack, stack[-1], live).live
    assert live == DOCUMENT
