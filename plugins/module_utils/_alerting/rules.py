# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of Prometheus rules for services.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting import (
    pods,
    requests,
    rollouts,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings

SIGNALS: Mapping[str, Callable[[Case], list[dict[str, t.Any]]]] = {
    "error_rate": requests.error_rate,
    "error_budget": requests.error_budget,
    "latency": requests.latency,
    "dependency_timeouts": requests.dependency_timeouts,
    "target_down": requests.target_down,
    "target_absent": requests.target_absent,
    "cpu": pods.cpu,
    "memory": pods.memory,
    "memory_growth": pods.memory_growth,
    "crash_loop": pods.crash_loop,
    "oom_kill": pods.oom_kill,
    "rollout_failed": rollouts.rollout_failed,
    "rollout_stuck": rollouts.rollout_stuck,
}


def rule_groups(services: t.Any, settings: Settings) -> list[dict[str, t.Any]]:
    """One group of rules per service, in the shape of a rules file's ``groups``.

    ``services`` is the role's list of them. Raises InvalidInput where something in it would not
    give sound rules; then there are none at all.
    """
    if not isinstance(services, (list, tuple)) or not services:
        raise InvalidInput("services", "there are none", "List at least one service")
    for signal in set(settings.signals) - set(SIGNALS):
        raise InvalidInput("signals", f"there is no {signal!r}", f"Use {', '.join(SIGNALS)}")
    checked = [Service.from_options(service) for service in services]
    for number, service in enumerate(checked):
        if str(service) in map(str, checked[:number]):
            raise InvalidInput(f"service {service}", "is there twice", "List it once")
    return [
        {
            "name": f"{service.namespace}/{service.kind}/{service.name}",
            "rules": _rules(service, settings),
        }
        for service in checked
    ]


def _rules(service: Service, settings: Settings) -> Sequence[dict[str, t.Any]]:
    rules = []
    for signal in settings.signals:
        make, case = SIGNALS[signal], Case(signal, service, settings)
        if case.options.enabled:
            rules += make(case)
    if not rules:
        raise InvalidInput(f"service {service}", "has no signal that is enabled", "Enable one")
    return rules
