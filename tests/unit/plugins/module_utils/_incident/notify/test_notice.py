# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

from .making import notice


@pytest.mark.parametrize(
    ("severity", "grade"),
    [
        ("critical", "critical"),
        ("SEV-1", "critical"),
        ("P2", "error"),
        ("warning", "warning"),
        ("low", "info"),
        ("", "error"),
        ("on fire", "error"),
    ],
)
def test_severity_is_understood_and_calls_somebody_where_it_is_not(
    severity: str, grade: str
) -> None:
    assert notice(incident={"severity": severity}).grade == grade


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("a\r\nBcc: b@c", "a Bcc: b@c"),
        ("a\u2028b\x0bc\x85d", "a\ufffdb\ufffdc\ufffdd"),
        ("\x1b[2Jgone", "gone"),
        ("abc\u202egpj.exe", "abc\ufffdgpj.exe"),
        ("half \ud800", "half \ufffd"),
        ("  \n ", "INC-1"),
        ("t" * 500, "t" * 199 + "…"),
        ("POSTGRES_PASSWORD=s3cret", "POSTGRES_PASSWORD=********"),
        ("postgres://shop:s3cret@db/shop", "postgres://shop:********@db/shop"),
    ],
)
def test_title_is_one_plain_line_without_secrets(given: str, told: str) -> None:
    assert notice(incident={"title": given}).title == told


def test_secret_at_the_cut_is_not_left_half() -> None:
    told = notice(incident={"title": "x" * 170 + "\nDB_PASSWORD=" + "s3cret" * 20}).title
    assert "s3c" not in told


def test_text_keeps_its_lines_and_is_bounded() -> None:
    assert notice(text="one\n\ntwo\n").text == "one\n\ntwo"
    assert len(notice(text="a" * 1_000_000).text) == 4000


def test_details_are_lines_bounded_and_masked() -> None:
    told = notice(
        details={"share": 0.31, "pods": ["a", "b"], "api_token": "s3cret", "log": "a\nb", "x": None}
    ).details
    assert told == {
        "share": "0.31",
        "pods": '["a", "b"]',
        "api_token": "********",
        "log": "a b",
        "x": "null",
    }


def test_too_many_details_are_counted() -> None:
    details = notice(details={f"n{number}": "v" * 9999 for number in range(100)}).details
    assert len(details) == 31
    assert details["…"] == "70 more details"
    assert {len(value) for name, value in details.items() if name != "…"} == {500}


def test_detail_of_any_size_and_depth_is_a_line() -> None:
    deep: Any = "end"
    for _level in range(5000):
        deep = [deep]
    details = notice(details={"deep": deep, "many": [{"text": "t" * 10**6}] * 10**5}).details
    assert details["deep"] == '[[[[["…"]]]]]'
    assert len(details["many"]) == 500


@pytest.mark.parametrize(
    ("workload", "name"),
    [
        ({"kind": "Deployment", "namespace": "shop", "name": "web"}, "Deployment shop/web"),
        ({"kind": "StatefulSet", "namespace": "", "name": "db"}, "StatefulSet db"),
        (None, ""),
    ],
)
def test_workload_has_a_name_that_people_use(workload: Any, name: str) -> None:
    assert notice(workload=workload).workload_name == name


@pytest.mark.parametrize(
    ("incident", "words"),
    [
        ({"id": ""}, "incident.id: is ''"),
        ({"id": "a\nb"}, "incident.id: is 'a\\nb'"),
        ({"id": "a" * 501}, "at most 500 characters"),
        ({"url": "javascript:alert(1)"}, "is no link"),
        ({"url": "https://a/b|c"}, "is no link"),
        ({"url": "https://a/b> <!channel"}, "is no link"),
        ({"url": "https://a/\u202eb"}, "is no link"),
    ],
)
def test_wrong_incident_is_refused(incident: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        notice(incident=incident)
    assert words in raised.value.message


def test_key_is_the_id_where_it_fits_and_differs_for_every_id() -> None:
    assert notice().key(255) == "INC-1"
    keys = {notice(incident={"id": "a" * 400 + end}).key(255) for end in "bc"}
    assert len(keys) == 2
    assert {len(key) for key in keys} == {255}
