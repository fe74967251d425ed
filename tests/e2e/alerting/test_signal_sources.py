# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals over a time, of a real Alertmanager, and of a server that answers JSON."""

from __future__ import annotations

import contextlib
import datetime
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.modules import Answer, run_module
from tests.e2e.support.prometheus import PASSWORD, USERNAME, Certificates
from tests.e2e.support.web import QuietHandler, serving
from tests.e2e.support.workloads import wait_until

from .servers import alertmanager, ask, prometheus

TOKEN = "s3cret-token"
# What came to where a redirect pointed.
STOLEN: list[str] = []


def look(*signals: dict[str, Any], **options: Any) -> Answer:
    return run_module("signal_info", None, signals=list(signals), **options)


def verdict_of(*signals: dict[str, Any], **options: Any) -> str:
    answer = look(*signals, **options)
    assert not answer.failed, answer.message
    return str(answer.result["verdict"])


@pytest.fixture(scope="module")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text("groups: []\n")
    with prometheus(folder, folder / "rules.yml") as url:
        yield url


def since(seconds: float) -> str:
    """An expression that is 1 since so many seconds ago, and was 0 before."""
    return f"vector(time() > bool {time.time() - seconds})"


@pytest.mark.parametrize(
    ("bad_since", "verdict", "agreed"),
    [(45, "unhealthy", 5), (25, "unknown", 3), (3600, "unhealthy", 7), (-60, "healthy", 7)],
    ids=["long enough", "not yet", "always", "never"],
)
def test_one_look_at_a_range_is_enough_for_many_samples(
    prometheus_url: str, bad_since: float, verdict: str, agreed: int
) -> None:
    signal = {
        "name": "bad",
        "promql": since(bad_since),
        "range": "1m",
        "step": "10s",
        "consecutive": 5,
        "threshold": 0.5,
    }
    answer = look(signal, prometheus={"url": prometheus_url})
    (found,) = answer.result["signals"]
    assert (answer.result["verdict"], found["agreed"], answer.result["looks"]) == (
        verdict,
        agreed,
        1,
    )
    assert len(found["values"]) == len(found["history"]) == 7
    assert found["history"][0]["time"] < found["history"][6]["time"]


def test_range_that_ends_in_nothing_is_unknown(prometheus_url: str) -> None:
    gone = f"vector(1) and on () (vector(time()) < {time.time() - 20})"
    signal = {"name": "gone", "promql": gone, "range": "1m", "step": "10s", "threshold": 5}
    answer = look(signal, prometheus={"url": prometheus_url})
    (found,) = answer.result["signals"]
    assert found["verdict"] == "unknown"
    assert found["reason"] == "no data, which counts as unknown"
    assert [sample["verdict"] for sample in found["history"]].count("healthy") >= 4


def test_mistake_in_a_range_is_unknown_with_the_servers_words(prometheus_url: str) -> None:
    signal = {"name": "odd", "promql": "rate(up)", "range": "1m", "threshold": 5}
    answer = look(signal, prometheus={"url": prometheus_url})
    assert answer.result["verdict"] == "unknown"
    assert "refuses the query (bad_data: " in answer.result["reasons"][0]


