#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_mitigation_info
short_description: Show which mitigations are in force
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Lists what M(oncall.recovery.k8s_mitigation) applied and nobody put back yet, with what was
    there before, since when, until when, for which incident, by whom, and whether it still is as
    it was set.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
options:
  name:
    description:
      - Only the mitigation of this name.
    type: str
  namespaces:
    description:
      - Namespaces whose ledgers are read. By default that of the context.
    type: list
    elements: str
    aliases:
      - namespace
  all_namespaces:
    description:
      - Whether to read the ledgers of all namespaces. They are found by one LIST.
    type: bool
    default: false
  incident:
    description:
      - Only what was applied for this incident.
    type: str
  expired:
    description:
      - Only what is over by its C(expires_in).
    type: bool
    default: false
seealso:
  - module: oncall.recovery.k8s_mitigation
notes:
  - An entry of a ledger that cannot be read, since somebody edited it, is a warning.
  - "The usual errors: no connection to the API server; the token is wrong; the account lacks a
    verb (the message quotes the server's)."
  - Needs C(get) on the ConfigMaps and Secrets C(oncall-recovery-ledger) (or C(list) on ConfigMaps,
    with O(all_namespaces)), and C(get) on what was changed.
"""

EXAMPLES = r"""
- name: List what is in force in a namespace
  oncall.recovery.k8s_mitigation_info:
    namespaces:
      - shop
  register: in_force

- name: Fail where something is over and nobody put it back
  oncall.recovery.k8s_mitigation_info:
    all_namespaces: true
    expired: true
  register: forgotten
  failed_when: forgotten.mitigations | length > 0

- name: Show what was done for an incident
  oncall.recovery.k8s_mitigation_info:
    all_namespaces: true
    incident: INC-2041
"""

RETURN = r"""
mitigations:
  description: The mitigations in force, in the order of name and namespace.
  returned: always, unless nothing could be read
  type: list
  elements: dict
  contains:
    name:
      description: Name of the mitigation.
      type: str
      sample: payments_fallback
    namespace:
      description: Namespace of its objects and of the ledger.
      type: str
      sample: shop
    by:
      description: Who applied it.
      type: str
      sample: ada
    incident:
      description: The incident it is for. Null where none was named.
      type: str
      sample: INC-2041
    reason:
      description: Why, in a sentence. Null where none was given.
      type: str
      sample: The payments API hangs
    at:
      description: Since when it is in force (UTC).
      type: str
      sample: "2026-11-25T03:14:07Z"
    until:
      description: Until when it is meant to last (UTC). Null where it does not expire.
      type: str
      sample: "2026-11-25T05:14:07Z"
    expired:
      description: Whether that time is over.
      type: bool
      sample: false
    is_overwritten:
      description:
        - Whether somebody changed one of its fields meanwhile, or its object is gone. Null where
          one could not be read.
      type: bool
      sample: false
    fields:
      description: What it changed.
      type: list
      elements: dict
      contains:
        api_version:
          description: API version of the object.
          type: str
          sample: v1
        kind:
          description: Kind of the object.
          type: str
          sample: ConfigMap
        namespace:
          description: Namespace of the object.
          type: str
          sample: shop
        name:
          description: Name of the object.
          type: str
          sample: web
        path:
          description:
            - JSON Pointer to the field. C([name=web]) stands for the element of a list with that
              name.
          type: str
          sample: /data/UPSTREAM_URL
        document_path:
          description: Where in a document it is. Null where it is the whole field.
          type: str
          sample: /payments/timeout
        before:
          description:
            - What was there before. Null where there was nothing. Masked where it is a Secret's, or
              looks like a secret.
          type: raw
          sample: http://payments.shop.svc
        value:
          description: What was set, in the same way. Null where it was removed.
          type: raw
          sample: http://fallback.shop.svc
        is_overwritten:
          description:
            - Whether the field holds what nobody's mitigation set. Null where it could not be read.
          type: bool
          sample: false
        covered_by:
          description:
            - A later mitigation that set the same field, so that its value is the one that counts.
              Null where there is none.
          type: str
          sample: null
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    connect,
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.inventory import (
    read_mitigations,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.options import (
    filter_from,
    namespaces_from,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str"},
    "namespaces": {"type": "list", "elements": "str", "aliases": ["namespace"]},
    "all_namespaces": {"type": "bool", "default": False},
    "incident": {"type": "str"},
    "expired": {"type": "bool", "default": False},
}


def main() -> None:
    module = kubernetes_module(ARGUMENT_SPEC, mutually_exclusive=[("namespaces", "all_namespaces")])
    with reporting_errors(module):
        chosen = filter_from(module.params)
        with connect(module) as client:
            namespaces = namespaces_from(module.params, client.default_namespace)
            result, warnings = read_mitigations(client, namespaces, chosen)
    finish(module, result, warnings=warnings)


if __name__ == "__main__":
    main()
