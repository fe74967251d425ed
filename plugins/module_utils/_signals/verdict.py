# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What values say about the health of a service, and whether it got better or worse.

No data, NaN, an error and a time-out are ``unknown``, never ``healthy``.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import operator
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

HEALTHY, UNHEALTHY, UNKNOWN = "healthy", "unhealthy", "unknown"
VERDICTS = (HEALTHY, UNHEALTHY, UNKNOWN)
BETTER, SAME, WORSE = "better", "same", "worse"

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
MOST_CHARACTERS_OF_LABELS = 200


@dataclasses.dataclass(frozen=True)
class Signal:
    """A question whose answer is unhealthy when ``value comparison threshold`` holds.

    :param no_data: the verdict where there is nothing to compare.
    :param tolerance: by which share of the value before it may move and count as the same.
    """

    name: str
    promql: str
    threshold: float
    comparison: str = ">"
    no_data: str = UNKNOWN
    tolerance: float = 0.1

    def is_unhealthy(self, value: float) -> bool:
        return COMPARISONS[self.comparison](value, self.threshold)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One series' value.

    :param text: the number as the server writes it, ``NaN`` and ``+Inf`` included.
    :param at: Unix time in seconds.
    """

    labels: Mapping[str, str]
    text: str
    at: float

    @property
    def value(self) -> float:
        return float(self.text)

    def as_result(self) -> dict[str, t.Any]:
        at = datetime.datetime.fromtimestamp(self.at, datetime.timezone.utc)
        return {
            "labels": dict(self.labels),
            "value": self.value if math.isfinite(self.value) else None,
            "text": self.text,
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        }


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a signal says now, and why.

    :param worst: the value that says most against the service; None without one.
    """

    signal: Signal
    verdict: str
    reason: str
    samples: Sequence[Sample] = ()
    worst: Sample | None = None

    def as_result(self) -> dict[str, t.Any]:
        return {
            "name": self.signal.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "comparison": self.signal.comparison,
            "threshold": self.signal.threshold,
            "worst": self.worst.as_result() if self.worst else None,
            "values": [sample.as_result() for sample in self.samples],
        }


def read(signal: Signal, samples: Sequence[Sample]) -> Reading:
    """The verdict over all series: one unhealthy series is enough for ``unhealthy``."""
    if not samples:
        return Reading(signal, signal.no_data, f"no data, which counts as {signal.no_data}")
    numbers = [sample for sample in samples if not math.isnan(sample.value)]
    worst = _worst(signal, numbers)
    if worst is not None and signal.is_unhealthy(worst.value):
        count = sum(signal.is_unhealthy(sample.value) for sample in numbers)
        others = f" and {count - 1} more series" if count > 1 else ""
        reason = f"{_words(worst)} {signal.comparison} {signal.threshold:g}{others}"
        return Reading(signal, UNHEALTHY, reason, samples, worst)
    if worst is None or len(numbers) < len(samples):
        nan = next(sample for sample in samples if math.isnan(sample.value))
        return Reading(signal, UNKNOWN, f"{_words(nan)} is no number", samples, worst)
    reason = f"{_words(worst)} is not {signal.comparison} {signal.threshold:g}"
    return Reading(signal, HEALTHY, reason, samples, worst)


def unreadable(signal: Signal, why: str) -> Reading:
    """The reading of a signal that could not be asked for."""
    return Reading(signal, UNKNOWN, why)


def overall(verdicts: Iterable[str]) -> str:
    """Of several signals: unhealthy if one is, else unknown if one is, else healthy."""
    found = set(verdicts)
    return next((verdict for verdict in (UNHEALTHY, UNKNOWN) if verdict in found), HEALTHY)


def trend(before: Mapping[str, t.Any] | None, now: Reading) -> str:
    """``better``, ``same``, ``worse``, or ``unknown`` where one of the two is not known.

    ``before`` is what ``Reading.as_result`` gave earlier. Inside of the bound all values are the
    same; outside of it a value has to move by the signal's tolerance to count.
    """
    if before is None or UNKNOWN in (before["verdict"], now.verdict):
        return UNKNOWN
    if before["verdict"] != now.verdict:
        return WORSE if now.verdict == UNHEALTHY else BETTER
    signal, earlier = now.signal, before["worst"]
    if now.verdict == HEALTHY or signal.comparison in ("==", "!="):
        return SAME
    # Without data it can be unhealthy, but not more or less so.
    if now.worst is None or earlier is None:
        return SAME
    was, value = float(earlier["text"]), now.worst.value
    tolerated = abs(was) * signal.tolerance if math.isfinite(was) else 0
    if was == value or abs(value - was) <= tolerated:
        return SAME
    return WORSE if (value > was) == signal.comparison.startswith(">") else BETTER


def _worst(signal: Signal, numbers: Sequence[Sample]) -> Sample | None:
    """The sample that is the farthest on the unhealthy side, or nearest to it."""
    if not numbers:
        return None
    if signal.comparison.startswith("<"):
        return min(numbers, key=lambda sample: sample.value)
    if signal.comparison.startswith(">"):
        return max(numbers, key=lambda sample: sample.value)
    return max(numbers, key=lambda sample: signal.is_unhealthy(sample.value))


def _words(sample: Sample) -> str:
    """The value, and where it has labels, whose. Labels are anybody's text: quoted and cut."""
    number = sample.text if not math.isfinite(sample.value) else f"{sample.value:.6g}"
    if not sample.labels:
        return number
    pairs = [f"{name}={json.dumps(value)}" for name, value in sorted(sample.labels.items())]
    text = ", ".join(pairs)
    if len(text) > MOST_CHARACTERS_OF_LABELS:
        text = f"{text[:MOST_CHARACTERS_OF_LABELS]}..."
    return f"{number} of {{{text}}}"
