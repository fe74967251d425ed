# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People are told by services that answer, hang, fail, refuse and lie: servers on loopback."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.e2e.alerting.inbox import MAIL_PASSWORD, MAIL_USER, Delivery, Inbox, mail_server
from tests.e2e.alerting.servers import free_port
from tests.e2e.support.modules import Answer, run_module
from tests.e2e.support.playbooks import play
from tests.e2e.support.prometheus import Certificates
from tests.e2e.support.web import QuietHandler, serving

SLACK_PATH = "/services/T0/B0/s3cretS3cretS3cretS3cret"
ROUTING_KEY = "s3cret-0123456789abcdef012345678"
API_KEY, TOKEN = "s3cret-api-key", "s3cret-bearer-token"
SECRETS = (SLACK_PATH, "s3cret", "s3cretS3cret", MAIL_PASSWORD)
INCIDENT = {
    "id": "INC-2041",
    "title": "<!channel> Every third request fails\r\nBcc: evil@example",
    "severity": "critical",
    "url": "https://wiki.example/incidents/INC-2041",
}
SENDER, RECIPIENTS = "oncall@shop.example", ["database@shop.example", "lead@shop.example"]


@dataclass(frozen=True)
class Servers:
    """``web`` and ``tls`` are the same service, ``smtp`` and ``smtps`` take mail to one inbox."""

    inbox: Inbox
    web: str
    tls: str
    smtp: int
    smtps: int
    certificates: Certificates

    @property
    def mail(self) -> dict[str, Any]:
        return {
            "name": "mail",
            "type": "mail",
            "smtp_host": "127.0.0.1",
            "smtp_port": self.smtp,
            "smtp_username": MAIL_USER,
            "smtp_password": MAIL_PASSWORD,
            "ca_cert": str(self.certificates.authority),
            "from": SENDER,
            "to": RECIPIENTS,
        }

    @property
    def everybody(self) -> list[dict[str, Any]]:
        return [
            {"name": "channel", "type": "slack", "url": f"{self.web}{SLACK_PATH}"},
            {
                "name": "on call",
                "type": "pagerduty",
                "url": f"{self.web}/v2/enqueue",
                "routing_key": ROUTING_KEY,
            },
            {
                "name": "opsgenie",
                "type": "opsgenie",
                "url": f"{self.web}/opsgenie",
                "api_key": API_KEY,
            },
            self.mail,
            {
                "name": "status page",
                "type": "webhook",
                "url": f"{self.tls}/hook",
                "token": TOKEN,
                "ca_cert": str(self.certificates.authority),
            },
        ]


