# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at several signals, once or until they say what is waited for.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import collections
import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.asking import Asker
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import Answer
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    UNHEALTHY,
    VERDICTS,
    WORSE,
    Reading,
    Signal,
    confirmed,
    overall,
    read,
    trend,
    unreadable,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

MOST_SAMPLES_KEPT = 1000


@dataclasses.dataclass(frozen=True)
class WatchRequest:
    """How to look.

    :param seconds: how long to look again; 0 looks as often as the signals need.
    :param interval: seconds between two looks.
    :param timeout: seconds that the answers of one look may take.
    :param until: the verdict that ends the watch before its time.
    :param baseline: earlier readings by name, to compare with; see ``baseline_from``.
    """

    seconds: float = 0
    interval: float = 5
    timeout: float = 10
    until: str = UNHEALTHY
    baseline: Mapping[str, Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Row:
    """The samples of one signal, the last one the newest, and what they say together."""

    signal: Signal
    readings: collections.deque[Reading] = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=MOST_SAMPLES_KEPT)
    )
    shown: Sequence[t.Any] = ()

    def take(self, answer: Answer | RecoveryError, at: float) -> None:
        """Take in what was answered: several moments tell of a time, and replace what was known."""
        if not isinstance(answer, Answer):
            self.readings.append(unreadable(self.signal, answer.message, at))
            self.shown = ()
            return
        if len(answer.moments) > 1:
            self.readings.clear()
        self.readings.extend(read(self.signal, moment) for moment in answer.moments)
        self.shown = [sample for moment in answer.moments for sample in moment.samples]

    @property
    def reading(self) -> Reading:
        return dataclasses.replace(confirmed(self.readings), samples=self.shown)


@dataclasses.dataclass
class Watched:
    """What was seen until the last look."""

    rows: Sequence[Row]
    warnings: Sequence[str]
    baseline: Mapping[str, Mapping[str, t.Any]]
    seconds: float
    looks: int

    @property
    def verdict(self) -> str:
        return overall(row.reading.verdict for row in self.rows)

    def as_result(self) -> dict[str, t.Any]:
        readings = [row.reading for row in self.rows]
        verdict = overall(reading.verdict for reading in readings)
        # Of a healthy service one wants to hear why, too.
        deciding = [reading for reading in readings if reading.verdict == verdict]
        trends = [trend(self.baseline.get(reading.signal.name), reading) for reading in readings]
        signals = [
            {
                **reading.as_result(),
                "trend": moved,
                "history": [sample.as_history() for sample in row.readings],
            }
            for row, reading, moved in zip(self.rows, readings, trends, strict=True)
        ]
        return {
            "verdict": verdict,
            "reasons": [f"{reading.signal.name}: {reading.reason}" for reading in deciding],
            "got_worse": WORSE in trends,
            "signals": signals,
            "looks": self.looks,
            "duration": round(self.seconds, 3),
            "changed": False,
        }


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
    signals: Sequence[Signal],
    request: WatchRequest,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Watched:
    """Look at all signals side by side, again and again as the request asks; all that was seen.

    It takes ``request.seconds`` and, for the last look, ``request.timeout`` at most; more only
    where that is too short for the samples that have to agree.
    """
    needed = max(signal.looks_needed for signal in signals)
    asker, rows = Asker(signals, request.timeout), [Row(signal) for signal in signals]
    started, looks = clock(), 0
    while True:
        answers, at = asker.ask(), time.time()
        looks += 1
        for row, answer in zip(rows, answers, strict=True):
            row.take(answer, at)
        is_over = overall(row.reading.verdict for row in rows) == request.until
        left = started + request.seconds - clock()
        if is_over or (left <= 0 and looks >= needed):
            break
        sleep(request.interval if looks < needed else min(request.interval, left))
    warnings = [
        f"{row.signal.name}: {warning}"
        for row, answer in zip(rows, answers, strict=True)
        if isinstance(answer, Answer)
        for warning in answer.warnings
    ]
    return Watched(rows, warnings, request.baseline, clock() - started, looks)
