# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to ask about a service during its rollout; a filter."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.rollout_guard import (
    baseline_signals,
    rollout_signals,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = r"""
name: rollout_signals
short_description: What to ask about a service during its rollout
version_added: 0.1.0
author:
  - oncall.recovery contributors
description:
  - Makes signals for M(oncall.recovery.signal_info) from a service and thresholds, as the role
    P(oncall.recovery.rollout_guard#role) asks for them.
  - Names and labels are checked, so that none of them can become a part of a query.
positional: _input
options:
  _input:
    description:
      - The service, with V(namespace), V(kind), V(name) and V(matchers).
    type: dict
    required: true
  presets:
    description:
      - Which signals. V(error_rate) is the part of requests that fails, V(latency) the seconds that
        the slowest take.
    type: list
    elements: str
    required: true
  signals:
    description:
      - The options of each, V(window), V(threshold), V(minimum_rate) and, for V(latency),
        V(quantile).
    type: dict
    required: true
  metrics:
    description:
      - Names and matchers of metrics. A list of dictionaries, of which the first names every one,
        and the others change some.
    type: list
    elements: dict
    required: true
  label_names:
    description: What labels are called in the metrics, in the same shape.
    type: list
    elements: dict
    required: true
  matchers:
    description: Matchers that all selectors get.
    type: list
    elements: str
    default: []
  new_hash:
    description: The controller's hash of the new revision, to compare its pods with the old ones.
    type: str
    default: ""
  consecutive:
    description: How many looks have to agree.
    type: int
    default: 1
  tolerance:
    description:
      - By which part of its value before a signal has to be above it to count as worse.
    type: float
    default: 0.5
  seconds_ago:
    description:
      - Ask for the state so many seconds ago instead, to compare with. V(0) asks for now.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Show what the guard would ask Prometheus
  ansible.builtin.debug:
    msg: >-
      {{ {'namespace': 'shop', 'name': 'web'} | oncall.recovery.rollout_signals(
           presets=['error_rate'], new_hash='7c5f9c6b8',
           signals={'error_rate': {'window': '1m', 'threshold': 0.05, 'minimum_rate': 0.1}},
           metrics=[{'requests': {'name': 'http_requests_total'},
                     'errors': {'name': 'http_requests_total', 'matchers': ['code=~"5.."']}}],
           label_names=[{'namespace': 'namespace', 'pod': 'pod'}]) }}
"""

RETURN = r"""
_value:
  description: Signals, as M(oncall.recovery.signal_info) takes them.
  type: list
  elements: dict
"""


def signals_of_rollout(
    service: t.Any,
    *,
    presets: list[str],
    signals: dict[str, t.Any],
    metrics: list[t.Any],
    label_names: list[t.Any],
    matchers: t.Any = None,
    new_hash: str = "",
    consecutive: int = 1,
    tolerance: float = 0.5,
    seconds_ago: int = 0,
) -> list[dict[str, t.Any]]:
    try:
        settings = Settings.from_options(
            signals=[signals],
            metrics=metrics,
            label_names=label_names,
            matchers=matchers,
            labels=None,
            runbook_url=None,
        )
        about = Service.from_options(service)
        if seconds_ago:
            return baseline_signals(about, settings, presets, seconds_ago=int(seconds_ago))
        return rollout_signals(
            about,
            settings,
            presets,
            new_hash=new_hash,
            consecutive=int(consecutive),
            tolerance=float(tolerance),
        )
    except RecoveryError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """Tells Ansible the names of the filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"rollout_signals": signals_of_rollout}
