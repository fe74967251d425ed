# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to ask when a service is in trouble, and which answer is evidence for what.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import equals
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.questions import (
    error_rate,
    latency,
    request_rate,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import (
        Settings,
    )

Signals = list[dict[str, t.Any]]

PRESETS = {"error_rate": error_rate, "latency": latency}
BY_POD = " by pod"
# Groups of signals that a team may add to; dependencies have signals of their own.
GROUPS = ("symptoms", "load", "saturation", "memory", "platform")

_DEPENDENCY_OPTIONS = ("name", "kind", "label", "mitigation", "signals", "measured_at", "threshold")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")


def incident_signals(
    service: Service,
    settings: Settings,
    presets: Sequence[str],
    dependencies: Sequence[t.Any],
    *,
    history: str,
    step: str,
    added: Mapping[str, t.Any],
) -> dict[str, t.Any]:
    """Signals as ``signal_info`` takes them, by what they are evidence for.

    ``history`` is how far back to look, one sample each ``step``, both as Prometheus writes
    durations. ``added`` are signals of the team by group. Each dependency comes back as
    ``recovery_decision`` takes it, with the signals to ask in place of their answers.

    :raises InvalidInput: for anything that is not known, and for names that are used twice.
    """
    past = {"range": history, "step": step}
    groups: dict[str, t.Any] = {
        "symptoms": [],
        "load": _load(Case("error_rate", service, settings), past),
        "saturation": [],
        "memory": _memory(Case("memory", service, settings), past),
        "platform": [],
        "dependencies": [
            _dependency(Case("dependency", service, settings), one, past) for one in dependencies
        ],
    }
    for preset in presets:
        groups["symptoms"] += _symptoms(preset, service, settings, past)
    for group, signals in added.items():
        if group not in GROUPS:
            raise InvalidInput("signals", f"there is no {group!r}", f"Use {', '.join(GROUPS)}")
        groups[group] += signals
    _require_names(all_signals(groups))
    return groups


def all_signals(groups: Mapping[str, t.Any]) -> Signals:
    """Those of all groups and dependencies, for one call of ``signal_info``."""
    listed = [signal for group in GROUPS for signal in groups[group]]
    return listed + [signal for one in groups["dependencies"] for signal in one["signals"]]


def incident_evidence(
    groups: Mapping[str, t.Any], answers: Sequence[Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """The same groups with what ``signal_info`` answered in place of what was asked."""
    by_name = {answer["name"]: answer for answer in answers}

    def answered(signals: Signals) -> list[Mapping[str, t.Any]]:
        return [by_name[signal["name"]] for signal in signals if signal["name"] in by_name]

    evidence: dict[str, t.Any] = {group: answered(groups[group]) for group in GROUPS}
    evidence["dependencies"] = [
        {**one, "signals": answered(one["signals"])} for one in groups["dependencies"]
    ]
    return evidence


def _symptoms(
    preset: str, service: Service, settings: Settings, past: Mapping[str, str]
) -> Signals:
    if preset not in PRESETS:
        raise InvalidInput("presets", f"there is no {preset!r}", f"Use {', '.join(PRESETS)}")
    case, name = Case(preset, service, settings), preset.replace("_", " ")
    threshold = case.options.number("threshold")
    by_pod = PRESETS[preset](case, by=case.label("pod"))
    return [
        {"name": name, "promql": PRESETS[preset](case), "threshold": threshold, **past},
        {"name": name + BY_POD, "promql": by_pod, "threshold": threshold, "no_data": "healthy"},
    ]


def _load(case: Case, past: Mapping[str, str]) -> Signals:
    """Nothing is unhealthy about requests; the history tells what is usual."""
    promql = request_rate(case)
    return [{"name": "requests per second", "promql": promql, **_never_unhealthy(), **past}]


def _memory(case: Case, past: Mapping[str, str]) -> Signals:
    used = f"max by ({case.label('pod')}) ({case.of_pods('memory_usage')})"
    return [{"name": "bytes of memory", "promql": used, **_never_unhealthy(), **past}]


def _never_unhealthy() -> dict[str, t.Any]:
    return {"comparison": "<", "threshold": 0, "no_data": "healthy"}


def _dependency(case: Case, options: t.Any, past: Mapping[str, str]) -> dict[str, t.Any]:
    """A dependency with its signals: those of the team, or the part of the calls that fails."""
    name = options.get("name") if isinstance(options, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            "dependencies", f"{name!r} is no name", f"It has to match {_NAME.pattern}"
        )
    for option in options:
        if option not in _DEPENDENCY_OPTIONS:
            raise InvalidInput(
                f"dependency {name}",
                f"there is no option {option!r}",
                f"Use {', '.join(_DEPENDENCY_OPTIONS)}",
            )
    told = {key: options[key] for key in ("kind", "mitigation", "measured_at") if key in options}
    signals = options.get("signals") or [
        {
            "name": f"failed calls to {name}",
            "promql": _failed_calls(case, options.get("label", name)),
            "threshold": float(options.get("threshold", case.options.number("threshold"))),
            **past,
        }
    ]
    return {"name": name, **told, "signals": signals}


def _failed_calls(case: Case, dependency: str) -> str:
    window = case.options.duration("window")
    matcher = equals(case.label("dependency"), dependency)
    failures = f"sum(rate({case.of_requests('dependency_failures', matcher)}[{window}]))"
    calls = f"sum(rate({case.of_requests('dependency_requests', matcher)}[{window}]))"
    return f"({failures} or 0 * {calls})\n  / {calls}\nand {calls} > 0"


def _require_names(signals: Signals) -> None:
    names = [signal.get("name") for signal in signals]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput("signals", f"{name!r} is there twice", "Give each its own name")
