# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and values that would be something else if they were not quoted."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import (
    conninfo,
    identifier,
    list_items,
    literal,
    require_database_name,
    shortened,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("shop", '"shop"'),
        ('a"; DROP DATABASE b; --', '"a""; DROP DATABASE b; --"'),
        ("-d", '"-d"'),
    ],
)
def test_identifier_is_one_name(name: str, quoted: str) -> None:
    assert identifier(name) == quoted


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("shop", "'shop'"),
        ("it's", "'it''s'"),
        ("a\\'b", " E'a\\\\''b'"),
        ("", "''"),
    ],
)
def test_literal_is_one_string(text: str, quoted: str) -> None:
    assert literal(text) == quoted


@pytest.mark.parametrize(
    ("database", "argument"),
    [
        ("shop", "dbname='shop'"),
        ("host=elsewhere", "dbname='host=elsewhere'"),
        ("postgresql://elsewhere/x", "dbname='postgresql://elsewhere/x'"),
        ("a' host='b\\", "dbname='a\\' host=\\'b\\\\'"),
    ],
)
def test_database_is_no_connection_string(database: str, argument: str) -> None:
    assert conninfo(database) == argument


def test_long_name_is_cut_so_that_the_ending_fits() -> None:
    name = shortened("é" * 40, "_before_INC-1")
    assert name.endswith("é_before_INC-1")
    assert len(name.encode()) <= 63


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "x" * 64])
def test_name_that_no_database_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="database"):
        require_database_name("database", name)


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ('"$user", public', ["$user", "public"]),
        ('"a, ""b""", c', ['a, "b"', "c"]),
        ('""', [""]),
        ("public", ["public"]),
    ],
)
def test_list_of_names_is_taken_apart(value: str, items: list[str]) -> None:
    assert list_items(value) == items
