# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a server is asked, and what is made of answers that are none."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals import http_json
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import (
    Endpoint,
    Reply,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import NoAnswer

from .._kube.wire import Break, Server, answer, certificate

JSON = b'{"status": "success"}'
SUCCESS = Reply(200, {"status": "success"})
LONG_ENOUGH = 5.0


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def endpoint(server: Server, pem: Path, **options: Any) -> Endpoint:
    return Endpoint.from_options("prometheus", {"url": server.url, "ca_cert": str(pem), **options})


def why_not(server: Server, pem: Path, seconds: float = LONG_ENOUGH, **options: Any) -> str:
    """The message of the NoAnswer that a request ends in."""
    with server, pytest.raises(NoAnswer) as caught:
        endpoint(server, pem, **options).get("/api", {}, seconds)
    return caught.value.message


def test_request_lies_below_the_path_and_its_parameters_are_encoded(pem: Path) -> None:
    with Server(pem, answer(body=JSON)) as server:
        behind = endpoint(server, pem, url=f"{server.url}/prometheus/")
        assert behind.get("/api/v1/query", {"query": 'up{a="b&c"}'}, LONG_ENOUGH) == SUCCESS
    assert server.requests[0][0] == (
        "GET /prometheus/api/v1/query?query=up%7Ba%3D%22b%26c%22%7D HTTP/1.1"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"token": "s3cret"}, "Bearer s3cret", id="token"),
        pytest.param(
            {"username": "oncall", "password": "s3c:ret"},
            f"Basic {base64.b64encode(b'oncall:s3c:ret').decode()}",
            id="basic",
        ),
    ],
)
def test_credentials_are_sent(pem: Path, options: dict[str, str], expected: str) -> None:
    with Server(pem, answer(body=JSON)) as server:
        endpoint(server, pem, **options).get("/api", {}, LONG_ENOUGH)
    assert f"Authorization: {expected}" in server.requests[0]


def test_without_credentials_none_are_sent(pem: Path) -> None:
    with Server(pem, answer(body=JSON)) as server:
        endpoint(server, pem).get("/api", {}, LONG_ENOUGH)
    assert not [line for line in server.requests[0] if line.startswith("Authorization")]


def test_json_counts_whatever_the_status(pem: Path) -> None:
    with Server(pem, answer(400, JSON)) as server:
        assert endpoint(server, pem).get("/api", {}, LONG_ENOUGH) == Reply(400, SUCCESS.content)


@pytest.mark.parametrize("body", [b"moved", JSON])
def test_redirect_is_not_followed_nor_taken_for_an_answer(pem: Path, body: bytes) -> None:
    elsewhere = answer(302, body, Location="https://127.0.0.1:1/")
    assert "answered 302, and redirects" in why_not(Server(pem, elsewhere), pem, token="x")


@pytest.mark.parametrize(
    "options",
    [{"token": "s3cret"}, {"username": "me", "password": "s3cret"}],
    ids=["token", "password"],
)
def test_server_that_repeats_what_it_was_sent_gives_nothing_away(
    pem: Path, options: dict[str, str]
) -> None:
    sent = base64.b64encode(b"me:s3cret").decode()
    said = why_not(Server(pem, answer(401, f"no s3cret, {sent}".encode())), pem, **options)
    assert "s3cret" not in said
    assert sent not in said or "token" in options


def test_secret_is_not_left_half_by_a_cut(pem: Path) -> None:
    body = b"x" * (http_json.MOST_CHARACTERS_OF_AN_ANSWER - 3) + b"s3cret"
    assert "s3c" not in why_not(Server(pem, answer(401, body)), pem, token="s3cret")


def test_whole_address_is_asked_as_it_is_and_its_parameters_are_not_shown(pem: Path) -> None:
    with Server(pem, answer(body=JSON), answer(body=b"?")) as server:
        given = {"url": f"{server.url}/health/?key=s3cret&to=a@b", "ca_cert": str(pem)}
        whole = Endpoint.from_options("json", given, is_whole=True)
        assert whole.get("", {}, LONG_ENOUGH) == SUCCESS
        with pytest.raises(NoAnswer) as caught:
            whole.get("", {}, LONG_ENOUGH)
    assert server.requests[0][0] == "GET /health/?key=s3cret&to=a@b HTTP/1.1"
    assert caught.value.message.startswith(f"{server.url}/health/: answered 200, and no JSON")
    assert whole.secrets == {"key=s3cret&to=a@b"}


