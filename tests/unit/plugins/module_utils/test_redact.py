# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping secrets out of what people get to see."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._redact import (
    MASK,
    masked_template,
    masked_text,
    masked_value,
)


def shown(name: str, value: t.Any) -> t.Any:
    """What is shown of an environment variable."""
    template = {"spec": {"containers": [{"name": "web", "env": [{"name": name, "value": value}]}]}}
    return masked_template(template)["spec"]["containers"][0]["env"][0]["value"]


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "dbPasswd",
        "API_KEY",
        "apikey",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "SENTRY_DSN",
        "DATABASE_URL",
        "CONNECTION_STRING",
        "PRIVATE_KEY",
        "BASIC_AUTH",
    ],
)
def test_value_is_masked_of_a_variable_called(name: str) -> None:
    assert shown(name, "s3cret") == MASK


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("amqp://user:pa55@queue:5672/", f"amqp://user:{MASK}@queue:5672/"),
        ("redis://:pa55@cache", f"redis://:{MASK}@cache"),
        ("http://u:p@a,http://v:q@b", f"http://u:{MASK}@a,http://v:{MASK}@b"),
        ("amqp://user:p@55/@queue", f"amqp://user:{MASK}@queue"),
        ("http://api:8080/path", "http://api:8080/path"),
        ("see http://api:8080 and mail@shop", "see http://api:8080 and mail@shop"),
    ],
    ids=[
        "user and password",
        "password only",
        "two addresses",
        "a password with marks in it",
        "no password",
        "a port and a mail address",
    ],
)
def test_password_inside_an_address_is_masked(value: str, expected: str) -> None:
    assert shown("QUEUE", value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOG_LEVEL", "debug"), ("TIMEOUT", "30"), ("DB_PASSWORD", ""), ("TOKEN", None)],
    ids=["level", "number", "empty", "none"],
)
def test_value_is_shown(name: str, value: t.Any) -> None:
    assert shown(name, value) == value


def test_variable_from_a_secret_object_is_shown_since_it_names_no_value() -> None:
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "web", "key": "token"}}}
    template = {"spec": {"containers": [{"name": "web", "env": [variable]}]}}
    assert masked_template(template) == template


def test_init_containers_are_masked_too_and_the_template_itself_is_left_alone() -> None:
    container = {"name": "migrate", "env": [{"name": "PASSWORD", "value": "s3cret"}]}
    template = {"spec": {"initContainers": [container], "containers": [{"name": "web"}]}}
    assert "s3cret" not in str(masked_template(template))
    assert container["env"][0]["value"] == "s3cret"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("password: s3cret", f"password: {MASK}"),
        ('  "api_key": "s3cret",', f'  "api_key": {MASK}'),
        ("- db.password=s3cret # main", f"- db.password={MASK}"),
        ("url: http://ada:s3cret@db/x", f"url: http://ada:{MASK}@db/x"),
        ("timeout: 30", "timeout: 30"),
        ("password:", "password:"),
    ],
)
def test_line_of_a_document_is_masked(line: str, expected: str) -> None:
    assert masked_text(f"a: 1\n{line}\nb: 2") == f"a: 1\n{expected}\nb: 2"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("12:00 login password=s3cret user=ada", f"12:00 login password={MASK} user=ada"),
        ("db: password=s3cret, host=db", f"db: password={MASK}, host=db"),
        ("GET /?api_key=s3cret&page=2", f"GET /?api_key={MASK}&page=2"),
        ('{"user":"ada","token":"s3cret"}', f'{{"user":"ada","token":{MASK}}}'),
        ("{'password': 's3cret', 'port': 1}", f"{{'password': {MASK}, 'port': 1}}"),
        ("psql --password s3cret -h db", f"psql --password {MASK} -h db"),
        ("-> Bearer abcdefgh12345", f"-> Bearer {MASK}"),
        ("sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln off", f"sent {MASK} off"),
        ("key AKIAIOSFODNN7EXAMPLE used", f"key {MASK} used"),
        ("pushed with ghp_0123456789abcdef", f"pushed with {MASK}"),
        ("the token expired", "the token expired"),
        ("took=12 ms, retries=3", "took=12 ms, retries=3"),
        ("see auth://users and http://web:8080", "see auth://users and http://web:8080"),
    ],
)
def test_secret_in_the_middle_of_a_line_is_masked(line: str, expected: str) -> None:
    assert masked_text(line) == expected


def test_private_key_is_masked_whole_even_where_its_end_is_cut_off() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
    assert "MIIEow" not in masked_text(f"read {key} from disk")
    assert "from disk" in masked_text(f"read {key} from disk")
    assert "MIIEow" not in masked_text(key[:45])


@pytest.mark.parametrize(
    "line",
    [
        *(
            "secret" * 20_000,
            "a" * 100_000,
            "a.b-" * 25_000,
            "://" * 30_000,
            "--password " * 10_000,
        ),
        *("-----BEGIN PRIVATE KEY-----" * 4_000, "eyJ" * 30_000, '"token":' * 12_000),
    ],
    ids=["secrets", "word", "dotted", "addresses", "arguments", "keys", "tokens", "settings"],
)
def test_hostile_line_takes_no_longer_than_another(line: str) -> None:
    begun = time.process_time()
    masked_text(line)
    assert time.process_time() - begun < 2


def test_values_are_masked_at_any_depth() -> None:
    value = {"timeout": 30, "login": {"token": "s3cret", "names": ["a"]}, "tokens": ["s3cret"]}
    assert masked_value("payments", value) == {
        "timeout": 30,
        "login": {"token": MASK, "names": ["a"]},
        "tokens": [MASK],
    }


@pytest.mark.parametrize("value", [None, True, False])
def test_switch_is_no_secret_whatever_its_name(value: t.Any) -> None:
    assert masked_value("auth_enabled", value) is value
