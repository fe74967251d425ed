# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a process lets in: requests per second, and requests at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateLimiter:
    """A token bucket that holds one second's worth; its rate may change at any time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = 0.0
        self._tokens = 0.0
        self._filled_at = clock()

    def allows(self, rate: float) -> bool:
        """Take one token at ``rate`` per second; a rate of 0 is no limit."""
        if rate <= 0:
            return True
        capacity = max(1.0, rate)
        with self._lock:
            now = self._clock()
            if rate != self._rate:
                self._rate, self._tokens = rate, capacity
            self._tokens = min(capacity, self._tokens + (now - self._filled_at) * rate)
            self._filled_at = now
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True


class ConcurrencyLimiter:
    """Counts requests under way and holds newcomers back; its limit may change at any time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.in_flight = 0

    def enter(self, limit: int, wait_seconds: float) -> bool:
        """Wait for a place; False when none came free. A limit of 0 is no limit."""
        with self._changed:
            free = self._changed.wait_for(
                lambda: limit <= 0 or self.in_flight < limit, wait_seconds
            )
            if free:
                self.in_flight += 1
            return free

    def leave(self) -> None:
        with self._changed:
            self.in_flight -= 1
            self._changed.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.in_flight == 0, seconds)
