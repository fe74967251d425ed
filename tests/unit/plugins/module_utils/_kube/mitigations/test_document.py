# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One value in a document is replaced, and every other byte of the text stays."""

from __future__ import annotations

import difflib
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.document import (
    Place,
    place_in,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    parse_pointer,
)

YAML = """\
# head
payments:
  timeout: 30   # seconds
  url: 'http://a'  # "quoted"
  list: [1, 2,  3]
  empty:
  nested:
    a: 1
    # inside

    text: |
      one
      two
flags: {x: true, y: off}
items:
  - name: one
    v: 1
  - name: two
8080: open
tail: yes
"""
JSON = '{\n\t"rate": {"per_second": 50, "burst":5},\n\t"list": [1, 2,  3],\n\t"none": {}\n}\n'
PROPERTIES = """\
# head
rate.limit = 50
url: http://a\\
    .example
! note
path=C\\:\\\\temp
bare
"""


# Every line is ten of the line before.
BOMB = "a: &a0 [x]\n" + "".join(
    f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def place(format_name: str, path: str) -> Place:
    return Place(format_name, parse_pointer(path))


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("format_name", "text", "path", "value", "expected"),
    [
        (
            *("yaml", YAML, "/payments/timeout", 5),
            ["-  timeout: 30   # seconds", "+  timeout: 5   # seconds"],
        ),
        (
            *("yaml", YAML, "/payments/url", "yes"),
            ["-  url: 'http://a'  # \"quoted\"", '+  url: "yes"  # "quoted"'],
        ),
        ("yaml", YAML, "/payments/list/1", 9, ["-  list: [1, 2,  3]", "+  list: [1, 9,  3]"]),
        ("yaml", YAML, "/payments/empty", "x", ["-  empty:", '+  empty: "x"']),
        ("yaml", YAML, "/payments/new", [1], ["+  new: [1]"]),
        ("yaml", YAML, "/payments/nested/b", True, ["+    b: true"]),
        (
            *("yaml", YAML, "/payments/nested/text", "t"),
            ["-    text: |", "-      one", "-      two", '+    text: "t"'],
        ),
        (
            *("yaml", YAML, "/flags/z", 1),
            ["-flags: {x: true, y: off}", "+flags: {x: true, y: off, z: 1}"],
        ),
        (
            *("yaml", YAML, "/flags/x", ABSENT),
            ["-flags: {x: true, y: off}", "+flags: {y: off}"],
        ),
        ("yaml", YAML, "/items/0/v", {"a": 1}, ["-    v: 1", '+    v: {"a": 1}']),
        ("yaml", YAML, "/items/0/name", ABSENT, ["-  - name: one", "-    v: 1", "+  - v: 1"]),
        ("yaml", YAML, "/8080", "shut", ["-8080: open", '+8080: "shut"']),
        ("yaml", YAML, "/payments/timeout", ABSENT, ["-  timeout: 30   # seconds"]),
        ("yaml", YAML, "/yes", 1, ['+"yes": 1']),
        ("yaml", "", "/a", 1, ["+a: 1"]),
        (
            *("json", JSON, "/rate/per_second", 5),
            [
                '-\t"rate": {"per_second": 50, "burst":5},',
                '+\t"rate": {"per_second": 5, "burst":5},',
            ],
        ),
        (
            *("json", JSON, "/list/2", "é"),
            ['-\t"list": [1, 2,  3],', '+\t"list": [1, 2,  "é"],'],
        ),
        (
            *("json", JSON, "/new", True),
            ['-\t"none": {}', '+\t"none": {},', '+\t"new": true'],
        ),
        ("json", JSON, "/none/a", 1, ['-\t"none": {}', '+\t"none": {"a": 1}']),
        (
            *("json", JSON, "/rate/burst", ABSENT),
            ['-\t"rate": {"per_second": 50, "burst":5},', '+\t"rate": {"per_second": 50},'],
        ),
        (
            *("json", JSON, "/rate/per_second", ABSENT),
            ['-\t"rate": {"per_second": 50, "burst":5},', '+\t"rate": {"burst":5},'],
        ),
        (
            *("properties", PROPERTIES, "/rate.limit", "5"),
            ["-rate.limit = 50", "+rate.limit = 5"],
        ),
        (
            *("properties", PROPERTIES, "/url", "http://b"),
            ["-url: http://a\\", "-    .example", "+url: http://b"],
        ),
        ("properties", PROPERTIES, "/bare", "1", ["-bare", "+bare=1"]),
        ("properties", PROPERTIES, "/new", "a\nb", ["+new=a\\nb"]),
        ("properties", PROPERTIES, "/path", ABSENT, ["-path=C\\:\\\\temp"]),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_only_the_value_changes(
    format_name: str, text: str, path: str, value: t.Any, expected: list[str]
) -> None:
    there = place(format_name, path)
    after = there.write(text, value)
    assert changed_lines(text, after) == expected
    assert there.read(after) == value


@pytest.mark.parametrize(
    ("format_name", "text", "path", "value"),
    [
        ("yaml", YAML, "/payments/url", 5),
        ("yaml", YAML, "/payments/timeout", 5),
        ("yaml", YAML, "/tail", "no"),
        ("yaml", YAML, "/new", 1),
        ("json", JSON, "/rate/per_second", 5),
        ("properties", PROPERTIES, "/rate.limit", "5"),
        ("properties", PROPERTIES, "/path", "5"),
    ],
)
def test_value_comes_back_as_it_was_written(
    format_name: str, text: str, path: str, value: t.Any
) -> None:
    there = place(format_name, path)
    assert there.copy(text, there.write(text, value)) == text


def test_value_with_lines_of_its_own_comes_back_with_the_same_meaning() -> None:
    there = place("yaml", "/payments/nested")
    back = there.copy(YAML, there.write(YAML, 1))
    assert there.read(back) == there.read(YAML)


def test_properties_are_read_as_java_does() -> None:
    read = {path: place("properties", f"/{path}").read(PROPERTIES) for path in ("url", "path")}
    assert read == {"url": "http://a.example", "path": "C:\\temp"}
    assert place("properties", "/bare").read(PROPERTIES) == ""


@pytest.mark.parametrize(
    ("format_name", "text", "path", "value", "told"),
    [
        ("yaml", "a: [", "/a", 1, "is not yaml"),
        ("yaml", "a: 1\n---\nb: 1\n", "/a", 2, "is not yaml"),
        ("json", "{", "/a", 1, "is not json"),
        ("json", "[" * 100_000, "/a", 1, "is not json"),
        ("yaml", BOMB, "/a", 1, "aliases stand for too much"),
        ("yaml", "a: &a [*a]\n", "/b", 1, "aliases stand for too much"),
        ("yaml", YAML, "/nobody/timeout", 1, "has no /nobody"),
        ("json", JSON, "/rate/per_second/x", 1, "has no /rate/per_second"),
        ("yaml", YAML, "/items/7", 1, "no element is added"),
        ("yaml", YAML, "/items/0", ABSENT, "no element is added to a list, or removed"),
        ("yaml", "a: &x 1\nb: *x\n", "/a", 2, "without changing more"),
        ("yaml", "base: &x {t: 1}\na:\n  <<: *x\n", "/base/t", 2, "without changing more"),
    ],
)
def test_document_that_cannot_take_the_value_is_refused(
    format_name: str, text: str, path: str, value: t.Any, told: str
) -> None:
    with pytest.raises(RecoveryError, match=told):
        place(format_name, path).write(text, value)


def test_value_that_is_there_leaves_the_text_as_it_is() -> None:
    assert place("yaml", "/payments/timeout").write(YAML, 30) is YAML
    assert place("json", "/nobody").write(JSON, ABSENT) is JSON


@pytest.mark.parametrize(
    ("key", "format_name", "expected"),
    [
        ("a.yaml", "auto", "yaml"),
        ("a.YML", "auto", "yaml"),
        ("a.json", "auto", "json"),
        ("application.properties", "auto", "properties"),
        ("a.conf", "properties", "properties"),
    ],
)
def test_format_is_told_by_the_ending(key: str, format_name: str, expected: str) -> None:
    assert place_in(key, "/a", format_name).format == expected


def test_format_that_cannot_be_told_is_asked_for() -> None:
    with pytest.raises(InvalidInput, match=r"a.conf: cannot be told from its ending. Set format"):
        place_in("a.conf", "/a", "auto")
