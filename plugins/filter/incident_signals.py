# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to ask when a service is in trouble; a filter."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.incident_signals import (
    all_signals,
    incident_signals,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = r"""
name: incident_signals
short_description: What to ask when a service is in trouble
version_added: 0.1.0
author:
  - oncall.recovery contributors
description:
  - Makes signals for M(oncall.recovery.signal_info) from a service, what it depends on and
    thresholds, sorted by what they are evidence for, as the role
    P(oncall.recovery.incident_response#role) asks for them.
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
      - What users get. V(error_rate) is the part of requests that fails, V(latency) the seconds
        that the slowest take; both as a whole and by pod.
    type: list
    elements: str
    required: true
  dependencies:
    description:
      - What the service depends on, each with V(name), V(kind) (V(database),
        V(external_api) or V(other)), V(mitigation) and V(measured_at) as
        M(oncall.recovery.recovery_decision) takes them.
      - V(label) is what the metrics call it where that is not its name. V(threshold) is the part of
        the calls that may fail. V(signals) are to be asked instead of that.
    type: list
    elements: dict
    default: []
  signals:
    description:
      - The options V(window), V(threshold), V(minimum_rate) and V(quantile) of V(error_rate),
        V(latency), V(memory) and V(dependency).
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
  history:
    description: How far back to look, such as V(30m).
    type: str
    required: true
  step:
    description: How far the samples of the history are apart, such as V(15s).
    type: str
    required: true
  added:
    description:
      - Signals of your own, by what they are evidence for. V(symptoms), V(load), V(saturation),
        V(memory) or V(platform).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what would be asked
  ansible.builtin.debug:
    msg: >-
      {{ {'namespace': 'shop', 'name': 'web'} | oncall.recovery.incident_signals(
           presets=['error_rate'], dependencies=[{'name': 'payments', 'kind': 'external_api'}],
           history='30m', step='15s',
           signals={'error_rate': {'window': '1m', 'threshold': 0.05, 'minimum_rate': 0.1},
                    'memory': {}, 'dependency': {'window': '1m', 'threshold': 0.1}},
           metrics=[{'requests': {'name': 'http_requests_total'},
                     'errors': {'name': 'http_requests_total', 'matchers': ['code=~"5.."']},
                     'memory_usage': {'name': 'container_memory_working_set_bytes'},
                     'dependency_requests': {'name': 'dependency_requests_total'},
                     'dependency_failures': {'name': 'dependency_requests_total',
                                             'matchers': ['result!="ok"']}}],
           label_names=[{'namespace': 'namespace', 'pod': 'pod', 'dependency': 'dependency'}]) }}
"""

RETURN = r"""
_value:
  description:
    - V(groups) has the signals by what they are evidence for, and V(all) is the list of them all,
      as M(oncall.recovery.signal_info) takes it.
  type: dict
"""


def signals_of_incident(
    service: t.Any,
    *,
    presets: list[str],
    signals: dict[str, t.Any],
    metrics: list[t.Any],
    label_names: list[t.Any],
    history: str,
    step: str,
    dependencies: list[t.Any] | None = None,
    matchers: t.Any = None,
    added: dict[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    try:
        settings = Settings.from_options(
            signals=[signals],
            metrics=metrics,
            label_names=label_names,
            matchers=matchers,
            labels=None,
            runbook_url=None,
        )
        groups = incident_signals(
            Service.from_options(service),
            settings,
            presets,
            dependencies or [],
            history=history,
            step=step,
            added=added or {},
        )
    except RecoveryError as error:
        raise AnsibleFilterError(error.message) from None
    return {"groups": groups, "all": all_signals(groups)}


class FilterModule:
    """Tells Ansible the names of the filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"incident_signals": signals_of_incident}
