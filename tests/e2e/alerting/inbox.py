# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for mail, PagerDuty, Slack, Opsgenie, SNS and automation: servers on loopback."""

from __future__ import annotations

import contextlib
import email.message
import email.policy
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.e2e.support.prometheus import Certificates
from tests.e2e.support.web import QuietHandler, serving

from .servers import free_port

MAIL_USER, MAIL_PASSWORD = "alertmanager", "s3cret-mail-password"
# What SNS answers, as far as its client reads it.
_PUBLISHED = (
    "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


@dataclass(frozen=True)
class Delivery:
    """A request that came in: where, with which headers, and its JSON or form."""

    path: str
    headers: dict[str, str]
    body: Any


class Inbox:
    """Mails and requests, in the order in which they came."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self.deliveries: list[Delivery] = []

    def to(self, path: str, about: str) -> list[Any]:
        """The bodies that came to ``path`` and have ``about`` in them."""
        return [
            delivery.body
            for delivery in list(self.deliveries)
            if delivery.path == path and about in json.dumps(delivery.body)
        ]

    def mails_about(self, about: str) -> list[email.message.EmailMessage]:
        return [mail for mail in list(self.mails) if about in mail["Subject"]]

    # The name is what aiosmtpd calls.
    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 OK"


@contextlib.contextmanager
def mail_server(inbox: Inbox, certificates: Certificates) -> Iterator[str]:
    """The address of a server that takes mail by TLS from whoever knows the password."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)

    def authenticate(*arguments: Any) -> AuthResult:
        told = arguments[-1]
        right = told == LoginPassword(MAIL_USER.encode(), MAIL_PASSWORD.encode())
        # Left to the server to say, so that a wrong password is answered.
        return AuthResult(success=right, handled=False)

    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        # Its LOGIN asks for the name in words that Alertmanager does not know.
        auth_exclude_mechanism=["LOGIN"],
        authenticator=authenticate,
    )
    controller.start()
    try:
        yield f"127.0.0.1:{controller.port}"
    finally:
        controller.stop()


@contextlib.contextmanager
def web_server(inbox: Inbox) -> Iterator[str]:
    """The URL of a server that takes whatever is posted."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            # A reload is asked for with nothing in it.
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = "form" in self.headers.get("Content-Type", "")
            body = (
                {k: v[0] for k, v in parse_qs(text).items()} if form else json.loads(text or "{}")
            )
            inbox.deliveries.append(Delivery(self.path, dict(self.headers), body))
            # PagerDuty and Opsgenie say "accepted".
            self.send_response(202 if self.path.startswith(("/pagerduty", "/opsgenie")) else 200)
            self.end_headers()
            self.wfile.write(_PUBLISHED.encode() if form else b"{}")

    with serving(Handler) as url:
        yield url
