# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where everything of a chart is: coordinates and labels, which a template makes an SVG of.

A library would draw better charts, but the collection asks for few packages, and the machine that
runs it in an incident may have no others. A line with a bound and some marks is little code.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import math
import statistics
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.signal import LONGEST_GAP

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.report import Mark
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.signal import Curve

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 34, 34
# So much of the time before and after the incident is shown, by its own length, and at least.
SHARE_AROUND = 0.5
LEAST_AROUND = datetime.timedelta(minutes=2)
# Steps that people read easily, in seconds.
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MOST_LABELS = 6
# Badges of marks closer than that would lie on each other.
BADGE = 18


@dataclasses.dataclass(frozen=True)
class Tick:
    """A line of the grid: where it is and what it says."""

    at: float
    label: str


@dataclasses.dataclass(frozen=True)
class Badge:
    """A mark in the chart: its number, its kind, and where; ``row`` counts from the top."""

    number: int
    kind: str
    x: float
    row: int


@dataclasses.dataclass(frozen=True)
class Chart:
    """One signal. ``lines`` are the ``points`` of polylines; ``bound`` is where the threshold is.

    ``incident`` are the left and right end of the time in which users were not served.
    """

    name: str
    lines: Sequence[str]
    times: Sequence[Tick]
    values: Sequence[Tick]
    badges: Sequence[Badge]
    bound: Tick | None
    incident: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class _Scale:
    """Turns times and values into coordinates."""

    begin: datetime.datetime
    seconds: float
    lowest: float
    highest: float

    def x(self, at: datetime.datetime) -> float:
        share = (at - self.begin).total_seconds() / self.seconds
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.lowest) / (self.highest - self.lowest)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def chart_of(
    curve: Curve,
    marks: Sequence[Mark],
    started: datetime.datetime | None,
    recovered: datetime.datetime | None,
) -> Chart:
    """The chart of a signal before, during and after, with numbered marks."""
    begin, end = _window(curve, marks, started, recovered)
    points = [point for point in curve.points if begin <= point[0] <= end] or list(curve.points)
    scale = _scale(points, begin, end, curve.threshold if curve.is_bounded else None)
    bound = None
    if curve.is_bounded and curve.threshold is not None:
        bound = Tick(scale.y(curve.threshold), f"{curve.comparison} {curve.threshold:g}")
    shaded = None
    if started and recovered and started < recovered:
        shaded = (scale.x(max(started, begin)), scale.x(min(recovered, end)))
    return Chart(
        name=curve.name,
        lines=_lines(points, scale),
        times=_times(scale),
        values=_values(scale),
        badges=_badges(marks, scale, end),
        bound=bound,
        incident=shaded,
    )


def _window(
    curve: Curve,
    marks: Sequence[Mark],
    started: datetime.datetime | None,
    recovered: datetime.datetime | None,
) -> tuple[datetime.datetime, datetime.datetime]:
    """From before the incident to after it; all points where nobody knows when it was."""
    times = sorted(at for at, _value in curve.points)
    known = [*(mark.at for mark in marks), *filter(None, (started, recovered))]
    if not known:
        return times[0], max(times[-1], times[0] + datetime.timedelta(seconds=1))
    first, last = min(known), max(known)
    around = max(LEAST_AROUND, (last - first) * SHARE_AROUND)
    begin = max(first - around, min(times[0], first))
    end = min(last + around, max(times[-1], last))
    return begin, max(end, begin + datetime.timedelta(seconds=1))


def _scale(
    points: Sequence[tuple[datetime.datetime, float]],
    begin: datetime.datetime,
    end: datetime.datetime,
    threshold: float | None,
) -> _Scale:
    values = [value for _at, value in points] + ([] if threshold is None else [threshold])
    lowest, highest = min(0.0, *values), max(values)
    if highest == lowest:
        highest = lowest + 1.0
    return _Scale(begin, (end - begin).total_seconds(), lowest, highest + (highest - lowest) * 0.08)


def _lines(points: Sequence[tuple[datetime.datetime, float]], scale: _Scale) -> list[str]:
    """Polylines, one for each stretch: no line is drawn where nobody measured."""
    steps = [(b[0] - a[0]).total_seconds() for a, b in itertools.pairwise(points)]
    longest = LONGEST_GAP * statistics.median(steps) if steps else 0.0
    lines: list[list[str]] = [[]]
    for number, (at, value) in enumerate(points):
        if number and steps[number - 1] > longest:
            lines.append([])
        lines[-1].append(f"{scale.x(at)},{scale.y(value)}")
    # A line of one point is not drawn, so it gets a length.
    return [" ".join(line if len(line) > 1 else line * 2) for line in lines]


def _times(scale: _Scale) -> list[Tick]:
    step = next((s for s in STEPS if scale.seconds / s <= MOST_LABELS), None)
    if step is None:
        step = math.ceil(scale.seconds / MOST_LABELS / 86400) * 86400
    pattern = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%m-%d"
    epoch = math.ceil(scale.begin.timestamp() / step) * step
    ticks = []
    while epoch <= scale.begin.timestamp() + scale.seconds:
        at = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
        ticks.append(Tick(scale.x(at), at.strftime(pattern)))
        epoch += step
    return ticks


def _values(scale: _Scale) -> list[Tick]:
    """Three to six round numbers between the lowest and the highest value."""
    span = scale.highest - scale.lowest
    power = 10.0 ** math.floor(math.log10(span))
    step = next(f * power for f in (0.2, 0.5, 1, 2) if span / (f * power) <= MOST_LABELS)
    first = math.ceil(scale.lowest / step)
    last = math.floor(scale.highest / step)
    return [Tick(scale.y(n * step), f"{round(n * step, 12):.4g}") for n in range(first, last + 1)]


def _badges(marks: Sequence[Mark], scale: _Scale, end: datetime.datetime) -> list[Badge]:
    """Marks in the order of time, those that would cover each other below one another."""
    badges: list[Badge] = []
    for number, mark in enumerate(marks, 1):
        if not scale.begin <= mark.at <= end:
            continue
        x = scale.x(mark.at)
        near = {badge.row for badge in badges if abs(badge.x - x) < BADGE}
        row = next(row for row in range(len(badges) + 1) if row not in near)
        badges.append(Badge(number, mark.kind, x, row))
    return badges
