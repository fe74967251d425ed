# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signals that the module's options describe, each with its question.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.alertmanager import Alerts
from ansible_collections.oncall.recovery.plugins.module_utils._signals.duration import seconds_in
from ansible_collections.oncall.recovery.plugins.module_utils._signals.expression import Expression
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint
from ansible_collections.oncall.recovery.plugins.module_utils._signals.json_value import JsonValue
from ansible_collections.oncall.recovery.plugins.module_utils._signals.prometheus import (
    MOST_STEPS,
    InstantQuery,
    RangeQuery,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Signal
from ansible_collections.oncall.recovery.plugins.module_utils._signals.watch import (
    MOST_SAMPLES_KEPT,
    WatchRequest,
    baseline_from,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import Question

    Options = Mapping[str, t.Any]

SOURCES = ("promql", "alerts", "json", "workload")
# What counts, and any of it is too much.
HAVE_A_THRESHOLD = ("alerts", "workload")
DEFAULT_STEP = "15s"


@dataclasses.dataclass(frozen=True)
class Servers:
    """Who is asked: the options ``prometheus`` and ``alertmanager``, and the cluster.

    :param measure: makes the question of the option ``workload``, whose ``within`` is in seconds.
    """

    prometheus: Options
    alertmanager: Options
    measure: Callable[[Options], Question]


def signals_from(options: Sequence[Options], servers: Servers) -> list[Signal]:
    """The signals that the option ``signals`` describes; raises InvalidInput, shows no secret."""
    build = _Builder(servers)
    names = [given["name"] for given in options]
    for name in names:
        if not name.strip() or not name.isprintable():
            raise InvalidInput("signals", f"a name is {name!r}", "Use printable text")
        if names.count(name) > 1:
            raise InvalidInput("signals", f"{name} is there twice", "Name each once")
    if not names:
        raise InvalidInput("signals", "is an empty list", "Name at least one")
    return [build.signal(given) for given in options]


def endpoints_of(signals: Sequence[Signal]) -> list[Endpoint]:
    """Each server that is asked, once."""
    found = (getattr(signal.question, "endpoint", None) for signal in signals)
    return list(dict.fromkeys(endpoint for endpoint in found if isinstance(endpoint, Endpoint)))


def request_from(options: Options) -> WatchRequest:
    """How to look, as the module's options say; raises InvalidInput."""
    return WatchRequest(
        seconds=seconds_in("watch_for", options["watch_for"]),
        interval=seconds_in("interval", options["interval"], least=1),
        timeout=seconds_in("timeout", options["timeout"], least=1),
        until=options["watch_until"],
        baseline=baseline_from(options["baseline"]),
    )


class _Builder:
    """Makes signals; a server's options are looked at when the first signal needs them."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def signal(self, given: Options) -> Signal:
        subject = f"signal {given['name']}"
        sources = [source for source in SOURCES if given.get(source) is not None]
        if len(sources) != 1:
            raise InvalidInput(
                subject,
                f"has {' and '.join(sources) or 'no source'}",
                f"Give one of {', '.join(SOURCES)}",
            )
        (source,) = sources
        for option in ("range", "step"):
            if given.get(option) is not None and source != "promql":
                raise InvalidInput(subject, f"has {option} with {source}", "Use it with promql")
        threshold = given.get("threshold")
        if threshold is None and source in HAVE_A_THRESHOLD:
            threshold = 0.0
        if threshold is None or math.isnan(threshold):
            raise InvalidInput(subject, "compares with no number", "Correct its threshold")
        if not given["tolerance"] >= 0:
            raise InvalidInput(subject, f"has the tolerance {given['tolerance']}", "Use 0 or more")
        if not 1 <= given["consecutive"] <= MOST_SAMPLES_KEPT:
            raise InvalidInput(
                subject,
                f"consecutive is {given['consecutive']}",
                f"Use from 1 to {MOST_SAMPLES_KEPT}",
            )
        question = getattr(self, f"_{source}")(subject, given)
        samples = getattr(question, "steps", 1)
        if 1 < samples < given["consecutive"]:
            raise InvalidInput(
                subject,
                f"needs {given['consecutive']} samples, and its range has {samples}",
                "Choose a longer range or a shorter step",
            )
        same = ("name", "comparison", "consecutive", "no_data", "on_error", "tolerance")
        return Signal(
            question=question,
            samples=samples,
            threshold=threshold,
            source=source,
            **{option: given[option] for option in same},
        )

    @functools.cached_property
    def _prometheus(self) -> Endpoint:
        return Endpoint.from_options("prometheus", self._servers.prometheus)

    @functools.cached_property
    def _alertmanager(self) -> Endpoint:
        return Endpoint.from_options("alertmanager", self._servers.alertmanager)

    def _promql(self, subject: str, given: Options) -> Question:
        promql = given["promql"]
        if not promql.strip():
            raise InvalidInput(subject, "has no query", "Write it into promql")
        if given.get("range") is None:
            if given.get("step") is not None:
                raise InvalidInput(subject, "has a step and no range", "Give both")
            return InstantQuery(self._prometheus, promql)
        reach = seconds_in(f"{subject}.range", given["range"], least=1)
        step = seconds_in(f"{subject}.step", given.get("step") or DEFAULT_STEP, least=1)
        if not 1 <= reach // step < MOST_STEPS:
            raise InvalidInput(
                subject,
                f"has {reach // step} steps of {step} s in its range of {reach} s",
                f"Choose a step such that there are from 1 to {MOST_STEPS - 1}",
            )
        return RangeQuery(self._prometheus, promql, reach, step)

    def _alerts(self, subject: str, given: Options) -> Question:
        asked = given["alerts"]
        for matcher in asked["matchers"]:
            if not matcher.strip():
                raise InvalidInput(subject, "has an empty matcher", "Leave it out to count all")
        return Alerts(
            self._alertmanager, tuple(asked["matchers"]), asked["silenced"], asked["inhibited"]
        )

    def _json(self, subject: str, given: Options) -> Question:
        asked = given["json"]
        return JsonValue(
            Endpoint.from_options(f"{subject}.json", asked, is_whole=True),
            Expression(f"{subject}.json.value", asked["value"]),
            frozenset(asked["status_code"]),
        )

    def _workload(self, subject: str, given: Options) -> Question:
        asked = given["workload"]
        within = seconds_in(f"{subject}.workload.within", asked["within"], least=1)
        return self._servers.measure({**asked, "within": within})
