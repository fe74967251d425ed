# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: the sample application fails, Prometheus sees it, and people are told."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster.shop.app.release import Release
from tests.cluster.shop.app.server import Application, Server
from tests.cluster.shop.app.shop_pages import SHOP_PAGES
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.targets import fixed_target
from tests.e2e.support.workloads import wait_until

from .inbox import Inbox, web_server
from .playbook import render
from .servers import alertmanager, prometheus

# What Prometheus' discovery of pods says of the one that is scraped.
POD = {"namespace": "shop", "pod": "web-6d4cf56db6-x2bzl"}
QUICK = {"for": "0s", "window": "5s"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Server]:
    application = Application("shop", Release("1.0.0", {}), tmp_path, SHOP_PAGES, {})
    server = Server(application, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    application.stopping.set()
    server.server_close()


def change(server: Server, **settings: float) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port)) as connection:
        connection.request("PUT", "/settings", body=json.dumps(settings))
        assert connection.getresponse().status == 200


def test_users_see_errors_and_people_hear_of_it_until_they_are_gone(
    shop: Server, tmp_path: Path
) -> None:
    inbox, rules, routing = Inbox(), tmp_path / "rules.yml", tmp_path / "alertmanager.yml"
    address = f"127.0.0.1:{shop.server_port}"
    with contextlib.ExitStack() as stack:
        web = stack.enter_context(web_server(inbox))
        done = render(
            tmp_path,
            alert_rules_path=str(rules),
            alert_rules_services=[{"namespace": "shop", "name": "web", "team": "shop"}],
            alert_rules_signals={"error_rate": QUICK, "latency": QUICK},
            alert_routing_path=str(routing),
            alert_routing_receivers=[{"name": "shop", "webhook": [{"url": f"{web}/shop"}]}],
            alert_routing_default_receiver="shop",
            alert_routing_group_wait="0s",
            alert_routing_group_interval="1s",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        manager = stack.enter_context(alertmanager(tmp_path / "am", routing))
        target = {"targets": [address], "labels": POD}
        config = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "scrape_configs": [{"job_name": "pods", "static_configs": [target]}],
            "alerting": {
                "alertmanagers": [
                    {"static_configs": [{"targets": [manager.removeprefix("http://")]}]}
                ]
            },
        }
        stack.enter_context(prometheus(tmp_path / "prometheus", rules, config))
        users = LoadGenerator(fixed_target(f"http://{address}"), "/", 20.0)
        stack.enter_context(users)
        wait_until(lambda: users.report().total > 100, "users come")
        assert not inbox.deliveries

        change(shop, fault_error_share=0.5)
        wait_until(lambda: bool(inbox.to("/shop", "firing")), "people are told")
        told = inbox.to("/shop", "firing")[0]["alerts"][0]
        assert told["labels"]["alertname"] == "ErrorRateHigh"
        assert told["labels"]["kind"] == "Deployment"
        assert told["annotations"]["summary"].startswith("Deployment shop/web: ")
        assert told["annotations"]["summary"].endswith("% of requests failed within 5s (limit 5%)")

        change(shop, fault_error_share=0)
        wait_until(lambda: bool(inbox.to("/shop", "resolved")), "the end is told")
        change(shop, fault_delay_seconds=2.5)
        wait_until(lambda: bool(inbox.to("/shop", "LatencyHigh")), "people are told of the wait")
