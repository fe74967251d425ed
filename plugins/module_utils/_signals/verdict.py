# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What values say about the health of a service, and whether it got better or worse.

No data, NaN, an error and a time-out are ``unknown`` unless the signal says otherwise, and what is
unknown is never ``healthy``.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import math
import operator
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import time_text

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
        Moment,
        Question,
        Sample,
    )

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

    :param source: what kind of question it is: ``promql``, ``alerts``, ``json`` or ``workload``.
    :param consecutive: how many samples have to say the same, up to the last.
    :param samples: how many samples one look takes.
    :param no_data: the verdict where there is nothing to compare, or NaN.
    :param on_error: the verdict where there is no answer.
    :param tolerance: by which share of the value before it may move and count as the same.
    """

    name: str
    question: Question
    threshold: float
    comparison: str = ">"
    source: str = "promql"
    consecutive: int = 1
    samples: int = 1
    no_data: str = UNKNOWN
    on_error: str = UNKNOWN
    tolerance: float = 0.1

    @property
    def looks_needed(self) -> int:
        """How many looks it takes until there are enough samples to agree."""
        return 1 if self.samples > 1 else self.consecutive

    def is_unhealthy(self, value: float) -> bool:
        return COMPARISONS[self.comparison](value, self.threshold)


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a signal says at one time (Unix, in seconds), and why.

    :param samples: all that was compared.
    :param worst: the value that says most against the service; None without one.
    :param agreed: how many samples in a row say so, this one included.
    """

    signal: Signal
    verdict: str
    reason: str
    at: float
    samples: Sequence[Sample] = ()
    worst: Sample | None = None
    agreed: int = 1

    def as_result(self) -> dict[str, t.Any]:
        return {
            "name": self.signal.name,
            "source": self.signal.source,
            "verdict": self.verdict,
            "reason": self.reason,
            "comparison": self.signal.comparison,
            "threshold": self.signal.threshold,
            "agreed": self.agreed,
            "worst": self.worst.as_result() if self.worst else None,
            "values": [sample.as_result() for sample in self.samples],
        }

    def as_history(self) -> dict[str, t.Any]:
        """The same in short."""
        return {
            "time": time_text(self.at),
            "verdict": self.verdict,
            "value": self.worst.as_result()["value"] if self.worst else None,
            "reason": self.reason,
        }


def read(signal: Signal, moment: Moment) -> Reading:
    """The verdict over all values: one unhealthy value is enough for ``unhealthy``."""
    samples = moment.samples
    if not samples:
        return Reading(signal, signal.no_data, f"no data, {_counts_as(signal.no_data)}", moment.at)
    numbers = [sample for sample in samples if not math.isnan(sample.value)]
    worst = _worst(signal, numbers)

    def say(verdict: str, reason: str) -> Reading:
        return Reading(signal, verdict, reason, moment.at, samples, worst)

    if worst is not None and signal.is_unhealthy(worst.value):
        count = sum(signal.is_unhealthy(sample.value) for sample in numbers)
        others = f" and {count - 1} more {'value' if count == 2 else 'values'}" if count > 1 else ""
        comparison = f"{signal.comparison} {signal.threshold:g}"
        return say(UNHEALTHY, f"{_words(worst, comparison)}{others}")
    missing = next((sample for sample in samples if math.isnan(sample.value)), None)
    if worst is not None and (missing is None or signal.no_data == HEALTHY):
        return say(HEALTHY, _words(worst, f"is not {signal.comparison} {signal.threshold:g}"))
    told = _words(missing or samples[0], "is no number")
    return say(signal.no_data, f"{told}, {_counts_as(signal.no_data)}")


def unreadable(signal: Signal, why: str, at: float) -> Reading:
    """The reading of a signal to which there was no answer."""
    counts_as = "" if signal.on_error == UNKNOWN else f", {_counts_as(signal.on_error)}"
    return Reading(signal, signal.on_error, f"{_printable(why)}{counts_as}", at)


def confirmed(row: Sequence[Reading]) -> Reading:
    """The last reading of a row, if as many up to it say the same as its signal asks for.

    Until they do, nothing is known: one bad value between good ones is neither.
    """
    last = row[-1]
    agreed = 0
    for reading in reversed(row):
        if reading.verdict != last.verdict:
            break
        agreed += 1
    needed = last.signal.consecutive
    if last.verdict == UNKNOWN or agreed >= needed:
        return dataclasses.replace(last, agreed=agreed)
    reason = (
        f"{last.reason}, but only {agreed} of {needed} samples in a row agree on {last.verdict}"
    )
    return dataclasses.replace(last, verdict=UNKNOWN, reason=reason, agreed=agreed)


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


def _counts_as(verdict: str) -> str:
    return f"which counts as {verdict}"


def _words(sample: Sample, compared: str) -> str:
    """The value, whose it is, and how it compares. Labels are anybody's text: quoted and cut."""
    number = sample.text if not math.isfinite(sample.value) else f"{sample.value:.6g}"
    detail = f" ({_short(sample.detail)})" if sample.detail else ""
    if not sample.labels:
        return f"{number} {compared}{detail}"
    pairs = [f"{name}={json.dumps(value)}" for name, value in sorted(sample.labels.items())]
    return f"{number} of {{{_short(', '.join(pairs))}}} {compared}{detail}"


def _printable(text: str) -> str:
    """A server's words without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _short(text: str) -> str:
    text = _printable(text)
    if len(text) <= MOST_CHARACTERS_OF_LABELS:
        return text
    return f"{text[:MOST_CHARACTERS_OF_LABELS]}..."
