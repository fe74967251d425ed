# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``recovery_decision`` as a case.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
    Case,
    Dependency,
    Policy,
    Thresholds,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import cluster_from
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import (
    seconds_at,
    signals_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._signals.duration import seconds_in

if t.TYPE_CHECKING:
    from collections.abc import Mapping

DURATIONS = ("window", "settle", "proving_time", "tolerance", "unready_for", "crashed_within")
SHARES = ("saturated_share", "memory_share", "neighbour_share")
LEAST = {"load_factor": 1.0, "scale_factor_max": 1.0, "flaps": 1}


def case_from(options: Mapping[str, t.Any], clock: float) -> Case:
    """Read the options by their names; ``clock`` is now where neither they nor the triage say so.

    Raises InvalidInput, which names the option.
    """
    limits = _thresholds(options)
    now = seconds_at("now", options["now"]) if options["now"] else None
    cluster = cluster_from(
        options["triage"],
        now=clock if now is None else now,
        crashed_within=limits.crashed_within,
        unready_for=limits.unready_for,
    )
    if now is None:
        now = clock if cluster.at is None else cluster.at
    workload = options["workload"]
    return Case(
        now=now,
        symptoms=signals_from("symptoms", options["symptoms"]),
        dependencies=_dependencies(options["dependencies"]),
        load=signals_from("load", options["load"]),
        saturation=signals_from("saturation", options["saturation"]),
        memory=signals_from("memory", options["memory"]),
        platform=signals_from("platform", options["platform"]),
        cluster=cluster,
        subject=(workload["kind"], workload["namespace"], workload["name"]) if workload else None,
        given_onset=seconds_at("onset", options["onset"]) if options["onset"] else None,
        limits=limits,
        policy=Policy(
            gitops=options["gitops"],
            approved_by=options["approved_by"] or "",
            reversible_migrations=frozenset(options["reversible_migrations"]),
            least_confidence=options["least_confidence"],
            held=tuple(options["held"]),
        ),
    )


def _thresholds(options: Mapping[str, t.Any]) -> Thresholds:
    numbers: dict[str, t.Any] = {name: float(seconds_in(name, options[name])) for name in DURATIONS}
    for name in SHARES:
        numbers[name] = options[name]
        if not 0 < options[name] <= 1:
            raise InvalidInput(name, f"is {options[name]}", "Use a share above 0, at most 1")
    for name, least in LEAST.items():
        numbers[name] = options[name]
        if not options[name] >= least:
            raise InvalidInput(name, f"is {options[name]}", f"Use {least:g} or more")
    return Thresholds(**numbers)


def _dependencies(given: t.Any) -> tuple[Dependency, ...]:
    found = []
    for index, one in enumerate(given or []):
        subject = f"dependencies[{index}]"
        found.append(
            Dependency(
                name=one["name"],
                kind=one["kind"],
                mitigation=one["mitigation"] or "",
                measured_at=one["measured_at"],
                signals=signals_from(f"{subject}.signals", one["signals"]),
                since=seconds_at(f"{subject}.since", one["since"]) if one["since"] else None,
            )
        )
    names = [dependency.name for dependency in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput("dependencies", f"names {name} twice", "Name each once")
    return tuple(found)
