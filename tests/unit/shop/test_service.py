# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running service on loopback, asked over HTTP as its users and the kubelet do."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.cluster.shop.app.release import Release, read_release
from tests.cluster.shop.app.server import Application, Server, drain
from tests.cluster.shop.app.shop_pages import SHOP_PAGES
from tests.cluster.shop.app.upstream_pages import UPSTREAM_PAGES
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.targets import fixed_target


class Client:
    """Asks one server, and remembers nothing."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_port}"

    def ask(self, path: str, method: str = "GET", body: str = "") -> tuple[int, str]:
        address = ("127.0.0.1", self.server.server_port)
        with closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
            connection.request(method, path, body=body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def code(self, path: str) -> int:
        return self.ask(path)[0]

    def change(self, **settings: object) -> int:
        return self.ask("/settings", "PUT", json.dumps(settings))[0]


Start = Callable[..., Client]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start_one(pages: str = "shop", version: str = "1.0.0", **settings: object) -> Client:
            table = SHOP_PAGES if pages == "shop" else UPSTREAM_PAGES
            application = Application(pages, Release(version, settings), tmp_path, table, {})
            server = Server(application, "127.0.0.1", 0)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(application.stopping.set)
            stack.callback(server.shutdown)
            return Client(server)

        yield start_one


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", 200), ("/recommendations", 200), ("/healthz", 200), ("/readyz", 200), ("/no", 404)],
)
def test_good_release_serves(start: Start, path: str, expected: int) -> None:
    assert start().code(path) == expected


def test_error_share_strikes_users_but_not_probes(start: Start) -> None:
    shop = start(fault_error_share=1)
    assert [shop.code("/"), shop.code("/healthz"), shop.code("/readyz")] == [500, 200, 200]


def test_never_ready_serves_all_the_same(start: Start) -> None:
    shop = start(fault_never_ready=True)
    assert [shop.code("/readyz"), shop.code("/healthz"), shop.code("/")] == [503, 200, 200]


def test_slow_release_is_slow(start: Start) -> None:
    shop = start(fault_delay_seconds=0.2)
    before = time.monotonic()
    assert shop.code("/") == 200
    assert time.monotonic() - before >= 0.2


def test_broken_feature_is_healed_by_its_flag(start: Start) -> None:
    shop = start(fault_recommendations_error_share=1)
    assert [shop.code("/"), shop.code("/recommendations")] == [200, 500]
    assert shop.change(recommendations_enabled=False) == 200
    assert shop.code("/recommendations") == 200


def test_rate_limit_answers_429(start: Start) -> None:
    shop = start(rate_limit_per_second=2)
    assert [shop.code("/") for _request in range(3)] == [200, 200, 429]
    assert shop.code("/readyz") == 200


def test_overload_answers_503_and_more_places_heal_it(start: Start) -> None:
    shop = start(max_concurrent_requests=1, work_seconds=1, queue_seconds=0.05)
    threading.Thread(target=shop.code, args=("/",), daemon=True).start()
    wait_until(lambda: shop.server.application.concurrency.in_flight == 1)
    assert shop.code("/") == 503
    shop.change(max_concurrent_requests=2)
    assert shop.code("/") == 200


def test_hanging_upstream_is_a_gateway_timeout_until_the_fallback_is_on(start: Start) -> None:
    upstream, fallback = start("upstream"), start("upstream")
    shop = start(
        upstream_url=upstream.url,
        upstream_fallback_url=fallback.url,
        upstream_timeout_seconds=0.2,
    )
    assert shop.code("/shipping") == 200
    upstream.change(fault_hang_share=1)
    assert shop.code("/shipping") == 504
    shop.change(upstream_fallback="always")
    assert json.loads(shop.ask("/shipping")[1])["quote"]["source"] == "fallback"
    shop.change(upstream_fallback="on_failure")
    assert shop.code("/shipping") == 200


def test_slow_upstream_is_healed_by_a_longer_timeout(start: Start) -> None:
    upstream = start("upstream", fault_delay_seconds=0.3)
    shop = start(upstream_url=upstream.url, upstream_timeout_seconds=0.1)
    assert shop.code("/shipping") == 504
    shop.change(upstream_timeout_seconds=2)
    assert shop.code("/shipping") == 200


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        pytest.param("error", "http_500", id="answers 500"),
        pytest.param("gone", "refused", id="is not there"),
        pytest.param("unset", "error", id="is not configured"),
    ],
)
def test_failing_upstream_is_a_bad_gateway_and_counted(
    start: Start, fault: str, result: str
) -> None:
    url = {"error": start("upstream", fault_error_share=1).url, "gone": free_url()}.get(fault, "")
    shop = start(upstream_url=url)
    assert shop.code("/shipping") == 502
    counted = f'dependency_requests_total{{dependency="upstream",result="{result}"}} 1.0'
    assert counted in shop.ask("/metrics")[1]


def test_orders_come_from_the_database(start: Start, tmp_path: Path) -> None:
    shop = start(database_url=f"sqlite:///{tmp_path}/shop.db")
    assert json.loads(shop.ask("/orders")[1]) == {"page": "orders", "orders": 0}


def test_cache_serves_the_catalog_while_the_database_is_away(start: Start, tmp_path: Path) -> None:
    shop = start(database_url=f"sqlite:///{tmp_path}/shop.db", cache_enabled=True)
    assert shop.code("/catalog") == 200
    shop.change(database_url=f"sqlite:///{tmp_path}/no/such/folder.db")
    assert [shop.code("/orders"), shop.code("/catalog")] == [503, 200]
    shop.change(cache_enabled=False)
    assert shop.code("/catalog") == 503


@pytest.mark.parametrize(
    ("first_byte", "expected"),
    [pytest.param(b"N", 200, id="PostgreSQL"), pytest.param(b"H", 503, id="something else")],
)
def test_postgresql_is_told_from_other_servers(
    start: Start, first_byte: bytes, expected: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_once() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.recv(8)
                connection.sendall(first_byte)

        threading.Thread(target=answer_once, daemon=True).start()
        port = listener.getsockname()[1]
        assert start(database_url=f"postgresql://127.0.0.1:{port}/shop").code("/orders") == expected


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"colour": 1}', '{"port": "x"}', ""],
    ids=["broken", "list", "unknown", "wrong kind", "empty"],
)
def test_bad_change_of_settings_is_refused(start: Start, body: str) -> None:
    shop = start()
    before = shop.ask("/settings")
    assert shop.ask("/settings", "PUT", body)[0] == 400
    assert shop.ask("/settings") == before


def test_draining_turns_unready_and_loses_no_request(start: Start) -> None:
    shop = start(drain_seconds=0.5, work_seconds=0.3)
    load = LoadGenerator(fixed_target(shop.url), rate=20)
    load.start()
    threading.Timer(0.3, load._stopping.set).start()
    drain(shop.server)
    report = load.stop()
    assert report.total >= 5
    assert report.failed_by_reason == {}
    assert not shop.server.application.is_ready()
    with pytest.raises(ConnectionRefusedError):
        shop.code("/")


def test_load_sees_what_users_see(start: Start) -> None:
    broken = start(fault_error_share=1, version="2.0.0")
    good = start()
    targets = [fixed_target(broken.url)()[0], fixed_target(good.url)()[0]]
    with LoadGenerator(lambda: targets, rate=40) as load:
        time.sleep(0.5)
    report = load.report()
    assert set(report.failed_by_reason) == {"http_500"}
    assert abs(report.ok - report.failed) <= 1
    assert set(report.served_by) == {"shop/1.0.0", "shop/2.0.0"}


def test_load_tells_timeouts_refusals_and_missing_endpoints_apart(start: Start) -> None:
    slow = start(fault_delay_seconds=0.5)
    for targets, expected in (
        (fixed_target(slow.url), "timeout"),
        (fixed_target(free_url()), "refused"),
        (list, "no_endpoint"),
    ):
        with LoadGenerator(targets, rate=20, timeout_seconds=0.1) as load:
            time.sleep(0.2)
        assert set(load.report().failed_by_reason) == {expected}


def test_release_is_read_from_the_image(tmp_path: Path) -> None:
    path = tmp_path / "version.json"
    path.write_text('{"version": "1.1.0", "settings": {"cache_enabled": true}}')
    assert read_release(path) == Release("1.1.0", {"cache_enabled": True})
    assert read_release(tmp_path / "absent.json").settings == {}


def free_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
