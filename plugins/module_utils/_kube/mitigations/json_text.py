# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cutting one value out of a JSON document, and putting another in its place.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
)

SPACE = re.compile(r"[ \t\n\r]*")
DECODER = json.JSONDecoder()


@dataclasses.dataclass(frozen=True)
class Member:
    """Where a member of an object or an element of a list stands in the text."""

    key: str
    start: int
    value_start: int
    end: int


def load(text: str) -> t.Any:
    """The document as plain data. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def spelling(text: str, tokens: Tokens) -> str:
    """The value as it is written in the text."""
    member = _find(text, tokens)
    if member is None:
        raise ValueError("there is no such value")
    return text[member.value_start : member.end]


def edit(text: str, tokens: Tokens, value: t.Any, written: str = "") -> str:
    """The text with the value set, or taken away (ABSENT). Raises ValueError."""
    member = _find(text, tokens)
    if value is not ABSENT:
        written = written or json.dumps(value, ensure_ascii=False)
        if member:
            return text[: member.value_start] + written + text[member.end :]
        return _added(text, _start_of(text, tokens[:-1]), tokens[-1], written)
    if member is None:
        return text
    return cut(text, _members(text, _start_of(text, tokens[:-1])), member)


def cut(text: str, members: list[Member], member: Member) -> str:
    """The text without a member, and without the comma that it needed."""
    position = members.index(member)
    if position:
        return text[: members[position - 1].end] + text[member.end :]
    if len(members) > 1:
        return text[: member.start] + text[members[1].start :]
    return text[: member.start].rstrip() + text[member.end :].lstrip()


def _added(text: str, start: int, key: str, written: str) -> str:
    members = _members(text, start)
    entry = f"{json.dumps(key, ensure_ascii=False)}: {written}"
    if not members:
        return text[: start + 1] + entry + text[start + 1 :]
    last = members[-1]
    # What stands before the first member sets it off: a line end and spaces, or nothing.
    gap = text[_skip(text, start) + 1 : members[0].start] or " "
    return f"{text[: last.end]},{gap}{entry}{text[last.end :]}"


def _find(text: str, tokens: Tokens) -> Member | None:
    found = [m for m in _members(text, _start_of(text, tokens[:-1])) if m.key == tokens[-1]]
    return found[-1] if found else None


def _start_of(text: str, tokens: Tokens) -> int:
    """Where the value that the tokens lead to begins."""
    start = _skip(text, 0)
    for token in tokens:
        found = [member for member in _members(text, start) if member.key == token]
        if not found:
            raise ValueError(f"there is no {token}")
        start = found[-1].value_start
    return start


def _members(text: str, start: int) -> list[Member]:
    """The members of the object, or elements of the list, that begins at ``start``."""
    opening = text[start]
    if opening not in "{[":
        raise ValueError("it has no members")
    members: list[Member] = []
    position = _skip(text, start + 1)
    while text[position] not in "}]":
        begins = position
        key = str(len(members))
        if opening == "{":
            key, position = DECODER.raw_decode(text, position)
            # The colon.
            position = _skip(text, _skip(text, position) + 1)
        _value, end = DECODER.raw_decode(text, position)
        members.append(Member(key, begins, position, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return members


def _skip(text: str, position: int) -> int:
    found = SPACE.match(text, position)
    return found.end() if found else position