def test_prometheus_that_stops_in_the_middle_of_a_soak_makes_it_unknown(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: []\n")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(prometheus(tmp_path, tmp_path / "rules.yml"))
        timer = threading.Timer(2, stack.close)
        timer.start()
        answer = look(
            {"name": "one", "promql": "vector(1)", "threshold": 5},
            prometheus={"url": url},
            watch_for="8s",
            interval="1s",
            timeout="2s",
        )
        timer.join()
    history = [sample["verdict"] for sample in answer.result["signals"][0]["history"]]
    assert history[0] == "healthy"
    assert answer.result["verdict"] == history[-1] == "unknown"


@pytest.fixture(scope="module")
def alertmanager_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("alertmanager")
    config = folder / "alertmanager.yml"
    inhibition = {
        "source_matchers": ["alertname=RolloutFailed"],
        "target_matchers": ["alertname=LatencyHigh"],
        "equal": ["namespace"],
    }
    receivers = [{"name": "nobody"}]
    config.write_text(
        json.dumps(
            {
                "route": {"receiver": "nobody"},
                "receivers": receivers,
                "inhibit_rules": [inhibition],
            }
        )
    )
    with alertmanager(folder, config) as url:
        yield url


def fire(url: str, *names: str, **labels: str) -> None:
    ask(
        f"{url}/api/v2/alerts",
        [{"labels": {"alertname": name, "severity": "critical", **labels}} for name in names],
    )


def alerts(*matchers: str, **options: Any) -> dict[str, Any]:
    return {"name": "pages", "alerts": {"matchers": list(matchers), **options}}


def test_alerts_are_counted_by_all_their_matchers(alertmanager_url: str) -> None:
    server = {"url": alertmanager_url}
    quiet = alerts('namespace="shop"', 'severity="critical"')
    assert verdict_of(quiet, alertmanager=server) == "healthy"
    fire(alertmanager_url, "ErrorRateHigh", "CrashLoop", namespace="shop")
    fire(alertmanager_url, "CrashLoop", namespace="others")
    answer = look(quiet, alertmanager=server)
    assert answer.result["verdict"] == "unhealthy"
    assert answer.result["reasons"] == ['pages: 2 > 0 (1 "CrashLoop", 1 "ErrorRateHigh")']
    (value,) = answer.result["signals"][0]["values"]
    assert value["value"] == 2
    assert verdict_of(
        alerts('namespace="shop"', 'alertname=~"Latency.*"'), alertmanager=server
    ) == ("healthy")


def test_silenced_and_inhibited_alerts_count_only_where_asked_for(alertmanager_url: str) -> None:
    server = {"url": alertmanager_url}
    fire(alertmanager_url, "RolloutFailed", "LatencyHigh", namespace="quiet")
    now = datetime.datetime.now(datetime.timezone.utc)
    matcher = {"name": "alertname", "value": "RolloutFailed", "isRegex": False}
    silence = {
        "matchers": [matcher],
        "startsAt": now.isoformat(),
        "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
        "createdBy": "a test",
        "comment": "a test",
    }
    ask(f"{alertmanager_url}/api/v2/silences", silence)
    own = 'namespace="quiet"'

    def count(**options: Any) -> float:
        answer = look(alerts(own, **options), alertmanager=server)
        return float(answer.result["signals"][0]["values"][0]["value"])

    wait_until(lambda: count() == 0, "one is silenced and the other inhibited")
    assert count(silenced=True) == count(inhibited=True) == 1
    assert count(silenced=True, inhibited=True) == 2


def test_matcher_that_is_none_is_unknown_with_the_servers_words(alertmanager_url: str) -> None:
    answer = look(alerts("not a matcher"), alertmanager={"url": alertmanager_url})
    assert answer.result["verdict"] == "unknown"
    assert "answered 400: " in answer.result["reasons"][0]
    assert "bad matcher format" in answer.result["reasons"][0]


def test_prometheus_is_no_alertmanager_and_the_other_way_round(
    prometheus_url: str, alertmanager_url: str
) -> None:
    one = {"name": "one", "promql": "vector(1)", "threshold": 5}
    answer = look(
        alerts(), one, prometheus={"url": alertmanager_url}, alertmanager={"url": prometheus_url}
    )
    assert [signal["verdict"] for signal in answer.result["signals"]] == ["unknown", "unknown"]


def test_address_of_alertmanager_may_come_from_the_environment(alertmanager_url: str) -> None:
    environment = {"RECOVERY_ALERTMANAGER_URL": alertmanager_url}
    assert verdict_of(alerts('alertname="None"'), env=environment) == "healthy"


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
