# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cutting one value out of a YAML document, and putting another in its place.

New values are written as JSON, which is YAML and means the same in its versions 1.1 and 1.2.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import MissingLibrary
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.json_text import (
    Member,
    cut,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
)

# Aliases let a short text stand for more than any machine holds.
MOST_VALUES = 1_000_000
PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def _library() -> t.Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingLibrary(
            "Python package PyYAML",
            f"cannot be imported ({error})",
            "Install it where the module runs: pip install PyYAML",
        ) from error
    return yaml


def load(text: str) -> t.Any:
    """The document as plain data. Raises ValueError."""
    yaml = _library()
    try:
        data = yaml.safe_load(text)
        if _size(data, {}) > MOST_VALUES:
            raise ValueError("its aliases stand for too much")
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    return data


def _size(data: t.Any, known: dict[int, int]) -> int:
    """How many values there are with every alias written out; each is counted once."""
    if not isinstance(data, dict | list):
        return 1
    if id(data) not in known:
        # What contains itself never ends.
        known[id(data)] = MOST_VALUES
        inner = data.values() if isinstance(data, dict) else data
        known[id(data)] = 1 + sum(_size(value, known) for value in inner)
    return known[id(data)]


def spelling(text: str, tokens: Tokens) -> str:
    """The value as it is written in the text. Raises ValueError where it takes several lines."""
    yaml = _library()
    node = _find(text, tokens)
    if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">"):
        # What has lines of its own fits only where it stood.
        return ""
    return text[node.start_mark.index : node.end_mark.index]


def edit(text: str, tokens: Tokens, value: t.Any, written: str = "") -> str:
    """The text with the value set, or taken away (ABSENT). Raises ValueError."""
    if value is not ABSENT:
        written = written or json.dumps(value, ensure_ascii=False)
    node = _find(text, tokens)
    if node is not None and value is not ABSENT:
        return _replaced(text, node, written)
    parent = _find(text, tokens[:-1])
    if value is ABSENT:
        return _removed(text, parent, tokens[-1])
    return _added(text, parent, tokens[-1], written)


def _find(text: str, tokens: Tokens) -> t.Any:
    """The node that the tokens lead to; None where there is none."""
    yaml = _library()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error
    for token in tokens:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in reversed(node.value) if key.value == token), None)
        elif isinstance(node, yaml.SequenceNode) and token.isdecimal():
            node = node.value[int(token)] if int(token) < len(node.value) else None
        else:
            return None
    return node


def _end_of(node: t.Any) -> int:
    """Where a node ends; the end mark of a block lies behind the comments that follow it."""
    yaml = _library()
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if is_block and node.value:
        last = node.value[-1]
        return _end_of(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _replaced(text: str, node: t.Any, written: str) -> str:
    start, end = node.start_mark.index, _end_of(node)
    before = " " if text[start - 1 : start] == ":" else ""
    # A block scalar ends with the line end after it.
    after = "\n" if end > start and text[end - 1] == "\n" else ""
    return text[:start] + before + written + after + text[end:]


def _added(text: str, parent: t.Any, key: str, written: str) -> str:
    name = key if PLAIN_KEY.fullmatch(key) and load(key) == key else json.dumps(key)
    entry = f"{name}: {written}"
    if parent is None:
        return f"{text}{_line_end(text, len(text))}{entry}\n"
    if parent.flow_style:
        members = _members(parent)
        if not members:
            start = parent.start_mark.index + 1
            return text[:start] + entry + text[start:]
        return f"{text[: members[-1].end]}, {entry}{text[members[-1].end :]}"
    column = parent.value[0][0].start_mark.column
    end = _end_of(parent)
    if text[end - 1 : end] != "\n":
        following = text.find("\n", end)
        end = len(text) if following < 0 else following + 1
    gap = _line_end(text, end)
    return f"{text[:end]}{gap}{' ' * column}{entry}{'' if gap else chr(10)}{text[end:]}"


def _removed(text: str, parent: t.Any, key: str) -> str:
    members = _members(parent)
    member = next(member for member in reversed(members) if member.key == key)
    if parent.flow_style:
        return cut(text, members, member)
    if len(members) == 1:
        # A block without members is no mapping any more.
        return text[: member.start] + "{}" + text[member.end :]
    start = text.rfind("\n", 0, member.start) + 1
    if text[start : member.start].strip():
        # The first of a mapping inside a list stands behind its dash.
        return text[: member.start] + text[members[1].start :]
    end = member.end
    if text[end - 1] != "\n":
        following = text.find("\n", end)
        end = len(text) if following < 0 else following + 1
    return text[:start] + text[end:]


def _members(node: t.Any) -> list[Member]:
    return [
        Member(key.value, key.start_mark.index, value.start_mark.index, _end_of(value))
        for key, value in node.value
    ]


def _line_end(text: str, position: int) -> str:
    """The line end that is missing before ``position``."""
    return "" if not position or text[position - 1] == "\n" else "\n"
