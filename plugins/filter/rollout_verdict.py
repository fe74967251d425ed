# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a rollout is to blame for what signals say; a filter."""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.rollout_guard import (
    rollout_verdict,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = r"""
name: rollout_verdict
short_description: Whether a rollout is to blame for what signals say
version_added: 0.1.0
author:
  - oncall.recovery contributors
description:
  - Tells what a rollout made worse from what has another cause, for the role
    P(oncall.recovery.rollout_guard#role).
  - A rollout is not to blame for what was as bad before it, nor for what is as bad in its old pods.
positional: _input
options:
  _input:
    description:
      - A result of M(oncall.recovery.signal_info), which was asked for the signals of
        P(oncall.recovery.rollout_signals#filter) with a baseline.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say whether the rollout is to blame
  ansible.builtin.debug:
    msg: "{{ (watched | oncall.recovery.rollout_verdict).verdict }}"
  vars:
    watched:
      signals:
        - name: error rate
          verdict: unhealthy
          reason: 0.31 > 0.05
          trend: worse
          worst: {value: 0.31}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:verdict) is V(unhealthy) where the rollout is to blame, V(unknown) where that is not
      known or something else is, and V(healthy) otherwise. RV(ignore:blamed), RV(ignore:excused)
      and RV(ignore:unanswered) are lists of reasons.
  type: dict
"""


class FilterModule:
    """Tells Ansible the names of the filters."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"rollout_verdict": rollout_verdict}