class Strict:
    """Takes mail for the shop only, and at its first attempt says that it is busy."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox, self._is_busy = inbox, True

    # The names are what aiosmtpd calls.
    async def handle_MAIL(
        self, _server: Any, _session: Any, envelope: Any, sender: str, _o: Any
    ) -> str:
        if self._is_busy:
            self._is_busy = False
            return "451 busy, come back"
        envelope.mail_from = sender
        return "250 OK"

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, to: str, _o: Any
    ) -> str:
        if not to.endswith("@shop.example"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return await self._inbox.handle_DATA(server, session, envelope)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    certificates = Certificates.made_in(tmp_path_factory.mktemp("certificates"))
    inbox = Inbox()
    failed: set[str] = set()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path.startswith("/hang"):
                time.sleep(5)
            elif self.path.startswith("/flaky") and self.path not in failed:
                failed.add(self.path)
                self.answer(500, "try again")
            elif self.path.startswith("/down"):
                self.answer(503, "")
            elif self.path.startswith("/busy"):
                self.answer(429, "slow down", **{"Retry-After": "60"})
            elif self.path.startswith("/echo"):
                self.answer(403, f"{self.path} {self.headers['Authorization']} {text}")
            elif self.path.startswith("/redirect"):
                self.answer(307, "", Location=f"http://{self.headers['Host']}/stolen")
            else:
                inbox.deliveries.append(Delivery(self.path, dict(self.headers), json.loads(text)))
                self.answer(202, "{}")

        def answer(self, status: int, body: str, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    smtps = Controller(Strict(inbox), hostname="127.0.0.1", port=free_port(), ssl_context=context)
    with (
        serving(Handler) as web,
        serving(Handler, context) as tls,
        mail_server(inbox, certificates) as smtp,
    ):
        smtps.start()
        try:
            port = int(smtp.rpartition(":")[2])
            yield Servers(inbox, web, tls, port, smtps.port, certificates)
        finally:
            smtps.stop()


@pytest.fixture
def inbox(servers: Servers) -> Inbox:
    """Empty at the start of a test."""
    servers.inbox.mails.clear()
    servers.inbox.deliveries.clear()
    return servers.inbox


def notify(*receivers: dict[str, Any], stage: str = "opened", **options: Any) -> Answer:
    answer = run_module(
        "incident_notify",
        None,
        **{"receivers": receivers, "incident": INCIDENT, "stage": stage, **options},
    )
    for secret in SECRETS:
        assert secret not in json.dumps(answer.result)
    return answer


def webhook(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "webhook", "type": "webhook", "url": url, **more}


def why(*receivers: dict[str, Any], **options: Any) -> str:
    """Why the only receiver was not told."""
    answer = notify(*receivers, **options)
    assert not answer.failed, answer.message
    (failed,) = answer.result["failed_receivers"]
    assert failed["next_step"]
    assert f"{failed['receiver']} was not told: " in str(answer.result["warnings"])
    return str(failed["why"])


def test_everybody_is_told_at_once(servers: Servers, inbox: Inbox) -> None:
    answer = notify(
        *servers.everybody,
        text="It began with revision 8. @channel",
        details={"share": "31 %", "api_token": "s3cret-detail"},
        workload={"namespace": "shop", "name": "web"},
    )
    assert answer.changed
    assert answer.result["delivered"] == ["channel", "on call", "opsgenie", "mail", "status page"]
    assert answer.result["failed_receivers"] == answer.result["left_out"] == []
    assert "warnings" not in answer.result
    came = {delivery.path: delivery for delivery in inbox.deliveries}

    assert set(came[SLACK_PATH].body) == {"text"}
    assert "&lt;!channel&gt; Every third request fails Bcc:" in came[SLACK_PATH].body["text"]
    assert "@channel" not in came[SLACK_PATH].body["text"]

    event = came["/v2/enqueue"].body
    assert (event["routing_key"], event["event_action"]) == (ROUTING_KEY, "trigger")
    assert (event["dedup_key"], event["payload"]["severity"]) == ("INC-2041", "critical")
    assert event["payload"]["custom_details"]["api_token"] == "********"

    alert = came["/opsgenie/v2/alerts"]
    assert alert.headers["Authorization"] == f"GenieKey {API_KEY}"
    assert (alert.body["alias"], alert.body["priority"]) == ("INC-2041", "P1")

    hook = came["/hook"]
    assert hook.headers["Authorization"] == f"Bearer {TOKEN}"
    assert hook.headers["Content-Type"] == "application/json"
    assert hook.body["workload"] == {"kind": "Deployment", "namespace": "shop", "name": "web"}

    (mail,) = inbox.mails
    assert mail["To"] == ", ".join(RECIPIENTS)
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[INC-2041] Incident opened: <!channel> Every third")
    assert "share: 31 %" in mail.get_content()


def test_resolved_ends_what_calls_people(servers: Servers, inbox: Inbox) -> None:
    notify(*servers.everybody, stage="acknowledged")
    notify(*servers.everybody, stage="resolved")
    events = inbox.to("/v2/enqueue", "INC-2041")
    assert [event["event_action"] for event in events] == ["acknowledge", "resolve"]
    assert {event["dedup_key"] for event in events} == {"INC-2041"}
    paths = [delivery.path for delivery in inbox.deliveries if "alerts" in delivery.path]
    assert paths == [
        "/opsgenie/v2/alerts/INC-2041/acknowledge?identifierType=alias",
        "/opsgenie/v2/alerts/INC-2041/close?identifierType=alias",
    ]
    assert len({mail["References"] for mail in inbox.mails}) == 1


def test_check_mode_tells_nobody_and_says_what_it_would_send(
    servers: Servers, inbox: Inbox
) -> None:
    answer = run_module(
        "incident_notify",
        None,
        check=True,
        receivers=servers.everybody,
        incident=INCIDENT,
        stage="opened",
    )
    assert answer.changed
    assert not inbox.deliveries
    assert not inbox.mails
    messages = {message["receiver"]: message for message in answer.result["messages"]}
    assert list(messages) == answer.result["delivered"]
    assert messages["channel"]["address"] == servers.web
    assert messages["on call"]["body"]["routing_key"] == "********"
    assert messages["mail"]["body"]["to"] == RECIPIENTS
    for secret in SECRETS:
        assert secret not in json.dumps(answer.result)


def test_one_that_hangs_holds_up_nobody(servers: Servers, inbox: Inbox) -> None:
    started = time.monotonic()
    answer = notify(webhook(f"{servers.web}/hang", name="hangs"), *servers.everybody, timeout=2)
    assert time.monotonic() - started < 4.5
    assert not answer.failed
    assert len(answer.result["delivered"]) == 5
    (failed,) = answer.result["failed_receivers"]
    assert failed["receiver"] == "hangs"
    assert failed["why"] == "did not answer within 2 s"


def test_passing_trouble_is_tried_again(servers: Servers, inbox: Inbox) -> None:
    strict = {**servers.mail, "smtp_port": servers.smtps, "smtp_security": "tls"}
    for login in ("smtp_username", "smtp_password"):
        del strict[login]
    answer = notify(webhook(f"{servers.web}/flaky"), strict)
    assert answer.result["delivered"] == ["webhook", "mail"]
    assert len(inbox.to("/flaky", "INC-2041")) == 1
    assert len(inbox.mails) == 1
    # The server has one mailbox of the two now.
    assert why({**strict, "to": ["a@shop.example", "b@gone.example"]}) == (
        "b@gone.example was refused, the others have it"
    )
    assert "refused all recipients with 550 (no such" in why({**strict, "to": ["b@gone.example"]})
    assert len(inbox.mails) == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/down", "answered 503, after "),
        ("/busy", "answered 429: slow down"),
        ("/echo", "answered 403: /******** Bearer ******** {"),
        ("/redirect", "answered 307, and redirects are not followed"),
    ],
)
def test_what_a_service_refuses_is_said_without_secrets(
    servers: Servers, inbox: Inbox, path: str, words: str
) -> None:
    told = why(webhook(f"{servers.web}{path}/s3cretS3cretS3cret", token=TOKEN), timeout=2)
    assert words.split("/**")[0] in told
    assert not inbox.deliveries


def test_nobody_there_is_said(servers: Servers) -> None:
    gone = f"http://127.0.0.1:{free_port()}/s3cretS3cretS3cret"
    assert "no connection (Connection refused)" in why(webhook(gone), timeout=1)
    assert "no connection (" in why(webhook("https://no-such-host.invalid/a"), timeout=1)


def test_certificate_of_somebody_else_gets_nothing(servers: Servers, inbox: Inbox) -> None:
    trusted = {"ca_cert": str(servers.certificates.authority)}
    by_name = servers.tls.replace("127.0.0.1", "localhost")
    assert "certificate is not trusted (" in why(webhook(f"{servers.tls}/hook", token=TOKEN))
    assert "not trusted (Hostname mismatch" in why(webhook(f"{by_name}/hook", **trusted))
    untrusted = {name: value for name, value in servers.mail.items() if name != "ca_cert"}
    assert "certificate is not trusted (" in why(untrusted)
    assert not inbox.deliveries
    assert not inbox.mails


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"smtp_password": "s3cret-wrong"}, "refused the login ("),
        ({"smtp_security": "none"}, "the server lacks something ("),
        ({"smtp_security": "tls"}, "no connection ("),
    ],
)
def test_mail_that_is_not_taken_is_said(
    servers: Servers, inbox: Inbox, options: dict[str, Any], words: str
) -> None:
    assert words in why({**servers.mail, **options}, timeout=3)
    assert not inbox.mails


def test_bad_input_is_refused_before_anybody_is_told(servers: Servers, inbox: Inbox) -> None:
    answer = notify(*servers.everybody, {"name": "bad", "type": "pagerduty"})
    assert answer.failed
    assert answer.message == (
        "receiver bad: routing_key is missing. Set routing_key or routing_key_file"
    )
    assert notify(*servers.everybody, timeout=0).message == "timeout: is 0. Use 1 or more"
    assert "value of stage must be one of" in notify(*servers.everybody, stage="over").message
    assert not inbox.deliveries
    assert not inbox.mails


def test_run_goes_on_when_nobody_can_be_told_and_its_log_has_no_secret(
    servers: Servers, inbox: Inbox, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(f"{ROUTING_KEY}\n")
    key.chmod(0o600)
    receivers = [
        {"name": "channel", "type": "slack", "url": f"{servers.web}/echo{SLACK_PATH}"},
        {
            "name": "on call",
            "type": "pagerduty",
            "url": f"{servers.web}/echo",
            "routing_key_file": str(key),
        },
    ]
    playbook = tmp_path / "notify.yml"
    task = {"receivers": receivers, "incident": INCIDENT, "stage": "handed_over"}
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "connection": "local",
                    "gather_facts": False,
                    "tasks": [
                        {"oncall.recovery.incident_notify": task, "register": "told"},
                        {"debug": {"var": "told"}},
                        {
                            "debug": {
                                "msg": "{{ told.failed_receivers | length }} not told, and on we go"
                            }
                        },
                    ],
                }
            ]
        )
    )
    played = play(str(playbook), "-vvv", cwd=tmp_path)
    assert not played.failed, played.output
    assert "2 not told, and on we go" in played.output
    assert "channel was not told: answered 403" in played.output
    for secret in (*SECRETS, ROUTING_KEY):
        assert secret not in played.output
