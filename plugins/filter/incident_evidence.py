# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was answered when a service was in trouble, by what it is evidence for; a filter."""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.incident_signals import (
    incident_evidence,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = r"""
name: incident_evidence
short_description: Answers of signal_info by what they are evidence for
version_added: 0.1.0
author:
  - oncall.recovery contributors
description:
  - Sorts what M(oncall.recovery.signal_info) answered into the options of
    M(oncall.recovery.recovery_decision).
positional: _input
options:
  _input:
    description:
      - V(groups) of what the filter P(oncall.recovery.incident_signals#filter) made.
    type: dict
    required: true
  answers:
    description:
      - What M(oncall.recovery.signal_info) returned as
        RV(oncall.recovery.signal_info#module:signals).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is known of the dependencies
  ansible.builtin.debug:
    msg: "{{ evidence.dependencies }}"
  vars:
    evidence: "{{ asked.groups | oncall.recovery.incident_evidence(answers=answered.signals) }}"
"""

RETURN = r"""
_value:
  description:
    - The options V(symptoms), V(load), V(saturation), V(memory), V(platform) and V(dependencies) of
      M(oncall.recovery.recovery_decision).
  type: dict
"""


def evidence_of_incident(
    groups: dict[str, t.Any], *, answers: list[dict[str, t.Any]]
) -> dict[str, t.Any]:
    return incident_evidence(groups, answers)


class FilterModule:
    """Tells Ansible the names of the filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"incident_evidence": evidence_of_incident}
