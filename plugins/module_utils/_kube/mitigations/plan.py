# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run makes of the fields it touches: live objects, stacks, and the patches in between.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import Book
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    Entry,
    Field,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    ObjectReference,
    Resources,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    NAMED,
    Draft,
    names_in,
    place_among,
    read_at,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import Stack

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
        Tokens,
    )

    Object = Mapping[str, t.Any]
    Patch = list[dict[str, t.Any]]


@dataclasses.dataclass
class Work:
    """One field in one run. ``was`` is its stack and ``found`` its content as they were read.

    ``stack`` and ``target`` are what they should become.
    """

    field: Field
    was: Stack
    found: t.Any
    stack: Stack
    target: t.Any
    order: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        return bool(self.found != self.target)


class Plan:
    """The fields of one run, by object."""

    def __init__(self, books: Mapping[str, Book]) -> None:
        self.books = books
        self.lives: dict[str, Object] = {}
        self.works: dict[tuple[str, Tokens], Work] = {}

    def work(self, field: Field, live: Object) -> Work:
        """What this run makes of a field, which it may have looked at before."""
        if field.slot not in self.works:
            self.lives[field.uid] = live
            stack = self.books[field.reference.namespace].stack(field.slot)
            found = read_at(live, field.tokens)
            order = next((entry.order for entry in stack if entry.order), ())
            self.works[field.slot] = Work(field, stack, found, stack, found, order)
        return self.works[field.slot]

    def order_of(self, field: Field) -> tuple[str, ...]:
        """The names of the list that the field is an element of, with those taken from it."""
        if not NAMED.fullmatch(field.tokens[-1]):
            return ()
        parent = field.tokens[:-1]
        names = names_in(read_at(self.lives[field.uid], parent))
        for entry in self.books[field.reference.namespace].of_object(field.uid):
            token = NAMED.fullmatch(entry.field.tokens[-1])
            if token and entry.field.tokens[:-1] == parent and token[1] not in names:
                names.insert(place_among(names, token[1], entry.order), token[1])
        return tuple(names)

    def require_no_overlap(self, field: Field) -> None:
        """Raise RecoveryError where another entry or change holds a part of the field, or more."""
        others = self.books[field.reference.namespace].of_object(field.uid)
        taken = [(entry.field, f"mitigation {entry.mitigation}") for entry in others]
        taken += [
            (w.field, "another change") for w in self.works.values() if w.field.uid == field.uid
        ]
        for other, who in taken:
            shorter = min(len(other.tokens), len(field.tokens))
            is_nested = other.tokens[:shorter] == field.tokens[:shorter]
            if is_nested and other.tokens != field.tokens:
                raise RecoveryError(
                    str(field),
                    f"it overlaps with {other.path}, which {who} changes",
                    "Change the same field there and here, or put that mitigation back first",
                )

    def works_of(self, uid: str) -> list[Work]:
        return [work for work in self.works.values() if work.field.uid == uid]

    def patches(self) -> tuple[dict[str, Patch], dict[str, RecoveryError]]:
        """The patch of each object that is to change, by UID, and what is in the way of some."""
        patches: dict[str, Patch] = {}
        failures: dict[str, RecoveryError] = {}
        for uid in self.lives:
            patch = self._patch(uid)
            if isinstance(patch, RecoveryError):
                failures[uid] = patch
            elif patch:
                patches[uid] = patch
        return patches, failures

    def _patch(self, uid: str) -> Patch | RecoveryError:
        draft = Draft(str(self.reference(uid)), self.lives[uid])
        try:
            for work in self.works_of(uid):
                draft.write(work.field.tokens, work.target, work.order)
        except RecoveryError as error:
            return error
        return draft.patch

    def entries(self, namespace: str) -> dict[str, Entry]:
        """The entries of a namespace that are new or other than they were read."""
        return {
            entry.key: entry
            for work in self.works.values()
            if work.field.reference.namespace == namespace
            for entry in work.stack
            if entry not in work.was
        }

    def take_over(self, uid: str, answer: Object) -> None:
        """Note values as the server would store them, or a later run would see another's there."""
        for work in self.works_of(uid):
            stored, top = read_at(answer, work.field.tokens), work.stack[-1]
            if stored == work.target or top.field.place or stored == top.value:
                continue
            renewed = dataclasses.replace(top, value=stored, asked=top.wish)
            work.stack, work.target = (*work.stack[:-1], renewed), stored

    def reference(self, uid: str) -> ObjectReference:
        return self.works_of(uid)[0].field.reference


def read_objects(
    client: Client, resources: Resources, references: Iterable[ObjectReference]
) -> dict[ObjectReference, Object | RecoveryError | None]:
    """Read objects side by side; None for one that does not exist, the error for one in trouble."""
    wanted = sorted(set(references))

    def read(reference: ObjectReference) -> Object | RecoveryError | None:
        try:
            return client.get(resources.path(reference), subject=str(reference))
        except ApiError as error:
            return None if error.is_not_found else error
        except RecoveryError as error:
            return error

    return dict(zip(wanted, client.side_by_side(read, wanted), strict=True))
