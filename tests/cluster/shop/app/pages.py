# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page is, and what all pages have in common."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from .cache import Cache
from .metrics import Metrics
from .settings import Settings

HANG_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    body: dict[str, object]
    status: HTTPStatus = HTTPStatus.OK


@dataclass(frozen=True)
class Context:
    """What a page may use to make its answer."""

    version: str
    settings: Settings
    metrics: Metrics
    cache: Cache
    stopping: threading.Event


Page = Callable[[Context], Answer]


def happens(share: float) -> bool:
    """Whether a fault with this share strikes now."""
    return share > 0 and random.random() < share


def with_faults(page: Page, context: Context) -> Answer:
    """The page's answer, unless a fault that concerns every page comes first."""
    settings = context.settings
    delay = settings.work_seconds + settings.fault_delay_seconds
    if happens(settings.fault_hang_share):
        delay = HANG_SECONDS
    # Waits end when the process stops, or a hanging request would outlive its pod's grace period.
    context.stopping.wait(delay)
    if happens(settings.fault_error_share):
        raise RuntimeError("this release answers a share of its requests with an error")
    return page(context)
