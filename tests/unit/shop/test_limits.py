# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the shop lets in."""

from __future__ import annotations

import threading

import pytest

from tests.cluster.shop.app.cache import Cache
from tests.cluster.shop.app.limits import ConcurrencyLimiter, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def allowed(limiter: RateLimiter, rate: float, requests: int) -> int:
    return sum(limiter.allows(rate) for _request in range(requests))


@pytest.mark.parametrize(
    ("rate", "expected"), [(0, 100), (5, 5), (0.5, 1)], ids=["no limit", "five", "below one"]
)
def test_one_second_of_requests_may_come_at_once(rate: float, expected: int) -> None:
    assert allowed(RateLimiter(Clock()), rate, 100) == expected


def test_tokens_come_back_with_time_and_do_not_pile_up() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    assert allowed(limiter, 10, 100) == 10
    clock.now += 0.5
    assert allowed(limiter, 10, 100) == 5
    clock.now += 60
    assert allowed(limiter, 10, 100) == 10


def test_new_rate_counts_at_once() -> None:
    limiter = RateLimiter(Clock())
    assert allowed(limiter, 2, 10) == 2
    assert allowed(limiter, 4, 10) == 4


def test_place_is_given_to_the_next_who_waits() -> None:
    limiter = ConcurrencyLimiter()
    assert limiter.enter(1, 0)
    assert not limiter.enter(1, 0.01)
    threading.Timer(0.05, limiter.leave).start()
    assert limiter.enter(1, 5)
    assert limiter.in_flight == 1


def test_waiting_for_the_end_sees_requests_under_way() -> None:
    limiter = ConcurrencyLimiter()
    limiter.enter(0, 0)
    assert not limiter.wait_until_empty(0.01)
    limiter.leave()
    assert limiter.wait_until_empty(0)


def test_cached_value_is_forgotten_when_its_time_is_over() -> None:
    clock = Clock()
    cache = Cache(clock)
    assert cache.get("orders", 30) is None
    cache.put("orders", {"orders": 1})
    clock.now += 29
    assert cache.get("orders", 30) == {"orders": 1}
    assert cache.get("orders", 10) is None
    clock.now += 1
    assert cache.get("orders", 30) is None
