# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON Pointers (RFC 6901) into objects, and JSON patches that write through them.

Beside positions, a token ``[name=web]`` finds the element of a list by its name, since positions
move when others add elements.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import copy
import enum
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Operations = list[dict[str, t.Any]]

Tokens = tuple[str, ...]
LONGEST_POINTER = 1000
NAMED = re.compile(r"\[name=(.+)\]", re.DOTALL)
# What Kubernetes leaves out while it is empty. Nothing else is made on the way to a field.
MADE_WHERE_MISSING = ("annotations", "labels", "data", "env")


class Missing(enum.Enum):
    """The type of ABSENT, which is not None because JSON has a null of its own."""

    ABSENT = "absent"


ABSENT = Missing.ABSENT


def parse_pointer(pointer: str) -> Tokens:
    """The tokens of a JSON Pointer. Raises InvalidInput for what is none, or points to all."""
    is_pointer = pointer.startswith("/") and not re.search(r"~(?![01])", pointer)
    if not is_pointer or len(pointer) > LONGEST_POINTER or not pointer.isprintable():
        raise InvalidInput(
            f"pointer {pointer[:80]!r}",
            "is not a JSON Pointer to a field",
            "Write it like /spec/selector/color, with ~1 for a slash inside of a name",
        )
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def render_pointer(tokens: Sequence[str]) -> str:
    return "".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in tokens)


def named(name: str) -> str:
    """The token that finds the element of a list with this name."""
    return f"[name={name}]"


def canonical(document: t.Any, tokens: Tokens) -> Tokens:
    """The tokens with positions in lists of named elements turned into names."""
    found: list[str] = []
    node = document
    for token in tokens:
        if isinstance(node, list) and token.isdecimal():
            token = _name_at(node, int(token)) or token
        found.append(token)
        node = _child(node, token)
    return tuple(found)


def read_at(document: t.Any, tokens: Sequence[str]) -> t.Any:
    """The value, or ABSENT where the way there ends before."""
    node = document
    for token in tokens:
        node = _child(node, token)
    return node


def names_in(elements: t.Any) -> list[str]:
    """The names of a list's elements in their order; nothing where it is no such list."""
    if not isinstance(elements, list):
        return []
    return [e["name"] for e in elements if isinstance(e, dict) and isinstance(e.get("name"), str)]


