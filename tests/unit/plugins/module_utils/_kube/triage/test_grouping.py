# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs: the same thing once, secrets masked, and nothing that a terminal would obey."""

from __future__ import annotations

import time

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.grouping import (
    group_lines,
    normalised,
)

TRACE = """\
Traceback (most recent call last):
  File "/srv/app/server.py", line 12, in answer
    raise ValueError("order {number}")
ValueError: order {number}
"""
JAVA = """\
2026-11-25 18:40:0{number} ERROR request {number} failed
java.lang.IllegalStateException: broken
\tat com.example.Shop.answer(Shop.java:42)
Caused by: java.io.IOException: reset
\t... 12 more
"""


def test_same_stack_trace_is_there_once_with_its_count() -> None:
    log = "".join(TRACE.replace("{number}", str(number)) for number in range(7))
    (group,) = group_lines(log)
    assert (group.count, group.level) == (7, "error")
    assert group.text.splitlines()[-1] == "ValueError: order 0"


def test_trace_stays_with_the_line_that_announces_it() -> None:
    log = "ERROR could not answer\n" + TRACE.replace("{number}", "1") + "all is well again\n"
    told = [group.text.splitlines()[0] for group in group_lines(log)]
    assert told == ["ERROR could not answer", "all is well again"]


def test_java_trace_with_its_cause_is_one_group() -> None:
    log = "".join(JAVA.replace("{number}", str(number)) for number in range(3))
    counts = {group.text.splitlines()[0]: group.count for group in group_lines(log)}
    assert counts == {
        "2026-11-25 18:40:00 ERROR request 0 failed": 3,
        "java.lang.IllegalStateException: broken": 3,
    }


def test_structured_line_is_read_like_a_written_one() -> None:
    log = (
        '{"time": "2026-11-25T18:40:00Z", "level": "error", "message": "no answer", "page": "/a",'
        ' "exception": "Traceback (most recent call last):\\n  File x\\nOSError: reset"}\n'
        '{"time": "2026-11-25T18:40:07Z", "level": "error", "message": "no answer", "page": "/a",'
        ' "exception": "Traceback (most recent call last):\\n  File x\\nOSError: reset"}\n'
    )
    (group,) = group_lines(log)
    assert group.count == 2
    assert group.text.splitlines()[0] == "error no answer page=/a"
    assert group.text.splitlines()[-1] == "OSError: reset"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 12 ms", "took 1305.2 ms"),
        ("at 2026-11-25T18:40:00.123Z", "at 2026-11-24T01:00:00Z"),
        ("object at 0x7f3a1c", "object at 0x7fffffff"),
        ("from 10.1.2.3:8080", "from 192.168.0.1:443"),
        ("id 3f0c2a51-5d0c-4f0e-9d2f-0f3f4c1f8a77", "id 9c1b7b9e-40a8-4f2c-bb0f-2f2f5d2d0a11"),
        ("commit 9c1b7b9e40a84f2c", "commit 1f2f5d2d0a11beef"),
    ],
)
def test_what_varies_does_not_tell_two_lines_apart(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_different_messages_stay_apart() -> None:
    assert len(group_lines("no route to host\nconnection refused\n")) == 2


def test_errors_come_first_and_then_what_was_said_most() -> None:
    log = "hello\n" * 5 + "WARN slow\n" * 2 + "ERROR a\nERROR b\nERROR b\n"
    assert [(g.text, g.count) for g in group_lines(log)] == [
        ("ERROR b", 2),
        ("ERROR a", 1),
        ("WARN slow", 2),
        ("hello", 5),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2",
        "postgresql://shop:hunter2@db.example/shop",
        '{"level": "info", "message": "hello", "db_password": "hunter2"}',
        '{"level": "info", "message": "x", "headers": {"authorization": "hunter2"}}',
    ],
)
def test_secret_in_a_log_is_masked(line: str) -> None:
    (group,) = group_lines(line)
    assert "hunter2" not in group.text
    assert "********" in group.text


@pytest.mark.parametrize(
    "line",
    [
        'FATAL:  password authentication failed for user "shop"',
        "payments answered 401 Unauthorized",
        "x509: certificate has expired or is not yet valid",
        "ERROR 1045 (28000): Access denied for user 'shop'@'10.1.2.3'",
        "the token has expired",
    ],
)
def test_refused_credential_is_known(line: str) -> None:
    (group,) = group_lines(line)
    assert group.is_refusal


@pytest.mark.parametrize("line", ["GET /cart 401 ms", "the session has expired", "OK"])
def test_other_lines_are_no_refusal(line: str) -> None:
    (group,) = group_lines(line)
    assert not group.is_refusal


def test_hostile_lines_do_no_harm() -> None:
    started = time.monotonic()
    log = "\n".join(
        [
            "\x1b[2J\x1b]0;owned\x07 clear",
            "\u202e\u2066 reversed",
            "{" * 100_000,
            '{"a":' * 5000,
            "x" * 1_000_000,
            "a" * 100_000 + "0" * 100_000,
            "\x00\x08\x7f",
            "Traceback (most recent call last):",
        ]
    )
    groups = group_lines(log)
    assert time.monotonic() - started < 5
    for group in groups:
        assert len(group.text) <= 2000
        assert all(letter.isprintable() or letter in "\n\t" for letter in group.text)


def test_there_are_only_so_many_groups() -> None:
    log = "".join(f"ERROR {chr(97 + n // 26)}{chr(97 + n % 26)}\n" for n in range(200))
    assert len(group_lines(log)) == 20
