# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users saw, in numbers; and where load may go."""

from __future__ import annotations

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.load_report import Outcome, Second, percentile, summarise
from tests.cluster.shop.targets import fixed_target, parse_addresses


def test_failures_are_counted_by_reason_and_second_in_any_order() -> None:
    report = summarise(
        [
            Outcome(2.5, 2.0, "timeout"),
            Outcome(0.1, 0.01, "", "shop/1.0.0"),
            Outcome(2.1, 0.01, "http_500", "shop/1.1.0"),
            Outcome(4.0, 0.02, "http_500", "shop/1.1.0"),
        ],
        started_at_unix=1000.0,
    )
    assert (report.total, report.ok, report.failed) == (4, 1, 3)
    assert report.failed_by_reason == {"http_500": 2, "timeout": 1}
    assert report.served_by == {"shop/1.1.0": 2, "shop/1.0.0": 1}
    assert report.failing_seconds == 2
    assert (report.first_failing_second, report.last_failing_second) == (2, 4)
    assert report.seconds == [
        Second(0, 1, 0),
        Second(1, 0, 0),
        Second(2, 0, 2),
        Second(3, 0, 0),
        Second(4, 0, 1),
    ]
    assert report.success_share == 0.25


def test_nothing_sent_is_no_success() -> None:
    report = summarise([], started_at_unix=0.0)
    assert (report.total, report.success_share, report.seconds) == (0, 0.0, [])
    assert report.first_failing_second is None


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, 0.0),
        ([3.0], 99, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 201)], 99, 198.0),
    ],
    ids=["nothing", "one value", "median of an even number", "p99 of 100", "p99 of 200"],
)
def test_percentile_is_the_nearest_rank(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("10.1.0.4 10.1.0.5|8080\n", [("10.1.0.4", 8080), ("10.1.0.5", 8080)]),
        ("10.1.0.4 10.2.0.4|8080 8080\n", [("10.1.0.4", 8080), ("10.2.0.4", 8080)]),
        ("|8080\n", []),
        ("|\n", []),
        ("\n", []),
    ],
    ids=["two pods", "two subsets", "only unready pods", "no subset", "nothing"],
)
def test_addresses_of_ready_pods_are_read(line: str, expected: list[tuple[str, int]]) -> None:
    assert parse_addresses(line) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://10.0.0.1:8080/",
        "http://shop.example/",
        "https://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1:80",
    ],
)
def test_load_never_goes_to_an_address_that_is_not_the_tests_own(url: str) -> None:
    with pytest.raises(ClusterError, match="load goes to"):
        fixed_target(url)


@pytest.mark.parametrize("rate", [0, -1, 201])
def test_rate_is_bounded(rate: float) -> None:
    with pytest.raises(ClusterError, match="a rate of"):
        LoadGenerator(list, rate=rate)
