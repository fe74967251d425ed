# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent, held against what the services publish of their formats."""

from __future__ import annotations

import email
import email.policy
import json
import re
from email.message import EmailMessage
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import STAGES
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.services import (
    SERVICES,
)

from .making import API_KEY, ROUTING_KEY, SLACK_URL, notice, receiver

# Of an attacker who writes the labels of an alert.
HOSTILE = "<!channel> @channel & <https://evil.example|click> \r\nBcc: x@y\x1b[2J"
LONG = "&<@everyone>" * 2000
WORKLOAD = {"kind": "Deployment", "namespace": "shop", "name": "web"}


def message(kind: str, stage: str = "opened", **more: Any) -> Any:
    return SERVICES[kind].message(receiver(kind), notice(stage, **more))


def slack_text(**more: Any) -> str:
    return str(message("slack", **more).body["text"])


def mail(**more: Any) -> EmailMessage:
    """As the server gets it."""
    sent = message("mail", **more).message.as_bytes()
    return email.message_from_bytes(sent, policy=email.policy.default)


def test_slack_gets_the_stage_the_facts_and_one_link() -> None:
    text = slack_text(
        stage="decided",
        incident={"url": "https://wiki.example/?a=1&b=2", "severity": "critical"},
        workload=WORKLOAD,
        text="Roll it back.",
        details={"share": "31 %"},
    )
    assert text.splitlines() == [
        "*Action decided: The shop fails*",
        "<https://wiki.example/?a=1&amp;b=2|INC-1>",
        "Roll it back.",
        "• Severity: critical",
        "• Workload: Deployment shop/web",
        "• share: 31 %",
    ]


def test_hostile_words_are_neither_links_nor_mentions_in_slack() -> None:
    text = slack_text(
        incident={"id": f"<{HOSTILE[:10]}", "title": HOSTILE, "severity": HOSTILE},
        text=HOSTILE,
        details={HOSTILE: HOSTILE},
        workload={"kind": HOSTILE, "namespace": HOSTILE, "name": HOSTILE},
    )
    assert not re.search(r"[<>]", text)
    assert not re.search(r"&(?!(amp|lt|gt);)", text)
    assert not re.search(r"@\w", text)


def test_text_for_slack_is_bounded_and_no_entity_is_cut() -> None:
    for start in range(6):
        text = slack_text(text="a" * start + LONG)
        assert 3990 < len(text) <= 4000
        assert not re.search(r"&(?!(amp|lt|gt);)", text)


def test_mail_is_plain_text_and_belongs_to_the_thread_of_its_incident() -> None:
    first, second = mail(workload=WORKLOAD, text="It began at 03:09."), mail(stage="resolved")
    assert first["Subject"] == "[INC-1] Incident opened: The shop fails"
    assert (first["From"], first["To"]) == ("oncall@shop.example", "a@shop.example")
    assert first.get_content_type() == "text/plain"
    assert first.get_content().splitlines() == [
        "Incident opened: The shop fails",
        "",
        "It began at 03:09.",
        "",
        "Incident: INC-1",
        "Workload: Deployment shop/web",
    ]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] != mail(incident={"id": "b"})["References"]


def test_hostile_words_add_no_header_to_a_mail() -> None:
    made = mail(incident={"id": "é" * 300, "title": HOSTILE * 5}, text=HOSTILE, details={"a": LONG})
    assert set(made.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted"),
        *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    }
    assert "\n" not in made["Subject"]
    assert "Bcc: x@y" in made["Subject"]


@pytest.mark.parametrize(
    ("stage", "action"),
    [
        ("opened", "trigger"),
        ("acknowledged", "acknowledge"),
        ("decided", None),
        ("approval_needed", "trigger"),
        ("acting", None),
        ("acted", None),
        ("mitigated", None),
        ("handed_over", "trigger"),
        ("resolved", "resolve"),
    ],
)
def test_pagerduty_gets_what_calls_people_and_what_ends_it(stage: str, action: str | None) -> None:
    made = message("pagerduty", stage)
    if action is None:
        assert made is None
        assert message("opsgenie", stage) is None
        return
    assert made.body["event_action"] == action
    assert made.body["dedup_key"] == "INC-1"
    assert ("payload" in made.body) == (action == "trigger")


def test_pagerduty_gets_an_event_of_the_published_format() -> None:
    made = message(
        "pagerduty",
        incident={"title": LONG, "severity": "critical", "url": "https://wiki.example/1"},
        text=LONG,
        details={f"{number}": LONG for number in range(50)},
        workload=WORKLOAD,
    )
    assert made.url == "https://events.pagerduty.com/v2/enqueue"
    assert set(made.body) == {
        *("routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links")
    }
    assert made.body["routing_key"] == ROUTING_KEY
    assert made.body["links"] == [
        {"href": "https://wiki.example/1", "text": "Record of the incident"}
    ]
    payload = made.body["payload"]
    assert set(payload) == {
        *("summary", "source", "severity", "timestamp", "component", "group", "custom_details")
    }
    assert payload["severity"] == "critical"
    assert (payload["source"], payload["component"]) == ("Deployment shop/web", "web")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", payload["timestamp"])
    assert len(payload["summary"]) <= 1024
    assert len(json.dumps(made.body).encode()) < 512 * 1000


def test_opsgenie_gets_an_alert_of_the_published_format() -> None:
    made = message(
        "opsgenie",
        incident={"id": "a/b ü", "title": LONG, "severity": "sev1"},
        text=LONG,
        details={f"{number}": LONG for number in range(50)},
        workload=WORKLOAD,
    )
    assert made.url == "https://api.opsgenie.com/v2/alerts"
    assert made.headers == {"Authorization": f"GenieKey {API_KEY}"}
    body = made.body
    assert set(body) == {
        *("message", "alias", "description", "details", "entity", "source", "priority")
    }
    assert (body["alias"], body["priority"]) == ("a/b ü", "P1")
    assert len(body["message"]) <= 130
    assert len(body["description"]) <= 15000
    assert sum(len(name) + len(value) for name, value in body["details"].items()) <= 8000
    assert body["details"]["stage"] == "opened"


@pytest.mark.parametrize(
    ("stage", "action"), [("acknowledged", "acknowledge"), ("resolved", "close")]
)
def test_opsgenie_finds_the_alert_by_its_alias(stage: str, action: str) -> None:
    made = message("opsgenie", stage, incident={"id": "a/b ü"})
    path = f"/v2/alerts/a%2Fb%20%C3%BC/{action}?identifierType=alias"
    assert made.url == f"https://api.opsgenie.com{path}"
    assert set(made.body) == {"source", "note"}


def test_webhook_gets_all_of_it_as_data() -> None:
    made = message("webhook", "acted", text="Rolled back.", details={"a": 1}, workload=WORKLOAD)
    assert made.headers == {"Authorization": "Bearer s3cret-token"}
    assert {**made.body, "time": ""} == {
        "version": 1,
        "source": "oncall.recovery",
        "time": "",
        "stage": "acted",
        "headline": "Action taken: The shop fails",
        "text": "Rolled back.",
        "incident": {"id": "INC-1", "title": "The shop fails", "severity": "", "url": ""},
        "workload": WORKLOAD,
        "details": {"a": "1"},
    }


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("stage", STAGES)
def test_what_is_shown_has_no_secret_and_is_plain_data(kind: str, stage: str) -> None:
    made = message(kind, stage)
    if made is None:
        return
    shown = json.dumps(made.shown())
    for secret in (SLACK_URL, "s3cret", ROUTING_KEY, API_KEY):
        assert secret not in shown
    assert set(made.shown()) == {"address", "body"}
