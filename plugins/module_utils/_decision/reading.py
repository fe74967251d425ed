# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals as evidence: when they turned, whether they flap, and what they say pod by pod.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import math
import re
import statistics
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    COMPARISONS,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
    VERDICTS,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# So much of the way to the threshold is more than the usual noise.
SHARE_OF_A_DEPARTURE = 0.5
# One good sample between bad ones does not end the trouble.
BRIDGED_SAMPLES = 1

# Alertmanager writes nanoseconds, which Python does not read.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d{1,6})?\d{0,3}([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """What a signal said at one time (Unix, in seconds)."""

    at: float
    verdict: str
    value: float | None


@dataclasses.dataclass(frozen=True)
class PodValue:
    """One value of a signal that is told pod by pod."""

    pod: str
    at: float
    is_bad: bool


@dataclasses.dataclass(frozen=True)
class Signal:
    """A signal as ``signal_info`` returns it. ``samples`` are in the order of time."""

    name: str
    verdict: str
    reason: str
    comparison: str
    threshold: float
    samples: Sequence[Sample]
    by_pod: Sequence[PodValue]

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" if self.reason else f"{self.name}: {self.verdict}"

    def flaps(self, most: int, calm_seconds: float) -> bool:
        """Whether it turned bad ``most`` times or more, and has not been the same since long."""
        known = [sample for sample in self.samples if sample.verdict != UNKNOWN]
        turns = sum(
            before.verdict == HEALTHY and after.verdict == UNHEALTHY
            for before, after in itertools.pairwise(known)
        )
        if turns < most:
            return False
        last_turn = known[-1].at
        for sample in reversed(known):
            if sample.verdict != known[-1].verdict:
                break
            last_turn = sample.at
        return known[-1].at - last_turn < calm_seconds

    @property
    def onset(self) -> float | None:
        """Since when it is bad, as far back as was looked; None where it is not, or not known."""
        run = self._bad_run() if self.verdict == UNHEALTHY else []
        return run[0].at if run else None

    @property
    def departed(self) -> float | None:
        """Since when it is on its way there, for averages over a time creep up to a threshold."""
        run = self._bad_run() if self.verdict == UNHEALTHY else []
        if not run:
            return None
        before = self.samples[: self.samples.index(run[0])]
        quiet = [s.value for s in before if s.verdict == HEALTHY and s.value is not None]
        departed = run[0].at
        if not quiet or self.comparison not in (">", ">=", "<", "<="):
            return departed
        usual = statistics.median(quiet)
        bound = usual + (self.threshold - usual) * SHARE_OF_A_DEPARTURE
        for sample in reversed(before):
            if sample.value is None or not self._is_beyond(sample.value, bound):
                break
            departed = sample.at
        return departed

    def was_healthy_between(self, start: float, end: float) -> bool:
        """Whether all that is known of that time is good, and something is known of it."""
        inside = [s for s in self.samples if start <= s.at < end and s.verdict != UNKNOWN]
        return bool(inside) and all(sample.verdict == HEALTHY for sample in inside)

    def _is_beyond(self, value: float, bound: float) -> bool:
        return value > bound if self.comparison.startswith(">") else value < bound

    def _bad_run(self) -> list[Sample]:
        """The samples from the first bad one of the last trouble on."""
        first, good_between = None, 0
        for index in range(len(self.samples) - 1, -1, -1):
            verdict = self.samples[index].verdict
            if verdict == UNHEALTHY:
                first, good_between = index, 0
            elif verdict == HEALTHY:
                good_between += 1
                if good_between > BRIDGED_SAMPLES or first is None:
                    break
        return [] if first is None else list(self.samples[first:])


def signals_from(option: str, given: t.Any) -> tuple[Signal, ...]:
    """Read ``signals`` of ``signal_info``; raises InvalidInput for anything else."""
    if not isinstance(given or [], list):
        raise InvalidInput(option, "is no list", "Pass what signal_info returned as signals")
    return tuple(_signal(f"{option}[{index}]", one) for index, one in enumerate(given or []))


def overall_of(verdicts: Iterable[str]) -> str:
    """Of several signals; of none it is not known."""
    found = set(verdicts) or {UNKNOWN}
    return next((verdict for verdict in (UNHEALTHY, UNKNOWN) if verdict in found), HEALTHY)


def seconds_at(subject: str, text: t.Any) -> float:
    """Unix time of an RFC 3339 time; without a zone it is UTC. Raises InvalidInput."""
    matched = _TIME.fullmatch(str(text).strip())
    try:
        if matched is None:
            raise ValueError
        date, fraction, zone = matched.groups()
        moment = datetime.datetime.fromisoformat(date.upper().replace(" ", "T"))
    except ValueError:
        raise InvalidInput(
            subject, f"{str(text)[:60]!r} is no time", "Write it as 2026-11-25T18:40:07Z"
        ) from None
    offset = datetime.timedelta()
    if zone and zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        offset = datetime.timedelta(hours=hours, minutes=minutes)
        offset = -offset if zone[0] == "-" else offset
    utc = moment.replace(tzinfo=datetime.timezone.utc) - offset
    return utc.timestamp() + float(fraction or 0)


def time_at(seconds: float) -> str:
    """Unix time as people read it, in UTC and to the second."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _signal(subject: str, given: t.Any) -> Signal:
    if not isinstance(given, dict) or given.get("verdict") not in VERDICTS:
        raise InvalidInput(subject, "is no signal", "Pass what signal_info returned as signals")
    comparison = given.get("comparison") or ">"
    if comparison not in COMPARISONS:
        raise InvalidInput(subject, f"has no comparison {comparison!r}", "Use > or the like")
    threshold = _number(given.get("threshold"))
    samples = [_sample(subject, sample) for sample in _list(given.get("history"))]
    return Signal(
        name=_text(given.get("name")) or "signal",
        verdict=given["verdict"],
        reason=_text(given.get("reason")),
        comparison=comparison,
        threshold=0.0 if threshold is None else threshold,
        samples=tuple(sorted(samples, key=lambda sample: sample.at)),
        by_pod=tuple(_by_pod(subject, given, comparison, threshold or 0.0)),
    )


def _sample(subject: str, given: t.Any) -> Sample:
    if not isinstance(given, dict) or given.get("verdict") not in VERDICTS:
        raise InvalidInput(subject, "has a history that is none", "Pass it as signal_info gave it")
    at = seconds_at(f"{subject}.history", given.get("time"))
    return Sample(at, given["verdict"], _number(given.get("value")))


def _by_pod(
    subject: str, given: Mapping[str, t.Any], comparison: str, threshold: float
) -> Iterable[PodValue]:
    for value in _list(given.get("values")):
        pod = (value.get("labels") or {}).get("pod") if isinstance(value, dict) else None
        number = _number(value.get("value")) if pod else None
        if number is not None:
            at = seconds_at(f"{subject}.values", value.get("time"))
            yield PodValue(str(pod), at, COMPARISONS[comparison](number, threshold))


def _list(given: t.Any) -> list[t.Any]:
    return given if isinstance(given, list) else []


def _number(given: t.Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _text(given: t.Any) -> str:
    """Anybody's text on one line, without what a terminal would obey, and not too long."""
    text = " ".join(str(given or "").split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= 300 else f"{shown[:297]}..."
