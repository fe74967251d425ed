# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.announcing import (
    receivers_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import STAGES

from .making import API_KEY, ROUTING_KEY, SLACK_URL, options_of, receiver


def test_receiver_wants_all_stages_unless_it_says_which() -> None:
    assert receiver("slack").stages == set(STAGES)
    assert receiver("slack", stages=["resolved"]).stages == {"resolved"}
    assert receiver("slack", stages=[]).stages == set()


@pytest.mark.parametrize(
    ("security", "port"), [(None, 587), ("starttls", 587), ("tls", 465), ("none", 25)]
)
def test_port_of_mail_follows_its_security(security: str | None, port: int) -> None:
    assert receiver("mail", smtp_security=security).smtp_port == port
    assert receiver("mail", smtp_security=security, smtp_port=2525).smtp_port == 2525


def test_pagerduty_and_opsgenie_have_usual_addresses() -> None:
    assert receiver("pagerduty").url == "https://events.pagerduty.com/v2/enqueue"
    assert receiver("opsgenie").url == "https://api.opsgenie.com"
    assert receiver("opsgenie", url="https://api.eu.opsgenie.com").origin.endswith(
        "eu.opsgenie.com"
    )


def test_secret_is_read_from_a_file_without_the_line_break(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{ROUTING_KEY}\n")
    options = {"name": "a", "type": "pagerduty", "routing_key_file": str(file)}
    assert receivers_from([options])[0].routing_key == ROUTING_KEY


def test_what_a_server_repeats_of_the_secrets_is_masked() -> None:
    said = f"no {SLACK_URL}, no /services/T0/B0/s3cretS3cretS3cretS3cret"
    assert "s3cret" not in receiver("slack").without_secrets(said)
    assert API_KEY not in receiver("opsgenie").without_secrets(f"GenieKey {API_KEY}")
    mail = receiver("mail", smtp_username="oncall", smtp_password="s3cret")
    # What AUTH PLAIN and AUTH LOGIN send.
    said = "AG9uY2FsbABzM2NyZXQ= and czNjcmV0 and s3cret"
    assert mail.without_secrets(said) == "******** and ******** and ********"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://status.example/a"}, ["can be read by anyone on the way"]),
        ({"url": "http://127.0.0.1:8080/a"}, []),
        ({"url": "http://localhost/a"}, []),
        ({"url": "https://status.example/a"}, []),
    ],
)
def test_plain_http_across_the_network_is_warned_of(options: Any, words: list[str]) -> None:
    warnings = receiver("webhook", **options).warnings
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_password_in_plain_mail_is_warned_of() -> None:
    login = {"smtp_username": "oncall", "smtp_password": "s3cret"}
    assert receiver("mail", smtp_security="none", **login).warnings
    assert not receiver("mail", smtp_security="none", smtp_host="127.0.0.1", **login).warnings
    assert not receiver("mail", smtp_security="none").warnings
    assert not receiver("mail", **login).warnings


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("slack", {"url": None}, "receiver my slack: url is missing. Set url or url_file"),
        ("slack", {"url": "hooks.slack.example/s3cret"}, "url: is no address of the web"),
        ("slack", {"url": "https://a:s3cret@b/c"}, "has a user name or password in it"),
        ("slack", {"url": "https://a:99999/s3cret"}, "url: is no address of the web"),
        ("slack", {"url": "https://a/s3cret b"}, "characters in it that cannot be sent"),
        ("slack", {"url": "https://a/s3cret\r\nX: y"}, "characters in it that cannot be sent"),
        ("slack", {"routing_key": "s3cret"}, "routing_key is nothing that slack has. Use url"),
        ("slack", {"token_file": "/a"}, "token is nothing that slack has"),
        ("slack", {"url_file": "/nowhere/s3cret"}, "url and url_file exclude each other"),
        ("pagerduty", {"routing_key": ""}, "Set routing_key or routing_key_file"),
        ("pagerduty", {"routing_key": "s3crét"}, "Give one line of ASCII characters"),
        ("opsgenie", {"api_key": None, "api_key_file": "/nowhere"}, "No such file or directory"),
        ("opsgenie", {"api_key": None, "api_key_file": "/dev/null"}, "/dev/null is empty"),
        ("opsgenie", {"ca_cert": "/nowhere/ca.pem"}, "/nowhere/ca.pem cannot be loaded"),
        ("opsgenie", {"ca_cert": __file__}, "Give a file of certificates in PEM format"),
        ("webhook", {"token": "s3cret\nX: y"}, "token: has characters in it"),
        ("mail", {"to": []}, "receiver my mail: to is missing. Set to"),
        ("mail", {"to": ["a@b\nBcc: c@d"]}, "is no address of mail"),
        ("mail", {"from": "Oncall <a@b>"}, "is no address of mail"),
        ("mail", {"smtp_host": "mail example"}, "smtp_host: is 'mail example'"),
        ("mail", {"smtp_port": 70000}, "smtp_port: is 70000"),
        ("mail", {"smtp_username": "a"}, "only one of smtp_username and smtp_password"),
        ("mail", {"smtp_username": "a\nb", "smtp_password": "s3cret"}, "smtp_username: has"),
        ("slack", {"name": " "}, "receivers: a name is ' '"),
    ],
)
def test_wrong_receiver_is_refused_by_name_and_no_secret_is_shown(
    kind: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        receivers_from([options_of(kind, **more)])
    assert words in raised.value.message
    assert "s3cr" not in raised.value.message


def test_two_receivers_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="receiver my slack: is there twice"):
        receivers_from([options_of("slack"), options_of("mail", name="my slack")])


def test_more_receivers_than_threads_should_be_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Use 30 or fewer"):
        receivers_from([options_of("slack", name=str(number)) for number in range(31)])
