# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which workloads are meant. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kind:
    description:
      - Kind of the workloads that O(name), O(label_selectors) or O(field_selectors) select.
    type: str
    choices:
      - Deployment
      - StatefulSet
      - DaemonSet
    default: Deployment
  name:
    description:
      - Name of one workload.
      - Excludes O(workloads), O(label_selectors) and O(field_selectors).
    type: str
  namespace:
    description:
      - Namespace of the workloads. Without it, the namespace of the kubeconfig's context is
        used, and where that names none, V(default).
    type: str
  label_selectors:
    description:
      - Label selectors, all of which must match, such as V(app=web) or V(tier in (a, b\)).
    type: list
    elements: str
  field_selectors:
    description:
      - Field selectors, all of which must match, such as V(metadata.name=web).
    type: list
    elements: str
  all_namespaces:
    description:
      - Whether the selectors select in all namespaces. O(namespace) is then not used.
    type: bool
    default: false
  workloads:
    description:
      - A list of workloads, of several kinds and namespaces if need be.
      - Excludes O(name), O(namespace), O(label_selectors) and O(field_selectors).
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - Kind of the workload.
        type: str
        choices:
          - Deployment
          - StatefulSet
          - DaemonSet
        default: Deployment
      namespace:
        description:
          - Namespace of the workload. Without it, as for O(namespace).
        type: str
      name:
        description:
          - Name of the workload.
        type: str
        required: true
"""

    # For kinds that have a number of replicas. ansible-test takes what has no type for a literal.
    SCALABLE: str = DOCUMENTATION.replace("- DaemonSet", "- ReplicaSet")