class Draft:
    """An object as it was read, and the one JSON patch that makes all wanted changes to it.

    The patch tests the object's UID, every value that it replaces, and the generation or the
    resourceVersion where a test of the value cannot tell (it was not there, or stands in a list).
    """

    def __init__(self, subject: str, live: Mapping[str, t.Any]) -> None:
        self._subject = subject
        self._metadata = live["metadata"]
        self._document = copy.deepcopy(dict(live))
        self._operations: Operations = []
        self._tested = {"uid"}

    @property
    def patch(self) -> Operations:
        """The patch; empty where nothing is to change."""
        if not self._operations:
            return []
        tests = [
            {"op": "test", "path": f"/metadata/{name}", "value": self._metadata[name]}
            for name in sorted(self._tested)
        ]
        return [*tests, *self._operations]

    def write(self, tokens: Tokens, value: t.Any, order: Sequence[str] = ()) -> None:
        """Put the value there, ABSENT to take it away.

        ``order`` are the names that a list had, so that an element comes back to its place.
        Raises RecoveryError where the field's parent does not exist.
        """
        before = read_at(self._document, tokens)
        if before == value and type(before) is type(value):
            return
        parent, way = self._parent(tokens)
        last = tokens[-1]
        if any(NAMED.fullmatch(token) for token in tokens):
            self._test_whole("generation")
        if isinstance(parent, list):
            self._write_element(parent, way, last, before, value, order)
        elif value is ABSENT:
            self._test(f"{way}{render_pointer([last])}", before)
            self._operate("remove", f"{way}{render_pointer([last])}")
            del parent[last]
        else:
            self._test(f"{way}{render_pointer([last])}", before)
            self._operate("add", f"{way}{render_pointer([last])}", value)
            parent[last] = copy.deepcopy(value)

    def _write_element(
        self,
        elements: list[t.Any],
        way: str,
        token: str,
        before: t.Any,
        value: t.Any,
        order: Sequence[str],
    ) -> None:
        name = NAMED.fullmatch(token)
        if before is ABSENT and name:
            place = place_among(names_in(elements), name[1], order)
            self._test_whole("generation")
            self._operate("add", f"{way}/{place}", value)
            elements.insert(place, copy.deepcopy(value))
            return
        position = _position(elements, token)
        if position is None or (value is ABSENT and not name):
            raise RecoveryError(
                self._subject,
                f"elements of the list {way} have no names, so none is added or removed",
                "Set the whole list",
            )
        self._test(f"{way}/{position}", before)
        if value is ABSENT:
            self._operate("remove", f"{way}/{position}")
            del elements[position]
        else:
            self._operate("replace", f"{way}/{position}", value)
            elements[position] = copy.deepcopy(value)

    def _parent(self, tokens: Tokens) -> tuple[t.Any, str]:
        """What holds the field, and the plain JSON Pointer to it; made where that is harmless."""
        node: t.Any = self._document
        way = ""
        for depth, token in enumerate(tokens[:-1]):
            child = _child(node, token)
            if child is ABSENT and isinstance(node, dict) and token in MADE_WHERE_MISSING:
                child = [] if NAMED.fullmatch(tokens[depth + 1]) else {}
                self._test_absent(way)
                self._operate("add", f"{way}{render_pointer([token])}", copy.copy(child))
                node[token] = child
            position = _position(node, token) if isinstance(node, list) else token
            way += render_pointer([str(position)])
            node = child
        if not isinstance(node, dict | list):
            raise RecoveryError(
                self._subject,
                f"it has no {render_pointer(tokens[:-1])}",
                "Set that as a whole, or correct the path",
            )
        return node, way

    def _test(self, path: str, before: t.Any) -> None:
        if before is ABSENT:
            self._test_absent(path)
        else:
            self._operations.append({"op": "test", "path": path, "value": before})

    def _test_absent(self, path: str) -> None:
        # Nothing is put into the specification without moving the generation.
        self._test_whole("generation" if path.startswith("/spec/") else "resourceVersion")

    def _test_whole(self, name: str) -> None:
        # Status updates move the resourceVersion and not the generation, which not all kinds have.
        self._tested.add(name if name in self._metadata else "resourceVersion")

    def _operate(self, operation: str, path: str, value: t.Any = ABSENT) -> None:
        step = {"op": operation, "path": path}
        self._operations.append(step if value is ABSENT else {**step, "value": value})


def _child(node: t.Any, token: str) -> t.Any:
    if isinstance(node, dict):
        return node.get(token, ABSENT)
    if isinstance(node, list):
        position = _position(node, token)
        return ABSENT if position is None else node[position]
    return ABSENT


def _position(elements: list[t.Any], token: str) -> int | None:
    """Where the element is; of several with one name the last, which is the one that counts."""
    name = NAMED.fullmatch(token)
    if name:
        found = [
            position
            for position, element in enumerate(elements)
            if isinstance(element, dict) and element.get("name") == name[1]
        ]
        return found[-1] if found else None
    if token.isdecimal() and token.isascii() and int(token) < len(elements):
        return int(token)
    return None


def _name_at(elements: list[t.Any], position: int) -> str:
    names = names_in(elements)
    if position >= len(elements) or len(set(names)) != len(elements):
        return ""
    return named(names[position])


def place_among(present: Sequence[str], name: str, order: Sequence[str]) -> int:
    """Where an element goes among the present ones so that it stands as in ``order``."""
    if name not in order:
        return len(present)
    after = set(order[order.index(name) + 1 :])
    before = set(order[: order.index(name)])
    for position, other in enumerate(present):
        if other in after:
            return position
    preceding = [position for position, other in enumerate(present) if other in before]
    return preceding[-1] + 1 if preceding else len(present)
