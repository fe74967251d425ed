# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of a server that answers JSON to whoever has a certificate."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.support.modules import run_module
from tests.e2e.support.prometheus import PASSWORD, USERNAME, Certificates
from tests.e2e.support.signals import look, verdict_of
from tests.e2e.support.web import QuietHandler, serving

TOKEN = "s3cret-token"
# What came to where a redirect pointed.
STOLEN: list[str] = []


class Shop(QuietHandler):
    """A service that tells of itself, to who knows the token."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        sent = self.headers.get("Authorization", "")
        if path == "/redirect":
            self.answer(302, {"up": True}, Location=f"http://{self.headers['Host']}/stolen")
        elif path == "/stolen":
            STOLEN.append(sent)
            self.answer(200, {"up": True})
        elif path == "/echo":
            self.answer(401, f"who is {sent}?")
        elif path == "/slow":
            time.sleep(5)
            self.answer(200, {"up": True})
        elif path == "/huge":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _number in range(16):
                    self.wfile.write(b" " * 1024 * 1024)
        elif path == "/down":
            self.answer(503, {"status": "DOWN"})
        elif path == "/private" and sent != f"Bearer {TOKEN}":
            self.answer(401, {"error": "no token"})
        else:
            self.answer(200, {"status": "UP", "queues": {"mail": 3, "jobs": 70}})

    def answer(self, status: int, body: Any, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode() if isinstance(body, str) else json.dumps(body).encode())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def shop(certificates: Certificates) -> Iterator[str]:
    """The URL of a server that asks for a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.authority)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(Shop, context) as url:
        yield url


@pytest.fixture
def login(certificates: Certificates) -> dict[str, str]:
    return {
        "ca_cert": str(certificates.authority),
        "client_cert": str(certificates.certificate),
        "client_key": str(certificates.key),
    }


def health(url: str, value: str, login: dict[str, Any], **signal: Any) -> dict[str, Any]:
    return {
        "name": "health",
        "json": {"url": url, "value": value, **login},
        "threshold": 50,
        **signal,
    }


def test_values_are_picked_from_json_behind_a_certificate(shop: str, login: dict[str, Any]) -> None:
    answer = look(
        health(f"{shop}/health?deep=1", "queues", login),
        health(shop, "status == 'UP'", login, name="up", threshold=0, comparison="=="),
        query="signals[?verdict=='unhealthy'].{name: name, key: worst.labels.key}",
    )
    assert answer.result["verdict"] == "unhealthy"
    assert answer.result["reasons"] == ['health: 70 of {key="jobs"} > 50']
    assert answer.result["signals"][1]["verdict"] == "healthy"
    assert answer.result["query_result"] == [{"name": "health", "key": "jobs"}]


def test_without_the_certificate_nothing_is_known(shop: str, login: dict[str, Any]) -> None:
    stranger = {"ca_cert": login["ca_cert"]}
    assert verdict_of(health(shop, "queues", stranger)) == "unknown"
    assert verdict_of(health(shop, "queues", stranger, on_error="unhealthy")) == "unhealthy"
    assert verdict_of(health(shop, "queues.mail", login)) == "healthy"


@pytest.mark.parametrize(("token", "verdict"), [(TOKEN, "healthy"), ("s3cret-other", "unknown")])
def test_token_opens_the_door(shop: str, login: dict[str, Any], token: str, verdict: str) -> None:
    answer = look(health(f"{shop}/private", "queues.mail", {**login, "token": token}))
    assert answer.result["verdict"] == verdict
    assert "s3cret" not in str(answer.result)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("/down", "status == 'DOWN'", "answered 503"),
        ("/health", "status", "a text stands where a number should"),
        ("/health", "nothing", "no data, which counts as unknown"),
        ("/slow", "up", "did not answer within 1 s"),
        ("/huge", "up", "an answer of more than 8388608 bytes"),
    ],
)
def test_what_gives_no_number_is_unknown(
    shop: str, login: dict[str, Any], path: str, value: str, words: str
) -> None:
    started = time.monotonic()
    limit = "1s" if path == "/slow" else "10s"
    answer = look(health(f"{shop}{path}?key=s3cret", value, login), timeout=limit)
    assert answer.result["verdict"] == "unknown"
    assert words in answer.result["reasons"][0]
    assert "s3cret" not in str(answer.result)
    assert path != "/slow" or time.monotonic() - started < 4


def test_answer_of_another_status_is_read_where_it_is_expected(
    shop: str, login: dict[str, Any]
) -> None:
    expected = {**login, "status_code": [200, 503]}
    down = health(f"{shop}/down", "status == 'UP'", expected, comparison="==", threshold=0)
    assert verdict_of(down) == "unhealthy"


@pytest.mark.parametrize(
    "credentials",
    [{"token": TOKEN}, {"username": USERNAME, "password": PASSWORD}],
    ids=["token", "password"],
)
def test_credentials_follow_no_redirect_and_come_back_in_no_error(
    credentials: dict[str, str],
) -> None:
    with serving(Shop) as url:
        redirected = look(health(f"{url}/redirect", "up", credentials))
        echoed = look(health(f"{url}/echo", "up", credentials))
    assert "answered 302, and redirects are not followed" in redirected.result["reasons"][0]
    assert "no JSON: who is" in echoed.result["reasons"][0]
    assert not STOLEN
    for answer in (redirected, echoed):
        assert answer.result["verdict"] == "unknown"
        for secret in (TOKEN, PASSWORD, "b25jYWxsOnMzY3JldC1wYXNzd29yZA=="):
            assert secret not in str(answer.result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"query": "signals["}, "query: 'signals[' is no JMESPath expression"),
        ({"query": "sum(signals)"}, "query: does not fit the result"),
        ({"interval": "soon"}, "interval: is 'soon', which is no duration"),
        ({"signals": []}, "signals: is an empty list"),
        ({"signals": [{"name": "a"}]}, "signal a: has no source. Give one of promql, alerts"),
        ({"signals": [{"name": "a", "alerts": {}}]}, "alertmanager.url: is missing"),
        (
            {"signals": [health("http://me:s3cret@shop", "a", {})]},
            "signal health.json.url: has a user name or password in it",
        ),
        (
            {"signals": [health("http://shop", "a", {"token": "b", "username": "c"})]},
            "mutually exclusive",
        ),
    ],
)
def test_bad_input_is_refused(options: dict[str, Any], words: str) -> None:
    with serving(Shop) as url:
        answer = run_module(
            "signal_info", None, **{"signals": [health(url, "queues", {})], **options}
        )
    assert answer.failed
    assert words in answer.message
    assert "s3cret" not in str(answer.result)
