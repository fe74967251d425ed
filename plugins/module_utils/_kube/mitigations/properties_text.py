# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cutting one property out of a Java properties document, and putting another in its place.

The rules are those of ``java.util.Properties.load``: ``=``, ``:`` or blanks end the key, ``#`` and
``!`` begin comments, a backslash at the end of a line joins it with the next.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
)

# A comment or an empty line is no property; a property goes on after a backslash before a line end.
PROPERTY = re.compile(
    r"^[ \t\f]*(?![#!])(?P<key>(?:\\.|[^\s\\=:])+)(?P<middle>[ \t\f]*[=:]?[ \t\f]*)"
    r"(?P<value>(?:\\(?:\r\n|[\s\S])|[^\\\r\n])*)(?P<end>\r\n|\r|\n|\Z)",
    re.MULTILINE,
)
JOINED_LINES = re.compile(r"\\(?:\r\n|\r|\n)[ \t\f]*")
ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|[\s\S])")
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclasses.dataclass(frozen=True)
class Property:
    """A property, and where it stands in the text."""

    key: str
    value: str
    start: int
    value_start: int
    value_end: int
    end: int


def load(text: str) -> dict[str, str]:
    """All properties; of two with one key the later counts."""
    return {found.key: found.value for found in _properties(text)}


def spelling(text: str, tokens: Tokens) -> str:
    """The value as it is written in the text."""
    found = _find(text, tokens[0])
    if found is None:
        raise ValueError("there is no such property")
    return text[found.value_start : found.value_end]


def edit(text: str, tokens: Tokens, value: t.Any, written: str = "") -> str:
    """The text with the value set, or taken away (ABSENT). Raises ValueError."""
    found = _find(text, tokens[0])
    if value is ABSENT:
        return text if found is None else text[: found.start] + text[found.end :]
    written = written or _escaped(str(value))
    if found:
        middle = "" if found.value_start > found.start + len(tokens[0]) else "="
        return text[: found.value_start] + middle + written + text[found.value_end :]
    key = re.sub(r"([\\=:\s#!])", r"\\\1", tokens[0])
    gap = "" if not text or text.endswith(("\n", "\r")) else "\n"
    return f"{text}{gap}{key}={written}\n" if not gap else f"{text}{gap}{key}={written}"


def _find(text: str, key: str) -> Property | None:
    found = [one for one in _properties(text) if one.key == key]
    return found[-1] if found else None


def _properties(text: str) -> t.Iterator[Property]:
    for found in PROPERTY.finditer(text):
        yield Property(
            _unescaped(found["key"]),
            _unescaped(found["value"]),
            found.start(),
            found.start("value"),
            found.end("value"),
            found.end(),
        )


def _unescaped(written: str) -> str:
    def replacement(found: re.Match[str]) -> str:
        escape = found[1]
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        return CONTROLS.get(escape, escape)

    return ESCAPED.sub(replacement, JOINED_LINES.sub("", written))


def _escaped(value: str) -> str:
    escaped = value.replace("\\", "\\\\")
    for letter, control in CONTROLS.items():
        escaped = escaped.replace(control, f"\\{letter}")
    return re.sub(r"^ ", r"\\ ", escaped)
