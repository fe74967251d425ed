# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several mitigations on one field: a stack of entries, which unwinds in any order.

The lowest entry holds what was there before all of them. What the field should hold is that with
every entry applied in turn, so an entry that is taken from the middle changes only what the others
stand on. Whether an entry is in force is told by the live value alone: a run may have been killed
before or after its change, and no flag says which.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import Entry
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

Stack = tuple[Entry, ...]
BROKEN = object()


class Conflict(RecoveryError):
    """The field does not hold what the ledger says, so somebody else has changed it."""


@dataclasses.dataclass(frozen=True)
class Step:
    """A stack after entries went on or off, and what the field should hold then.

    ``conflicts`` are by key of the entries that have to stay.
    """

    stack: Stack
    live: t.Any
    conflicts: Mapping[str, RecoveryError] = dataclasses.field(default_factory=dict)


def in_order(entries: Iterable[Entry]) -> Stack:
    return tuple(sorted(entries, key=lambda entry: entry.sequence))


def content(stack: Stack, base: t.Any) -> t.Any:
    """What the field holds with all of the stack in force."""
    return stack[-1].after if stack else base


def without(stack: Stack, keys: Collection[str], base: t.Any) -> Stack:
    """The stack without these entries, each above one of them standing on what is now below.

    Raises RecoveryError where one above cannot stand without it.
    """
    return _linked((entry for entry in stack if entry.key not in keys), base)


def put_on(stack: Stack, wanted: Entry, live: t.Any, *, force: bool = False) -> Step:
    """Apply an entry, or give the one with its key another value.

    Raises Conflict where the field holds what nobody of the stack set, and RecoveryError where the
    value does not fit into the document. ``force`` overwrites what others set.
    """
    own = _find(stack, wanted.key)
    if own is None:
        before = content(stack, live)
        top = max((entry.sequence for entry in stack), default=0)
        after = (*stack, dataclasses.replace(wanted.on(before), sequence=top + 1))
    elif own.wish == wanted.wish:
        after = tuple(_retold(e, wanted) if e is own else e for e in stack)
    else:
        renewed = dataclasses.replace(
            _retold(own, wanted),
            value=wanted.value,
            asked=wanted.asked,
            text=ABSENT,
            earlier=(own.value,),
        )
        after = _linked((renewed if e is own else e for e in stack), stack[0].before)
    if not stack or in_force(stack, live) is not None:
        return Step(after, after[-1].after)
    return Step(after, _put_on_changed(stack, after, wanted, live, force))


def take_off(stack: Stack, keys: Collection[str], live: t.Any, *, force: bool = False) -> Step:
    """Put back what was there before these entries, and leave the others in force.

    An entry stays, with a conflict, where the field holds what nobody of the stack set, or where
    one above cannot stand without it. ``force`` overwrites what others set.
    """
    base = stack[0].before
    conflicts: dict[str, RecoveryError] = {}
    effective = in_force(stack, live)
    if effective is not None:
        try:
            left = without(effective, keys, base)
            return Step(without(stack, keys, base), content(left, base))
        except RecoveryError as error:
            return Step(stack, live, dict.fromkeys(keys, error))
    for own in reversed([entry for entry in stack if entry.key in keys]):
        step = _take_off_one(stack, own, base, live, force)
        stack, live = step.stack, step.live
        conflicts.update(step.conflicts)
    return Step(stack, live, conflicts)


def in_force(stack: Stack, live: t.Any) -> Stack | None:
    """The entries that are in force with this live value; None where it is of nobody here.

    Some may have been written down and not done, or put back and not crossed out, or have their
    earlier value still.
    """
    base = stack[0].before
    for candidate in _candidates(stack):
        try:
            entries = _linked(candidate, base)
        except RecoveryError:
            continue
        if content(entries, base) == live:
            return entries
    return None


def renew(stack: Stack, value: str) -> Step:
    """Give the top entry another value, which makes the field change whatever it held."""
    top = dataclasses.replace(stack[-1], value=value, earlier=(stack[-1].value,))
    return Step((*stack[:-1], top), value)


def _candidates(stack: Stack) -> Iterator[Sequence[Entry]]:
    yield stack
    for one in reversed(stack):
        for earlier in one.earlier:
            changed = dataclasses.replace(one, value=earlier, asked=ABSENT, text=ABSENT)
            yield [changed if entry is one else entry for entry in stack]
        yield [entry for entry in stack if entry is not one]
    for height in range(len(stack) - 1):
        yield stack[:height]


def _linked(entries: Iterable[Entry], base: t.Any) -> Stack:
    linked: list[Entry] = []
    for entry in entries:
        linked.append(entry.on(content(tuple(linked), base)))
    return tuple(linked)


def _put_on_changed(stack: Stack, after: Stack, wanted: Entry, live: t.Any, force: bool) -> t.Any:
    """What the field should hold where others changed it: in a document, only elsewhere."""
    own = _find(after, wanted.key)
    if wanted.field.place:
        known = _tried(lambda: wanted.inside(live))
        target = wanted.inside(after[-1].after)
        before = wanted.inside(own.before) if own else ABSENT
        if force or known in (target, before, wanted.inside(stack[-1].after)):
            return wanted.copied(after[-1].after, live)
    elif own is not after[-1] and _find(stack, wanted.key):
        return live
    elif force:
        return after[-1].after
    raise _changed(stack[-1])


def _take_off_one(stack: Stack, own: Entry, base: t.Any, live: t.Any, force: bool) -> Step:
    try:
        rest = without(stack, {own.key}, base)
        return Step(rest, _take_off_changed(stack, content(rest, base), own, live, force))
    except RecoveryError as error:
        return Step(stack, live, {own.key: error})


def _take_off_changed(stack: Stack, restored: t.Any, own: Entry, live: t.Any, force: bool) -> t.Any:
    """What the field should hold where others changed it, too: in a document, only elsewhere."""
    if not own.field.place:
        if own is not stack[-1]:
            # What is not on top shows nowhere, so nothing has to be put back.
            return live
        if force:
            return restored
        raise _changed(own)
    known = _tried(lambda: own.inside(live))
    if known == own.inside(restored):
        return live
    if not force and known != own.inside(stack[-1].after):
        raise _changed(own)
    try:
        return own.copied(restored, live)
    except RecoveryError:
        if force:
            return restored
        raise


def _retold(entry: Entry, wanted: Entry) -> Entry:
    """The entry with the story of a later run; it has been in force since the first."""
    told, new = entry.story, wanted.story
    keeps_until = new.expires_in == told.expires_in
    story = dataclasses.replace(
        new, by=told.by, at=told.at, until=told.until if keeps_until else new.until
    )
    return dataclasses.replace(entry, story=story)


def _find(stack: Stack, key: str) -> Entry | None:
    return next((entry for entry in stack if entry.key == key), None)


def _tried(read: Callable[[], t.Any]) -> t.Any:
    """What it returns, or what is nobody's value where the document is broken."""
    try:
        return read()
    except RecoveryError:
        return BROKEN


def _changed(entry: Entry) -> Conflict:
    return Conflict(
        str(entry.field),
        f"it holds not what mitigation {entry.mitigation} set, so somebody changed it meanwhile",
        "Look at it; force overwrites that change",
    )
