# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users saw, in numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

TIMEOUT = "timeout"
REFUSED = "refused"
NO_ENDPOINT = "no_endpoint"


@dataclass(frozen=True)
class Outcome:
    """One request.

    :param due: when it was to start, in seconds since the start of the load.
    :param seconds: from then until the answer or the failure.
    :param failure: ``http_CODE``, ``timeout``, ``refused``, ``no_endpoint`` or the error's name;
        empty when the user was served.
    :param served_by: what the server calls itself, such as ``shop/1.0.0``.
    """

    due: float
    seconds: float
    failure: str = ""
    served_by: str = ""


@dataclass(frozen=True)
class Second:
    """The requests that were due in one second, counted from the start of the load."""

    second: int
    ok: int
    failed: int

    def __str__(self) -> str:
        return f"{self.ok} served, {self.failed} failed"


@dataclass(frozen=True)
class Report:
    """All times are seconds, since the start of the load unless their name says otherwise."""

    started_at_unix: float
    total: int
    ok: int
    failed: int
    failed_by_reason: dict[str, int]
    served_by: dict[str, int]
    latency_p50: float
    latency_p99: float
    failing_seconds: int
    first_failing_second: int | None
    last_failing_second: int | None
    seconds: list[Second]

    @property
    def success_share(self) -> float:
        return self.ok / self.total if self.total else 0.0

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "success_share": round(self.success_share, 4)}


def summarise(outcomes: Sequence[Outcome], started_at_unix: float) -> Report:
    """Count the outcomes, in whatever order they came in."""
    ok_by_second: Counter[int] = Counter()
    failed_by_second: Counter[int] = Counter()
    for outcome in outcomes:
        (failed_by_second if outcome.failure else ok_by_second)[int(outcome.due)] += 1
    latencies = sorted(outcome.seconds for outcome in outcomes)
    failures = Counter(outcome.failure for outcome in outcomes if outcome.failure)
    last = max([*ok_by_second, *failed_by_second], default=-1)
    return Report(
        started_at_unix=started_at_unix,
        total=len(outcomes),
        ok=ok_by_second.total(),
        failed=failures.total(),
        failed_by_reason=dict(failures.most_common()),
        served_by=dict(Counter(o.served_by for o in outcomes if o.served_by).most_common()),
        latency_p50=percentile(latencies, 50),
        latency_p99=percentile(latencies, 99),
        failing_seconds=len(failed_by_second),
        first_failing_second=min(failed_by_second, default=None),
        last_failing_second=max(failed_by_second, default=None),
        seconds=[Second(n, ok_by_second[n], failed_by_second[n]) for n in range(last + 1)],
    )


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile, rounded to 0.1 ms; 0 of nothing."""
    if not ascending:
        return 0.0
    rank = max(1, math.ceil(len(ascending) * percent / 100))
    return round(ascending[rank - 1], 4)
