# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals from Prometheus, and from what speaks its HTTP API, such as Thanos and Mimir.

The API is that of https://prometheus.io/docs/prometheus/latest/querying/api/.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    Answer,
    Moment,
    NoAnswer,
    Sample,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint

NEXT_STEP = "Try the query in the server's own page"
# Prometheus refuses more (its web/api/v1/api.go).
MOST_STEPS = 11_000


@dataclasses.dataclass(frozen=True)
class InstantQuery:
    """What an expression evaluates to now, by the server's clock."""

    endpoint: Endpoint
    promql: str

    def ask(self, seconds: float) -> Answer:
        """One value per series; the limit holds for the server's work, too.

        Raises NoAnswer where the server refuses the query, cannot be asked, or gives no numbers.
        """
        result, warnings = _query(self.endpoint, "query", {"query": self.promql}, seconds)
        return Answer([Moment(time.time(), samples_now(result, self.endpoint.shown_url))], warnings)


@dataclasses.dataclass(frozen=True)
class RangeQuery:
    """What an expression evaluated to at each step of the last ``reach`` seconds."""

    endpoint: Endpoint
    promql: str
    reach: int
    step: int

    @property
    def steps(self) -> int:
        """How many moments there are, both ends included."""
        return self.reach // self.step + 1

    def ask(self, seconds: float) -> Answer:
        """One moment per step, without a sample where there was no data; raises NoAnswer."""
        end = round(time.time(), 3)
        start = round(end - (self.steps - 1) * self.step, 3)
        limits = {"start": str(start), "end": str(end), "step": str(self.step)}
        parameters = {"query": self.promql, **limits}
        result, warnings = _query(self.endpoint, "query_range", parameters, seconds)
        series = samples_over_time(result, self.endpoint.shown_url)
        times = [start + number * self.step for number in range(self.steps)]
        by_step: list[list[Sample]] = [[] for _time in times]
        for sample in series:
            number = round((sample.at - start) / self.step)
            if 0 <= number < len(by_step):
                by_step[number].append(sample)
        return Answer([Moment(*moment) for moment in zip(times, by_step, strict=True)], warnings)


def _query(
    endpoint: Endpoint, kind: str, parameters: dict[str, str], seconds: float
) -> tuple[tuple[t.Any, t.Any], list[str]]:
    """The type and the content of the result, and the server's warnings."""
    limit = {"timeout": f"{max(1, round(seconds))}s"}
    reply = endpoint.get(f"/api/v1/{kind}", {**parameters, **limit}, seconds)
    return result_of(reply.content, endpoint)


def result_of(answer: t.Any, endpoint: Endpoint) -> tuple[tuple[t.Any, t.Any], list[str]]:
    """The same from the JSON of an answer; raises NoAnswer."""
    where = endpoint.shown_url
    if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
        raise _stranger(where)
    if answer["status"] == "error":
        said = " ".join(str(answer.get("error", "")).split())
        cause = endpoint.without_secrets(f"{answer.get('errorType')}: {said}")
        raise NoAnswer(where, f"refuses the query ({cause})", NEXT_STEP)
    try:
        result = (answer["data"]["resultType"], answer["data"]["result"])
        return result, [str(warning) for warning in answer.get("warnings") or []]
    except (KeyError, TypeError):
        raise _stranger(where) from None


def samples_now(result: tuple[t.Any, t.Any], where: str) -> list[Sample]:
    """The samples of an instant query; ``where`` is for the errors."""
    kind, content = result
    try:
        if kind == "scalar":
            return [_sample({}, content)]
        if kind == "vector":
            return [_sample(series["metric"], series["value"]) for series in content]
    except _UNREADABLE:
        raise _stranger(where) from None
    raise NoAnswer(where, f"the query gives a {kind}, not one number per series now", NEXT_STEP)


def samples_over_time(result: tuple[t.Any, t.Any], where: str) -> list[Sample]:
    """The samples of a range query, series by series."""
    kind, content = result
    if kind != "matrix":
        raise NoAnswer(where, f"the query gives a {kind}, not numbers over time", NEXT_STEP)
    try:
        return [
            _sample(series["metric"], value) for series in content for value in series["values"]
        ]
    except _UNREADABLE:
        raise _stranger(where) from None


_UNREADABLE = (KeyError, TypeError, ValueError, OverflowError, OSError)


def _stranger(where: str) -> NoAnswer:
    return NoAnswer(where, "does not answer as Prometheus does", "Correct the address")


def _sample(labels: dict[str, str], value: t.Any) -> Sample:
    at, text = value
    sample = Sample(dict(labels), str(text), float(at))
    # Whoever reads the sample later may rely on both.
    sample.as_result()
    return sample
