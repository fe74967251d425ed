# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to ask about a service while it is rolled out, and whether the rollout is to blame.

A rollout is to blame for a signal that is worse than before it, and for new pods that do worse
than the old ones beside them. What was as bad before, or is as bad in the old pods, has another
cause: Flagger and Argo Rollouts, which look at the new pods alone, take such a version back
although that helps nobody.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    differs,
    matches,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.questions import (
    Question,
    error_rate,
    latency,
    request_rate,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import (
        Settings,
    )

HEALTHY, UNHEALTHY, UNKNOWN = "healthy", "unhealthy", "unknown"
BESIDE = " of new pods above that of old ones"
# Standard errors by which two samples have to differ: chance does that once in 740 looks.
BEYOND_CHANCE = "3"


def rollout_signals(
    service: Service,
    settings: Settings,
    presets: Sequence[str],
    *,
    new_hash: str,
    consecutive: int,
    tolerance: float,
) -> list[dict[str, t.Any]]:
    """Signals as the module ``signal_info`` takes them.

    ``presets`` are names in PRESETS. ``new_hash`` is the controller's hash of the new revision:
    where pods have it in their names, as those of Deployments do, each preset also comes as the
    difference of new and old pods, for as long as both run and have requests enough. ``tolerance``
    is the part of the value before the rollout by which the present one has to be above it to count
    as worse.
    """
    signals = []
    beside = _new_and_old(service, settings, new_hash)
    for preset in presets:
        case, question = _case_and_question(preset, service, settings)
        threshold = case.options.number("threshold")
        asked = {"threshold": threshold, "consecutive": consecutive}
        name = preset.replace("_", " ")
        value = question.value(case)
        signals.append({"name": name, "promql": value, "tolerance": tolerance, **asked})
        if beside:
            signals.append(
                {
                    "name": name + BESIDE,
                    "promql": _difference(case, question, *beside),
                    # There is nothing to compare before the new pods serve, and after the old ones.
                    "no_data": HEALTHY,
                    **asked,
                }
            )
    return signals


def baseline_signals(
    service: Service, settings: Settings, presets: Sequence[str], *, seconds_ago: int
) -> list[dict[str, t.Any]]:
    """The presets as they were before the rollout, under the same names."""
    signals = []
    for preset in presets:
        case, question = _case_and_question(preset, service, settings)
        signals.append(
            {
                "name": preset.replace("_", " "),
                "promql": question.value(case, offset=f" offset {seconds_ago}s"),
                "threshold": case.options.number("threshold"),
            }
        )
    return signals


def rollout_verdict(watched: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Whether the rollout is to blame, from a result of ``signal_info`` that had a baseline.

    ``verdict`` is ``unhealthy`` only where it is. ``blamed`` says why. ``excused`` says what is
    unhealthy and has another cause; with nothing to blame, the verdict is then ``unknown``.
    ``unanswered`` says what is not known.
    """
    signals = watched["signals"]
    with_data = {signal["name"]: signal for signal in signals if signal["worst"] is not None}
    blamed, excused = [], []
    for signal in signals:
        if signal["verdict"] != UNHEALTHY:
            continue
        beside = with_data.get(signal["name"] + BESIDE)
        said = f"{signal['name']}: {signal['reason']}"
        if signal["trend"] in ("same", "better"):
            excused.append(f"{said}, and was no better before the rollout")
        elif beside and beside["verdict"] == HEALTHY:
            excused.append(f"{said}, and old pods do no better than new ones")
        else:
            blamed.append(said)
    unanswered = _said(signals, UNKNOWN)
    if blamed:
        verdict = UNHEALTHY
    elif excused or unanswered:
        verdict = UNKNOWN
    else:
        verdict = HEALTHY
    return {"verdict": verdict, "blamed": blamed, "excused": excused, "unanswered": unanswered}


def _said(signals: Iterable[Mapping[str, t.Any]], verdict: str) -> list[str]:
    return [f"{one['name']}: {one['reason']}" for one in signals if one["verdict"] == verdict]


@dataclass(frozen=True)
class _Question:
    """What a preset asks.

    :param chance: by how much new and old pods, that their matchers select, differ by chance.
    """

    value: Question
    chance: t.Callable[[Case, str, str], str] | None = None


def _case_and_question(preset: str, service: Service, settings: Settings) -> tuple[Case, _Question]:
    if preset not in PRESETS:
        raise InvalidInput("presets", f"there is no {preset!r}", f"Use {', '.join(PRESETS)}")
    return Case(preset, service, settings), PRESETS[preset]


def _difference(case: Case, question: _Question, new: str, old: str) -> str:
    """By how much new pods do worse than old ones, as long as there are old ones."""
    still_there = f"count({case.of_requests('requests', old)}) > 0"
    difference = f"({question.value(case, new)}) - ({question.value(case, old)})"
    if question.chance:
        difference += f"\n- ({question.chance(case, new, old)})"
    return f"{difference}\nand {still_there}"


def _chance_of_errors(case: Case, new: str, old: str) -> str:
    """The difference of two error rates that is chance, by the two-proportion z-test.

    Ten failures of twenty requests and six of twenty are no difference. See "Comparing two
    proportions", section 7.3.3 of NIST's handbook of statistical methods.
    """
    window = case.options.duration("window")
    failed = f"sum(rate({case.of_requests('errors')}[{window}]))"
    share = f"clamp_max({failed} / {request_rate(case)}, 1)"

    def one_by_number(matchers: str) -> str:
        return f"1 / sum(increase({case.of_requests('requests', matchers)}[{window}]))"

    variance = f"{share} * (1 - {share}) * ({one_by_number(new)} + {one_by_number(old)})"
    # Without a single failure there is no series of failures.
    return f"{BEYOND_CHANCE} * sqrt({variance}) or vector(0)"


PRESETS: Mapping[str, _Question] = {
    "error_rate": _Question(error_rate, _chance_of_errors),
    "latency": _Question(latency),
}


def _new_and_old(service: Service, settings: Settings, new_hash: str) -> tuple[str, str] | None:
    """The matchers of new and of old pods; None where their names do not tell them apart."""
    pattern = service.pod_pattern_of(new_hash)
    if pattern is None:
        return None
    pod = settings.label_names["pod"]
    return matches(pod, pattern), differs(pod, pattern)
