# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals from a real Prometheus that scrapes the sample application."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, up
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

from .support.modules import Answer, run_module
from .support.prometheus import PASSWORD, USERNAME, Certificates, guarded_prometheus
from .support.workloads import wait_until

ONE = {"name": "one", "promql": "vector(1)", "threshold": 5}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """The cluster with its Prometheus."""
    cluster = up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"))
    if cluster.provider != "debian":
        pytest.skip(f"provider {cluster.provider} brings its own Prometheus, or none")
    return up(cluster.name, with_addons=["prometheus"])


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> str:
    assert cluster.prometheus is not None
    return cluster.prometheus.url


@pytest.fixture(scope="module")
def shop(cluster: Cluster, namespace: str) -> Shop:
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    shop = Shop(namespace=namespace, version="2.0.0-errors", replicas=1)
    deploy.apply(cluster.kubeconfig, shop)
    deploy.wait(cluster.kubeconfig, shop)
    return shop


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


def look(
    url: str, *signals: dict[str, Any], env: dict[str, str] | None = None, **options: Any
) -> Answer:
    """What the module says; further options of ``prometheus`` are named with its prefix."""
    server: dict[str, Any] = {"url": url} if url else {}
    server |= {k[11:]: options.pop(k) for k in list(options) if k.startswith("prometheus_")}
    return run_module(
        "signal_info", None, prometheus=server, signals=list(signals), env=env, **options
    )


def test_bad_release_is_unhealthy_and_gets_worse_with_more_errors(
    cluster: Cluster, url: str, shop: Shop
) -> None:
    requests = f'http_requests_total{{namespace="{shop.namespace}",page="/"}}'
    failed = requests.replace("}", ',code="500"}')
    signals = [
        {
            "name": "failing share",
            "promql": f"sum(rate({failed}[5s])) / sum(rate({requests}[5s]))",
            "threshold": 0.05,
        },
        {
            "name": "p99",
            "promql": "histogram_quantile(0.99, sum by (le) (rate("
            f'http_request_duration_seconds_bucket{{namespace="{shop.namespace}",page="/"}}[5s])))',
            "threshold": 2,
        },
    ]
    before = look(url, *signals).result
    assert before["verdict"] == "unknown"
    assert "no data" in before["reasons"][0]
    with (
        EndpointsWatch(cluster.kubeconfig, shop.namespace, shop.name) as targets,
        LoadGenerator(targets, "/", 20.0) as load,
    ):
        wait_until(lambda: load.report().failed > 5, "users see errors")
        answer = look(url, *signals, watch_for=30, interval=1, baseline=before["signals"])
    share, p99 = answer.result["signals"]
    assert answer.result["verdict"] == "unhealthy"
    assert share["verdict"] == "unhealthy"
    assert 0.05 < share["worst"]["value"] <= 1
    assert share["reason"].endswith("> 0.05")
    assert share["trend"] == "unknown"
    assert p99["verdict"] in ("healthy", "unknown")
    assert not answer.result["got_worse"]
    assert not answer.changed


def test_every_series_counts_and_carries_its_labels_and_time(url: str, shop: Shop) -> None:
    up_signal = {
        "name": "up",
        "promql": f'up{{namespace="{shop.namespace}"}}',
        "comparison": "==",
        "threshold": 0,
    }
    answer = look(url, up_signal, watch_for=20, interval=1, watch_until="healthy")
    (signal,) = answer.result["signals"]
    assert answer.result["verdict"] == "healthy"
    (value,) = signal["values"]
    assert value["labels"]["pod"].startswith("web-")
    assert value["value"] == 1
    assert value["time"].endswith("Z")


@pytest.mark.parametrize(
    ("promql", "reason"),
    [
        ("absent_metric", "no data, which counts as unknown"),
        ("vector(0) / vector(0)", "NaN is no number, which counts as unknown"),
        ("rate(up)", "refuses the query (bad_data: "),
        ("up[1m]", "the query gives a matrix"),
        ("'text'", "the query gives a string"),
    ],
    ids=["no data", "NaN", "mistake", "range", "text"],
)
def test_what_gives_no_number_is_unknown(url: str, promql: str, reason: str) -> None:
    answer = look(url, {"name": "odd", "promql": promql, "threshold": 1}, ONE)
    odd, one = answer.result["signals"]
    assert answer.result["verdict"] == "unknown"
    assert reason in odd["reason"]
    assert one["verdict"] == "healthy"


