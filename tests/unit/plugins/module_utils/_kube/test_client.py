# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client makes of connections that break: tried again, never sent, or not known."""

from __future__ import annotations

import contextlib
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube import client as client_module
from ansible_collections.oncall.recovery.plugins.module_utils._kube import retry
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    Unreachable,
)

from .wire import Break, Server, answer, certificate

SENT = [Break.CLOSED, Break.RESET, Break.HALF, Break.GARBAGE, Break.SILENT]
Request = Callable[[Client], t.Any]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "LONGEST_BACKOFF_SECONDS", 0.05)
    monkeypatch.setattr(client_module, "READ_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(client_module, "SECONDS_TO_FIRST_ANSWER", 5.0)


Connect = Callable[..., Client]


@pytest.fixture
def connect(pem: Path) -> Iterator[Connect]:
    """Makes clients of a server, which are closed after the test."""
    with contextlib.ExitStack() as stack:

        def connect(server: Server, **options: t.Any) -> Client:
            known = {"host": server.url, "api_key": "s3cret", "ca_cert": str(pem), **options}
            client = Client(known, user_agent="test", connections=2)
            stack.callback(client.close)
            return client

        yield connect


def read(client: Client) -> t.Any:
    return client.get("/x", subject="Deployment shop/web")


def change(client: Client) -> t.Any:
    return client.patch("/x", [], subject="Deployment shop/web")


def change_repeatably(client: Client) -> t.Any:
    return client.patch("/x", {}, subject="revision 2", is_repeatable=True)


@pytest.mark.parametrize("request_", [read, change_repeatably], ids=["read", "repeatable change"])
@pytest.mark.parametrize(
    "trouble",
    [
        Break.BEFORE_TLS,
        Break.CLOSED,
        Break.RESET,
        Break.HALF,
        Break.SILENT,
        *(answer(status) for status in (429, 500, 502, 503, 504)),
    ],
    ids=str,
)
def test_is_sent_again_after_trouble(
    pem: Path, connect: Connect, request_: Request, trouble: Break | bytes
) -> None:
    with Server(pem, trouble, trouble) as server:
        assert request_(connect(server))["kind"] == "List"
    assert server.connections == 3


@pytest.mark.parametrize("trouble", [*SENT, Break.BEFORE_TLS], ids=str)
def test_change_whose_connection_breaks_is_sent_once_and_may_have_been_done(
    pem: Path, connect: Connect, trouble: Break
) -> None:
    with Server(pem, trouble) as server, pytest.raises(Unanswered) as raised:
        change(connect(server))
    assert server.connections == 1
    assert "gave no whole answer" in raised.value.message
    assert raised.value.message.endswith("Look at the object before you run again")


def test_change_that_the_server_turned_away_for_now_is_sent_again(
    pem: Path, connect: Connect
) -> None:
    with Server(pem, answer(429, Retry_After="1"), answer(429)) as server:
        started = time.monotonic()
        assert change(connect(server))["kind"] == "List"
    assert server.connections == 3
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_change_that_ends_in_server_trouble_is_sent_once(
    pem: Path, connect: Connect, status: int
) -> None:
    with Server(pem, answer(status, Retry_After="1")) as server, pytest.raises(ApiError) as raised:
        change(connect(server))
    assert server.connections == 1
    assert raised.value.status == status


def test_wish_of_the_server_for_a_pause_does_not_outlast_the_budget(
    pem: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SECONDS_TO_FIRST_ANSWER", 1.0)
    started = time.monotonic()
    with Server(pem, *[answer(429, Retry_After="600")] * 9) as server, pytest.raises(ApiError):
        read(connect(server))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("request_", [read, change], ids=["read", "change"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_refusal_is_final(pem: Path, connect: Connect, request_: Request, status: int) -> None:
    with Server(pem, answer(status)) as server, pytest.raises(ApiError) as raised:
        request_(connect(server))
    assert server.connections == 1
    assert raised.value.status == status


@pytest.mark.parametrize("request_", [read, change], ids=["read", "change"])
@pytest.mark.parametrize(
    ("host", "trusts_it", "words"),
    [
        pytest.param("127.0.0.1", False, "certificate verify failed", id="unknown issuer"),
        pytest.param("localhost", True, "localhost", id="other name"),
    ],
)
def test_certificate_that_does_not_match_is_final_and_nothing_is_sent(
    pem: Path, connect: Connect, request_: Request, host: str, trusts_it: bool, words: str
) -> None:
    trust = {"ca_cert": str(pem)} if trusts_it else {"ca_cert": None, "validate_certs": True}
    with Server(pem) as server, pytest.raises(Unreachable) as raised:
        request_(connect(server, host=server.url.replace("127.0.0.1", host), **trust))
    assert words in raised.value.message
    assert "no connection to the API server" in raised.value.message
    assert (server.connections, server.requests) == (1, [])


def test_server_that_speaks_no_tls_is_told_at_once(pem: Path, connect: Connect) -> None:
    with Server(pem, *[Break.NO_TLS] * 9) as server, pytest.raises(Unreachable) as raised:
        read(connect(server))
    assert server.connections == 1
    assert "no connection to the API server" in raised.value.message


def test_cause_of_a_broken_connection_is_told_in_plain_words(pem: Path, connect: Connect) -> None:
    with Server(pem, Break.CLOSED) as server, pytest.raises(Unanswered) as raised:
        change(connect(server))
    assert raised.value.cause == (
        f"the API server {server.url} gave no whole answer "
        "(Remote end closed connection without response)"
    )


def test_answer_that_is_whole_and_not_json_is_no_answer(pem: Path, connect: Connect) -> None:
    with Server(pem, answer(200, b'{"kind": "Lis')) as server, pytest.raises(Unanswered) as raised:
        change(connect(server))
    assert "is not a JSON object" in raised.value.message


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"api_key": "s3cret\n"}, id="a token with the end of its line"),
        pytest.param({"api_key": "s3cr☃t"}, id="a token that no header can hold"),
        pytest.param({"impersonate_user": "s3cr\r\nA: b"}, id="a user that is two headers"),
    ],
)
def test_what_no_header_can_carry_is_told_without_showing_it(
    pem: Path, connect: Connect, options: dict[str, t.Any]
) -> None:
    with Server(pem) as server, pytest.raises(InvalidInput) as raised:
        read(connect(server, **options))
    assert "s3cr" not in raised.value.message
    assert server.requests == []


