# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that Prometheus reads."""

from __future__ import annotations

from tests.cluster.shop.app.metrics import Metrics


def lines_of(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.render().splitlines() if line.startswith(name)]


def test_requests_are_counted_by_method_page_and_code() -> None:
    metrics = Metrics("1.0.0")
    for code in ("200", "200", "500"):
        metrics.requests.increase("GET", "/", code)
    assert lines_of(metrics, "http_requests_total") == [
        'http_requests_total{method="GET",page="/",code="200"} 2.0',
        'http_requests_total{method="GET",page="/",code="500"} 1.0',
    ]


def test_latency_buckets_are_cumulative_and_include_their_bound() -> None:
    metrics = Metrics("1.0.0")
    for seconds in (0.001, 0.1, 0.2, 60.0):
        metrics.latency.observe(seconds, "/")
    counts = {
        line.split('le="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
        for line in lines_of(metrics, "http_request_duration_seconds_bucket")
    }
    assert (counts["0.005"], counts["0.1"], counts["0.25"], counts["10.0"]) == (1, 2, 3, 3)
    assert counts["+Inf"] == 4
    assert lines_of(metrics, "http_request_duration_seconds_count")[0].endswith(" 4.0")
    assert lines_of(metrics, "http_request_duration_seconds_sum")[0].endswith(" 60.301")


def test_label_values_are_escaped() -> None:
    metrics = Metrics("1.0.0")
    metrics.dependency_requests.increase("up\\stream", 'a "b"\nc')
    assert lines_of(metrics, "dependency_requests_total") == [
        r'dependency_requests_total{dependency="up\\stream",result="a \"b\"\nc"} 1.0'
    ]


def test_every_metric_has_help_and_type_once() -> None:
    text = Metrics("1.0.0").render()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert names == [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert text.endswith("\n")


def test_process_and_release_are_described() -> None:
    metrics = Metrics("1.0.0")
    assert lines_of(metrics, "shop_build_info") == ['shop_build_info{version="1.0.0"} 1.0']
    (memory,) = lines_of(metrics, "process_resident_memory_bytes")
    assert float(memory.split()[1]) > 1024 * 1024