def test_list_is_sent_as_several_parameters(pem: Path) -> None:
    with Server(pem, answer(body=JSON)) as server:
        endpoint(server, pem).get("/a", {"filter": ("a=1", "b=2"), "x": "y"}, LONG_ENOUGH)
    assert server.requests[0][0] == "GET /a?filter=a%3D1&filter=b%3D2&x=y HTTP/1.1"


def test_nesting_without_end_is_no_answer(pem: Path) -> None:
    assert "no JSON" in why_not(Server(pem, answer(body=b"[" * 200_000)), pem)


@pytest.mark.parametrize("broken", [b for b in Break if b is not Break.SILENT], ids=str)
def test_broken_connection_is_no_answer(pem: Path, broken: Break) -> None:
    message = why_not(Server(pem, broken), pem)
    assert "did not answer" in message
    assert "\n" not in message


def test_silence_ends_with_the_time_limit(pem: Path) -> None:
    assert "did not answer within 0.3 s" in why_not(Server(pem, Break.SILENT), pem, 0.3)


def test_answer_that_trickles_ends_with_the_time_limit(
    pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_json, "BYTES_AT_ONCE", 1)
    body = b" " * 1_000_000 + JSON
    started = time.monotonic()
    assert "did not answer within 0.2 s" in why_not(Server(pem, answer(body=body)), pem, 0.2)
    assert time.monotonic() - started < LONG_ENOUGH


def test_endless_answer_is_cut_off(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_json, "MOST_BYTES", 1000)
    body = b" " * 2000 + JSON
    assert "an answer of more than 1000 bytes" in why_not(Server(pem, answer(body=body)), pem)


def test_certificate_of_a_stranger_is_refused_unless_told_otherwise(pem: Path) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in why_not(Server(pem), pem, ca_cert=None)
    with Server(pem, answer(body=JSON)) as server:
        careless = endpoint(server, pem, ca_cert=None, validate_certs=False)
        assert careless.get("/api", {}, LONG_ENOUGH) == SUCCESS
    assert "is not checked" in careless.warnings()[0]


def test_nobody_there_is_no_answer(pem: Path) -> None:
    with pytest.raises(NoAnswer, match="Connection refused"):
        Endpoint("http://127.0.0.1:1").get("/api", {}, LONG_ENOUGH)


def test_file_that_is_no_certificate_is_named(pem: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    with Server(pem) as server, pytest.raises(InvalidInput, match="PEM"):
        endpoint(server, pem, client_cert=str(tmp_path / "empty.pem")).get("/", {}, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "prometheus:9090"}, "which is no address to ask"),
        ({"url": "file:///etc/passwd"}, "which is no address to ask"),
        ({"url": "http://"}, "which is no address to ask"),
        ({"url": "http://host:port"}, "which is no address to ask"),
        ({"url": "http://host/?query=up"}, "which is no address to ask"),
        ({"url": "http://me:s3cret@host"}, "has a user name or password in it"),
        ({"url": "http://me:s3/cret@host"}, "has a user name or password in it"),
        ({"url": ""}, "url: is missing"),
        ({"url": "http://host\r\nX: y"}, "has control characters in it"),
        ({"url": "http://host", "token": "s3cret\n"}, "token: has control characters in it"),
        ({"url": "http://host", "ca_cert": "/nonexistent"}, "there is no file /nonexistent"),
    ],
)
def test_endpoint_that_cannot_be_asked_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Endpoint.from_options("prometheus", options)
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://prometheus.example", True),
        ("http://127.0.0.1:9090", False),
        ("http://localhost:9090", False),
        ("https://prometheus.example", False),
    ],
)
def test_credentials_in_clear_are_warned_of(url: str, warns: bool) -> None:
    told = Endpoint.from_options("prometheus", {"url": url, "token": "s3cret"}).warnings()
    assert bool(told) == warns
    assert not Endpoint.from_options("prometheus", {"url": url}).warnings()