def test_each_group_is_a_header_of_its_own(pem: Path, connect: Connect) -> None:
    with Server(pem) as server:
        read(connect(server, impersonate_user="ada", impersonate_groups=["dev", "ops"]))
    sent = [line.partition(": ")[2] for line in server.requests[0] if line.startswith("Imp")]
    assert sent == ["ada", "dev", "ops"]


def test_server_that_was_given_up_is_not_waited_for_by_each_request_again(
    pem: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SECONDS_OF_RETRIES", 1.0)
    monkeypatch.setattr(client_module, "SECONDS_ONCE_GIVEN_UP", 0.0)

    def seconds_in_vain() -> float:
        started = time.monotonic()
        with pytest.raises(Unreachable):
            read(client)
        return time.monotonic() - started

    with Server(pem) as server:
        client = connect(server)
        read(client)
    assert seconds_in_vain() > 0.5
    assert seconds_in_vain() < 0.5
    with Server(pem, port=server.port):
        read(client)
    assert seconds_in_vain() > 0.5


def test_authority_file_that_is_not_there_is_told(
    pem: Path, connect: Connect, tmp_path: Path
) -> None:
    missing = str(tmp_path / "ca.pem")
    with Server(pem) as server, pytest.raises(RecoveryError) as raised:
        read(connect(server, ca_cert=missing))
    assert "No such file" in raised.value.message


EVENT = b'{"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "8"}}}\n'


class TestWatch:
    def watch(self, pem: Path, connect: Connect, *steps: Break | bytes) -> list[tuple[str, t.Any]]:
        with Server(pem, *steps) as server:
            client = connect(server)
            return list(client.watch("/x", subject="shop: pods", resource_version="7", seconds=5))

    def test_events_come_until_the_server_ends_it(self, pem: Path, connect: Connect) -> None:
        changed = {"metadata": {"resourceVersion": "8"}}
        assert self.watch(pem, connect, answer(200, EVENT * 2)) == [("MODIFIED", changed)] * 2

    def test_half_an_event_at_an_orderly_end_is_left_for_the_next_watch(
        self, pem: Path, connect: Connect
    ) -> None:
        assert len(self.watch(pem, connect, answer(200, EVENT + EVENT[:20]))) == 1

    def test_version_that_is_too_old_is_told_as_410(self, pem: Path, connect: Connect) -> None:
        expired = b'{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}\n'
        with pytest.raises(ApiError) as raised:
            self.watch(pem, connect, answer(200, expired))
        assert raised.value.status == 410

    def test_connection_that_breaks_is_told_as_unanswered(
        self, pem: Path, connect: Connect
    ) -> None:
        broken = answer(200, EVENT, Content_Length="500")
        with pytest.raises(Unanswered):
            self.watch(pem, connect, broken)

    def test_silence_of_a_dead_connection_is_told_as_unanswered(
        self, pem: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client_module, "WATCH_SILENCE_SECONDS", 0.3)
        with pytest.raises(Unanswered):
            self.watch(pem, connect, *[Break.SILENT] * 9)
