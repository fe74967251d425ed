# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ways to do the same, taking turns, and what their medians say."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Comparison:
    """One row of the table.

    :param ours: median of ``ours_runs``; both in ``unit``.
    :param ratio: ours / theirs.
    :param bound: the greatest ratio that is good enough.
    """

    name: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    bound: float
    unit: str
    ours_runs: tuple[float, ...]
    theirs_runs: tuple[float, ...]

    @property
    def holds(self) -> bool:
        return self.ratio <= self.bound


def compare(
    name: str,
    peer: str,
    ours: Callable[[], float | None],
    theirs: Callable[[], float | None],
    *,
    between: Callable[[], None],
    runs: int,
    bound: float,
    ours_share: float = 1.0,
    theirs_share: float = 1.0,
) -> Comparison:
    """Time both sides ``runs`` times, turn by turn, with ``between`` after each turn.

    A side that returns seconds has timed itself, what counts of it.
    The shares divide the seconds, where the sides do not do the same number of things.
    """
    ours_runs: list[float] = []
    theirs_runs: list[float] = []
    for run in range(runs):
        sides = [(ours, ours_runs, ours_share), (theirs, theirs_runs, theirs_share)]
        for side, seconds, share in sides if run % 2 == 0 else reversed(sides):
            started = time.perf_counter()
            own = side()
            wall = time.perf_counter() - started
            seconds.append(round((wall if own is None else own) / share, 4))
            between()
    median_of_ours, median_of_theirs = statistics.median(ours_runs), statistics.median(theirs_runs)
    return Comparison(
        name=name,
        peer=peer,
        ours=median_of_ours,
        theirs=median_of_theirs,
        ratio=round(median_of_ours / median_of_theirs, 4),
        bound=bound,
        unit="s" if ours_share == theirs_share == 1 else "s per workload",
        ours_runs=tuple(ours_runs),
        theirs_runs=tuple(theirs_runs),
    )


def single(
    name: str, peer: str, ours: float, theirs: float, *, bound: float, unit: str
) -> Comparison:
    """A row of figures that are counted or weighed once."""
    ratio = round(ours / theirs, 4)
    return Comparison(name, peer, ours, theirs, ratio, bound, unit, (ours,), (theirs,))


def table(rows: Sequence[Comparison]) -> str:
    """The rows for people; the spread is from the fastest to the slowest run."""
    lines = [f"{'what':<42}{'ours':>22}{'theirs':>22}{'ratio':>8}{'bound':>8}  against"]
    for row in rows:
        ours, theirs = _with_spread(row.ours_runs), _with_spread(row.theirs_runs)
        verdict = "" if row.holds else "  TOO MUCH"
        figures = f"{ours:>22}{theirs:>22}{row.ratio:>8.3f}{row.bound:>8.3f}"
        lines.append(f"{row.name:<42}{figures}  {row.peer}, {row.unit}{verdict}")
    return "\n".join(lines)


def write_results(rows: Sequence[Comparison], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def _with_spread(runs: Sequence[float]) -> str:
    if len(runs) == 1:
        return f"{runs[0]:g}"
    return f"{statistics.median(runs):.2f} ({min(runs):.2f}-{max(runs):.2f})"
