# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module says about itself. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return a prediction of what it would change.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside of check mode, with the same arguments, the second
        invocation changes nothing.
"""

    # Modules that only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - It only reads.
  diff_mode:
    support: N/A
    details:
      - It only reads.
  idempotent:
    support: full
    details:
      - It only reads.
"""

    ACTIONGROUP_K8S = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/oncall.recovery.k8s) in C(module_defaults) to set the connection of all
        modules that talk to Kubernetes, those of C(kubernetes.core) included.
    support: full
    membership:
      - oncall.recovery.all
      - oncall.recovery.k8s
"""

    ACTIONGROUP_GIT = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/oncall.recovery.git) in C(module_defaults) to set defaults of all modules
        that work on a Git repository.
    support: full
    membership:
      - oncall.recovery.all
      - oncall.recovery.git
"""
