# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager's configuration from receivers and people on call; a filter."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.oncall.recovery.plugins.module_utils._alerting import routing
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = r"""
name: alertmanager_config
short_description: Alertmanager's configuration from receivers and people on call
version_added: 0.1.0
author:
  - oncall.recovery contributors
description:
  - Makes what the role P(oncall.recovery.alert_routing#role) writes. Secrets are not in the
    configuration but beside it, with the names of the files that it refers to.
  - What is wrong is said as an error, in which no secret stands.
positional: _input
options:
  _input:
    description:
      - The receivers, as in O(oncall.recovery.alert_routing#role:main:alert_routing_receivers).
    type: list
    elements: dict
    required: true
  secrets_path:
    description: The folder of the files with secrets.
    type: str
    required: true
  templates:
    description: Files with templates for messages.
    type: list
    elements: str
    required: true
  default_receiver:
    description: Who is told what nobody is on call for.
    type: str
    required: true
  on_call:
    description:
      - Who is on call for what, as in
        O(oncall.recovery.alert_routing#role:main:alert_routing_on_call).
    type: list
    elements: dict
    required: true
  automation:
    description:
      - What automation is told, with C(receiver), C(matchers), C(group_wait) and C(group_interval).
    type: dict
    required: true
  grouping:
    description:
      - How alerts are grouped, with C(group_by), C(group_wait), C(group_interval) and
        C(repeat_interval).
    type: dict
    required: true
  time_intervals:
    description: Time intervals, as Alertmanager has them.
    type: list
    elements: dict
    required: true
  inhibit_rules:
    description: Inhibition, as Alertmanager has it.
    type: list
    elements: dict
    required: true
  smtp:
    description:
      - The server for mail, as in O(oncall.recovery.alert_routing#role:main:alert_routing_smtp).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show a configuration that tells one address everything
  ansible.builtin.debug:
    msg: >-
      {{ (receivers | oncall.recovery.alertmanager_config(
            secrets_path='/etc/alertmanager/secrets', templates=[], default_receiver='shop',
            on_call=[], automation={'receiver': ''}, time_intervals=[], inhibit_rules=[], smtp={},
            grouping={'group_by': ['namespace'], 'group_wait': '30s', 'group_interval': '5m',
                      'repeat_interval': '4h'})).config | to_nice_yaml }}
  vars:
    receivers:
      - name: shop
        webhook:
          - url: http://127.0.0.1:5000/alerts
"""

RETURN = r"""
_value:
  description:
    - The configuration (C(config)), and the secrets (C(secrets), with C(name) and C(content)).
  type: dict
"""


def alertmanager_config(receivers: t.Any, **inputs: t.Any) -> dict[str, t.Any]:
    try:
        config, secrets = routing.alertmanager_config(receivers, **inputs)
    except RecoveryError as error:
        raise AnsibleFilterError(error.message) from None
    return {
        "config": config,
        "secrets": [{"name": secret.name, "content": secret.content} for secret in secrets],
    }


class FilterModule:
    """Tells Ansible the names of the filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"alertmanager_config": alertmanager_config}
