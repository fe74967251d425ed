# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache with a time to live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Cache:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stored: dict[str, tuple[float, dict[str, object]]] = {}

    def get(self, key: str, seconds: float) -> dict[str, object] | None:
        """The value stored under ``key`` if it is younger than ``seconds``."""
        with self._lock:
            stored_at, value = self._stored.get(key, (float("-inf"), {}))
        return value if self._clock() - stored_at < seconds else None

    def put(self, key: str, value: dict[str, object]) -> None:
        with self._lock:
            self._stored[key] = (self._clock(), value)