def test_worse_than_before_is_said_with_both_values(url: str) -> None:
    before = look(url, {**ONE, "promql": "vector(6)"}).result
    answer = look(url, {**ONE, "promql": "vector(8)"}, baseline=before["signals"])
    assert answer.result["got_worse"]
    assert before["reasons"] == ["one: 6 > 5"]
    assert answer.result["reasons"] == ["one: 8 > 5"]


def test_nobody_there_is_unknown_and_no_failure() -> None:
    answer = look("http://127.0.0.1:1", ONE)
    assert not answer.failed
    assert answer.result["verdict"] == "unknown"
    assert "Connection refused" in answer.result["reasons"][0]


def test_address_and_password_may_come_from_the_environment(
    tmp_path: Path, certificates: Certificates
) -> None:
    with guarded_prometheus(tmp_path, certificates, users=True) as guarded:
        environment = {
            "RECOVERY_PROMETHEUS_URL": guarded,
            "RECOVERY_PROMETHEUS_USERNAME": USERNAME,
            "RECOVERY_PROMETHEUS_PASSWORD": PASSWORD,
            "RECOVERY_PROMETHEUS_CA_CERT": str(certificates.authority),
        }
        assert look("", ONE, env=environment).result["verdict"] == "healthy"


@pytest.fixture(scope="module")
def with_users(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("with-users")
    with guarded_prometheus(folder, certificates, users=True) as guarded:
        yield guarded


@pytest.mark.parametrize(
    ("password", "verdict"), [(PASSWORD, "healthy"), ("wrong-password", "unknown")]
)
def test_password_is_asked_for_and_never_shown(
    with_users: str, certificates: Certificates, password: str, verdict: str
) -> None:
    answer = look(
        with_users,
        ONE,
        prometheus_ca_cert=str(certificates.authority),
        prometheus_username=USERNAME,
        prometheus_password=password,
    )
    assert answer.result["verdict"] == verdict
    assert password not in str(answer.result)


def test_stranger_with_a_certificate_of_his_own_is_not_believed(with_users: str) -> None:
    answer = look(with_users, ONE, prometheus_username=USERNAME, prometheus_password=PASSWORD)
    assert answer.result["verdict"] == "unknown"
    assert "CERTIFICATE_VERIFY_FAILED" in answer.result["reasons"][0]


def test_certificate_of_the_client_opens_the_door(
    tmp_path: Path, certificates: Certificates
) -> None:
    with guarded_prometheus(tmp_path, certificates, users=False) as guarded:
        trusted = {"prometheus_ca_cert": str(certificates.authority)}
        refused = look(guarded, ONE, **trusted)
        answer = look(
            guarded,
            ONE,
            **trusted,
            prometheus_client_cert=str(certificates.certificate),
            prometheus_client_key=str(certificates.key),
        )
    assert refused.result["verdict"] == "unknown"
    assert answer.result["verdict"] == "healthy"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prometheus": {}}, "prometheus.url: is missing"),
        ({"prometheus": {"url": "http://a:s3cret@b"}}, "has a user name or password in it"),
        ({"signals": [ONE, ONE]}, "one is there twice"),
        ({"watch_for": -1}, "watch_for: is '-1', which is no duration"),
        ({"interval": 0}, "interval: is 0"),
        ({"baseline": [{"name": "one"}]}, "baseline: is no earlier result"),
        (
            {"prometheus": {"url": "http://a", "token": "abc123", "username": "me"}},
            "mutually exclusive",
        ),
    ],
    ids=["no address", "password in it", "twice", "negative", "no pause", "baseline", "two ways"],
)
def test_bad_input_is_refused(url: str, options: dict[str, Any], words: str) -> None:
    answer = run_module(
        "signal_info", None, **{"prometheus": {"url": url}, "signals": [ONE], **options}
    )
    assert answer.failed
    assert words in answer.message
    assert "s3cret" not in str(answer.result)
