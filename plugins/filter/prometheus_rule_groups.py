# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus rules for services; a filter."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.rules import rule_groups
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import Settings
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = r"""
name: prometheus_rule_groups
short_description: Prometheus rules for services
version_added: 0.1.0
author:
  - oncall.recovery contributors
description:
  - Makes groups of alerting and recording rules from a list of services, as the role
    P(oncall.recovery.alert_rules#role) writes them into a file.
  - Names and labels are checked, so that none of them can become a part of a query or of a template
    that Prometheus runs. What is wrong is said as an error, and no rule is made.
positional: _input
options:
  _input:
    description:
      - The services, as in O(oncall.recovery.alert_rules#role:main:alert_rules_services).
    type: list
    elements: dict
    required: true
  signals:
    description:
      - The options of all signals. A list of dictionaries, of which the first names every signal
        and option there is, and the others change some.
    type: list
    elements: dict
    required: true
  metrics:
    description: Names and matchers of metrics, in the same shape.
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
  labels:
    description: Labels that all alerts get.
    type: dict
    default: {}
  runbook_url:
    description: The address of what to do about an alert, with placeholders.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Count the rules that the role would write
  ansible.builtin.debug:
    msg: >-
      {{ services | oncall.recovery.prometheus_rule_groups(
           signals=[signals], metrics=[metrics],
           label_names=[{'namespace': 'namespace', 'pod': 'pod'}])
         | map(attribute='rules') | map('length') | sum }}
  vars:
    signals:
      target_down: {enabled: true, severity: warning, for: 5m, playbook: '', threshold: 0.5}
    metrics:
      up: {name: up, matchers: []}
    services:
      - namespace: shop
        name: web
"""

RETURN = r"""
_value:
  description: The groups, as they stand in a rules file.
  type: list
  elements: dict
"""


def prometheus_rule_groups(
    services: t.Any,
    *,
    signals: list[t.Any],
    metrics: list[t.Any],
    label_names: list[t.Any],
    matchers: t.Any = None,
    labels: t.Any = None,
    runbook_url: t.Any = "",
) -> list[dict[str, t.Any]]:
    try:
        settings = Settings.from_options(
            signals=signals,
            metrics=metrics,
            label_names=label_names,
            matchers=matchers,
            labels=labels,
            runbook_url=runbook_url,
        )
        return rule_groups(services, settings)
    except RecoveryError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """Tells Ansible the names of the filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"prometheus_rule_groups": prometheus_rule_groups}
