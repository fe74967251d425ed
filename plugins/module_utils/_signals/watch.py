# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at several signals, once or until they say what is waited for.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import NoAnswer
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    COMPARISONS,
    UNHEALTHY,
    VERDICTS,
    WORSE,
    Reading,
    Sample,
    Signal,
    overall,
    read,
    trend,
    unreadable,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # PromQL in; samples and the server's warnings out, or NoAnswer.
    Ask = Callable[[str], tuple[Sequence[Sample], Sequence[str]]]

MOST_QUERIES_AT_ONCE = 8


@dataclasses.dataclass(frozen=True)
class WatchRequest:
    """How to look.

    :param seconds: how long to look again; 0 looks once.
    :param interval: seconds between two looks.
    :param until: the verdict that ends the watch before its time.
    :param baseline: earlier readings by name, to compare with; see ``baseline_from``.
    """

    seconds: float = 0
    interval: float = 5
    until: str = UNHEALTHY
    baseline: Mapping[str, Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Watched:
    """The last look at all signals."""

    readings: Sequence[Reading]
    warnings: Sequence[str]
    trends: dict[str, str]
    seconds: float
    looks: int

    @property
    def verdict(self) -> str:
        return overall(reading.verdict for reading in self.readings)

    def as_result(self) -> dict[str, t.Any]:
        # Of a healthy service one wants to hear why, too.
        deciding = [reading for reading in self.readings if reading.verdict == self.verdict]
        signals = [
            {**reading.as_result(), "trend": self.trends[reading.signal.name]}
            for reading in self.readings
        ]
        return {
            "verdict": self.verdict,
            "reasons": [f"{reading.signal.name}: {reading.reason}" for reading in deciding],
            "got_worse": WORSE in self.trends.values(),
            "signals": signals,
            "looks": self.looks,
            "duration": round(self.seconds, 3),
            "changed": False,
        }


def signals_from(options: Sequence[Mapping[str, t.Any]]) -> list[Signal]:
    """The signals that the option ``signals`` describes; raises InvalidInput."""
    signals = [Signal(**{k: v for k, v in given.items() if v is not None}) for given in options]
    names = [signal.name for signal in signals]
    for signal in signals:
        if not signal.name.strip() or not signal.name.isprintable():
            raise InvalidInput("signals", f"a name is {signal.name!r}", "Use printable text")
        if names.count(signal.name) > 1:
            raise InvalidInput("signals", f"{signal.name} is there twice", "Name each once")
        if not signal.promql.strip():
            raise InvalidInput("signals", f"{signal.name} has no query", "Write it into promql")
        if signal.comparison not in COMPARISONS or signal.threshold != signal.threshold:
            raise InvalidInput(
                "signals", f"{signal.name} compares with no number", "Correct its threshold"
            )
        if not signal.tolerance >= 0:
            raise InvalidInput(
                "signals", f"{signal.name} has the tolerance {signal.tolerance}", "Use 0 or more"
            )
    return signals


def baseline_from(earlier: Sequence[Mapping[str, t.Any]]) -> dict[str, Mapping[str, t.Any]]:
    """Earlier readings by name, as ``Reading.as_result`` gave them; raises InvalidInput."""
    for before in earlier:
        worst = before.get("worst")
        try:
            is_reading = before.get("verdict") in VERDICTS and isinstance(before.get("name"), str)
            if is_reading and worst is not None:
                float(worst["text"])
        except (KeyError, TypeError, ValueError):
            is_reading = False
        if not is_reading:
            raise InvalidInput(
                "baseline", "is no earlier result", "Pass what signal_info returned as signals"
            )
    return {before["name"]: before for before in earlier}


def watch(
    ask: Ask,
    signals: Sequence[Signal],
    request: WatchRequest,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Watched:
    """Look at all signals side by side, again and again as the request asks; the last look."""
    started = clock()
    looks = 0
    while True:
        readings, warnings = _look(ask, signals)
        looks += 1
        is_over = overall(reading.verdict for reading in readings) == request.until
        left = started + request.seconds - clock()
        if is_over or left <= 0:
            break
        sleep(min(request.interval, left))
    trends = {
        reading.signal.name: trend(request.baseline.get(reading.signal.name), reading)
        for reading in readings
    }
    return Watched(readings, warnings, trends, clock() - started, looks)


def _look(ask: Ask, signals: Sequence[Signal]) -> tuple[list[Reading], list[str]]:
    warnings: list[str] = []

    def look_at(signal: Signal) -> Reading:
        try:
            samples, told = ask(signal.promql)
        except NoAnswer as error:
            return unreadable(signal, error.message)
        warnings.extend(f"{signal.name}: {warning}" for warning in told)
        return read(signal, samples)

    with concurrent.futures.ThreadPoolExecutor(MOST_QUERIES_AT_ONCE) as pool:
        readings = list(pool.map(look_at, signals))
    return readings, sorted(warnings)
