# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs that a person can read: the same message or stack trace once, with its count.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._redact import (
    masked_text,
    masked_value,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_GROUPS = 20
MOST_CHARACTERS = 2000
MOST_CHARACTERS_OF_A_LINE = 4000
ERROR, WARNING, OTHER = "error", "warning", "other"

# What differs between two occurrences of the same thing.
_VARYING = (
    (
        re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"),
        "<time>",
    ),
    (re.compile(r"\b\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b0x[0-9a-f]{1,16}\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<ip>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<n>"),
)
# Lines that belong to the one before: frames, causes, and what is indented.
_CONTINUES = re.compile(r"\s+\S|Caused by:|\.\.\. \d+ more|goroutine \d|created by |\s*at .+\(")
_TRACEBACK = "Traceback (most recent call last):"
_IS_ERROR = re.compile(
    r"\b(error|exception|fatal|panic|critical|traceback|severe|segfault|oom|out of memory|failed)\b"
    r"|\b\w+(?:Error|Exception)\b",
    re.IGNORECASE,
)
_IS_WARNING = re.compile(r"\bwarn(?:ing)?\b", re.IGNORECASE)
# Words with which servers and libraries turn away whoever shows them a credential.
_REFUSED = re.compile(
    r"password authentication failed|authentication failed|access denied for user"
    r"|invalid (?:api[ _-]?key|credentials?|token)"
    r"|(?:token|credential|certificate)s? (?:has |is )?expired"
    r"|\b401\b.{0,40}\bunauthori[sz]ed|\bunauthori[sz]ed\b.{0,40}\b401\b"
    r"|permission denied for",
    re.IGNORECASE,
)


@dataclasses.dataclass
class Group:
    """What was said ``count`` times; ``text`` is how it was said the first time, secrets masked."""

    text: str
    level: str
    is_refusal: bool
    count: int = 1

    def as_result(self) -> dict[str, t.Any]:
        return {"text": self.text, "level": self.level, "count": self.count}


def group_lines(log: str) -> list[Group]:
    """The groups of a log, errors first, then by their count; at most MOST_GROUPS."""
    groups: dict[str, Group] = {}
    for entry in _entries(log.splitlines()):
        text = shown(entry)
        if not text.strip():
            continue
        key = normalised(text)
        if key in groups:
            groups[key].count += 1
        else:
            groups[key] = Group(text, _level(entry), bool(_REFUSED.search(entry)))
    order = [ERROR, WARNING, OTHER]
    ordered = sorted(groups.values(), key=lambda group: (order.index(group.level), -group.count))
    return ordered[:MOST_GROUPS]


def normalised(text: str) -> str:
    """The text without times, addresses, ids and numbers."""
    for pattern, mark in _VARYING:
        text = pattern.sub(mark, text)
    return text


def shown(text: str) -> str:
    """Anybody's text, fit for a terminal and a report: secrets masked, not too long."""
    clean = "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)
    masked = masked_text(clean)
    return masked if len(masked) <= MOST_CHARACTERS else f"{masked[: MOST_CHARACTERS - 3]}..."


def _entries(lines: Sequence[str]) -> Iterable[str]:
    """Lines with what belongs to them; of JSON the message and the exception."""
    entry: list[str] = []
    in_python_trace = False
    for whole in lines:
        line = _without_json(whole[:MOST_CHARACTERS_OF_A_LINE])
        continues = bool(entry) and bool(_CONTINUES.match(line))
        if in_python_trace and not continues and entry:
            # The line that names the exception ends a Python trace.
            entry.append(line)
            in_python_trace = False
            continue
        if line.startswith(_TRACEBACK):
            in_python_trace = True
            continues = bool(entry) and bool(_IS_ERROR.search(entry[0])) and len(entry) == 1
        if continues:
            entry.append(line)
            continue
        if entry:
            yield "\n".join(entry)
        entry = [line]
    if entry:
        yield "\n".join(entry)


def _without_json(line: str) -> str:
    """A structured line as a person would have written it: level, message, what else is said."""
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(said, dict):
        return line
    level = said.pop("level", said.pop("severity", ""))
    message = said.pop("message", said.pop("msg", ""))
    exception = said.pop("exception", said.pop("stack_trace", ""))
    for time in ("time", "timestamp", "ts", "@timestamp"):
        said.pop(time, None)
    rest = " ".join(f"{name}={value}" for name, value in masked_value("", said).items())
    first = " ".join(str(part) for part in (level, message, rest) if part)
    return f"{first}\n{exception}" if exception else first


def _level(entry: str) -> str:
    if _IS_ERROR.search(entry):
        return ERROR
    return WARNING if _IS_WARNING.search(entry) else OTHER
