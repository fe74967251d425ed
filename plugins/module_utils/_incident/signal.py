# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals in the record: the curve that a chart is drawn of, without what it does not need.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
import statistics
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import parsed, told

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping, Sequence

# What is bad: the value, compared so with the threshold.
COMPARISONS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
# Longer than so many usual steps between two samples, nobody knows what was.
LONGEST_GAP = 5
# A screen shows no more than that, and an event holds it.
MOST_POINTS = 500


@dataclasses.dataclass(frozen=True)
class Curve:
    """A signal's values over time. ``threshold`` is None where it was compared with nothing."""

    name: str
    points: Sequence[tuple[datetime.datetime, float]]
    threshold: float | None = None
    comparison: str = ""

    @property
    def is_bounded(self) -> bool:
        return self.threshold is not None and self.comparison in COMPARISONS

    @property
    def worst(self) -> tuple[datetime.datetime, float]:
        """When it was worst, and how bad: the lowest value where low is bad, else the highest."""
        lowest_is_worst = self.comparison.startswith("<")
        return sorted(self.points, key=lambda p: p[1], reverse=not lowest_is_worst)[0]

    @property
    def seconds_beyond(self) -> float:
        """For how long it was beyond its bound, from sample to sample; gaps do not count."""
        if not self.is_bounded:
            return 0.0
        is_beyond = COMPARISONS[self.comparison]
        steps = [
            ((later[0] - earlier[0]).total_seconds(), is_beyond(earlier[1], self.threshold))
            for earlier, later in itertools.pairwise(self.points)
        ]
        longest = LONGEST_GAP * statistics.median(step for step, _is in steps) if steps else 0.0
        return sum(step for step, is_bad in steps if is_bad and step <= longest)


def compact(data: t.Any) -> t.Any:
    """Of an element of the ``signals`` that signal_info returns, what the curve needs."""
    if not isinstance(data, dict):
        return data
    points = _points(data)
    kept = {key: data[key] for key in ("name", "source", "verdict", "reason") if key in data}
    bounds = {key: data[key] for key in ("comparison", "threshold", "unit") if key in data}
    history = [{"time": told(at), "value": value} for at, value in _thinned(points)]
    return {**kept, **bounds, "history": history}


def curves(signals: Iterable[Mapping[str, t.Any]]) -> list[Curve]:
    """One curve of all signals of the same name, by name in the order in which they were first."""
    found: dict[str, list[Mapping[str, t.Any]]] = {}
    for data in signals:
        found.setdefault(str(data.get("name") or "signal"), []).append(data)
    drawn = []
    for name, parts in found.items():
        points = sorted({point for part in parts for point in _points(part)})
        threshold = _number(parts[-1].get("threshold"))
        comparison = str(parts[-1].get("comparison") or "")[:2]
        if points:
            drawn.append(Curve(name, _thinned(points), threshold, comparison))
    return drawn


def _points(data: Mapping[str, t.Any]) -> list[tuple[datetime.datetime, float]]:
    """Times and values of its history, else of its last look."""
    samples = data.get("history") or data.get("values") or ()
    points = []
    for sample in samples if isinstance(samples, list) else ():
        if not isinstance(sample, dict):
            continue
        at, value = parsed(sample.get("time")), _number(sample.get("value"))
        if at is not None and value is not None:
            points.append((at, value))
    return sorted(points)


def _number(value: t.Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def _thinned(
    points: Sequence[tuple[datetime.datetime, float]],
) -> list[tuple[datetime.datetime, float]]:
    """At most MOST_POINTS of them; of each stretch of time its lowest and its highest."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = -(-len(points) * 2 // MOST_POINTS)
    kept: list[tuple[datetime.datetime, float]] = []
    for begin in range(0, len(points), size):
        stretch = points[begin : begin + size]
        extremes = {min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])}
        kept.extend(sorted(extremes))
    return kept
