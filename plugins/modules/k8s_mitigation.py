#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_mitigation
short_description: Apply reversible changes in an incident, and put them back exactly
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Changes what reduces the harm while the cause is not mended, one or several objects at once, and
    puts back exactly what was there before, whoever does it and whenever.
  - "A mitigation has a name, and every field that it changes has an entry in the ledger, the
    ConfigMap C(oncall-recovery-ledger) in the object's namespace: what was there before, what was
    set, by whom, when, why, for which incident, until when. The entry is written before the
    change."
  - Putting back changes only what still holds what the mitigation set. What somebody changed
    meanwhile stays, and is reported as a conflict.
  - Several mitigations on one field unwind in any order to what was there before all of them.
  - A run that is killed on the way is finished by the next one, applying or putting back.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
requirements:
  - PyYAML >= 5.4, for values inside of YAML documents
attributes:
  check_mode:
    support: full
    details:
      - The server tries every patch with C(dryRun=All). Nothing is stored, in the ledger neither.
  diff_mode:
    support: full
    details:
      - Shows the fields before and after. Values of Secrets, and what looks like a secret, are
        masked.
  idempotent:
    support: full
options:
  name:
    description:
      - "Name of the mitigation: lower case letters, digits, C(_) and C(-), 63 at most."
      - Needed for O(state=present). With O(state=absent) it may be left out where O(incident) or
        O(expired) says which are meant.
    type: str
  namespace:
    description:
      - Namespace of the changes that name none, and that of the ledger that O(state=absent) reads.
      - By default that of the context.
    type: str
  state:
    description:
      - V(present) applies the mitigation. Applied again, it changes nothing; with another value, it
        changes the value and still knows what was there before the first.
      - V(absent) puts back what was there before.
    type: str
    choices:
      - present
      - absent
    default: present
  changes:
    description:
      - What to change. Needed for O(state=present), and all of it is done or nothing.
      - Each names exactly one of C(key), C(env), C(annotation), C(label), C(pointer) and
        C(replicas).
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - Kind of the object.
          - Kinds about rights (the API group C(rbac.authorization.k8s.io)) are refused, and so are
            those in no namespace.
        type: str
        required: true
      api_version:
        description:
          - API version of the object. Needed for kinds other than ConfigMap, Secret, Service,
            Deployment, StatefulSet, DaemonSet, ReplicaSet, Ingress, NetworkPolicy and
            HorizontalPodAutoscaler.
        type: str
      name:
        description:
          - Name of the object.
        type: str
        required: true
      namespace:
        description:
          - Namespace of the object, where it is not O(namespace).
        type: str
      key:
        description:
          - A key of a ConfigMap or Secret. Its value is text, that of a Secret without base64.
        type: str
      path:
        description:
          - "JSON Pointer to a value inside the document that O(changes[].key) holds, such as
            V(/payments/timeout); for properties a slash and the name: V(/payments.timeout)."
          - Only that value changes in the text. Comments, order and layout of the rest stay.
        type: str
      format:
        description:
          - What the document is written in. V(auto) tells by the ending of the key.
        type: str
        choices:
          - auto
          - yaml
          - json
          - properties
        default: auto
      container:
        description:
          - Container of the environment variable, init containers included.
        type: str
      env:
        description:
          - An environment variable of O(changes[].container). The pods start anew by themselves.
        type: str
      annotation:
        description:
          - An annotation of the object.
        type: str
      label:
        description:
          - A label of the object.
        type: str
      pointer:
        description:
          - JSON Pointer to any other field, such as V(/spec/selector/color). Its parent must be
            there.
          - C(status) is refused, and of C(metadata) all but labels and annotations.
        type: str
      replicas:
        description:
          - Number of pods of a Deployment, StatefulSet or ReplicaSet.
          - Where a HorizontalPodAutoscaler decides it, its C(minReplicas) is raised to this number
            instead; one that is higher already stays. V(0) switches the autoscaler off.
        type: int
      value:
        description:
          - What the field should hold. Numbers and switches become text where the field is text.
        type: raw
      remove:
        description:
          - Whether to take the field away instead.
        type: bool
        default: false
  incident:
    description:
      - The incident that this is for. With O(state=absent), only what was applied for it; then also
        what M(oncall.recovery.k8s_rollout_undo) suspended for it.
    type: str
  reason:
    description:
      - Why, in a sentence.
    type: str
  by:
    description:
      - Who does this, for the ledger. By default the user that the module runs as.
    type: str
  expires_in:
    description:
      - How long it is meant to last, such as V(30m), V(2h) or V(1d). Nothing is put back by itself;
        M(oncall.recovery.k8s_mitigation_info) tells that it is over, and O(expired) puts it back.
      - Applied again with the same, the time stays; with another, it counts from now.
    type: str
  expired:
    description:
      - With O(state=absent), put back only what is over by its O(expires_in).
    type: bool
    default: false
  all_namespaces:
    description:
      - With O(state=absent), put back wherever there is a ledger. They are found by one LIST.
    type: bool
    default: false
  restart:
    description:
      - Which workloads start anew because a ConfigMap or Secret that they read has changed.
        Deployments, StatefulSets and DaemonSets of its namespace are looked at.
      - V(auto) are those that have a changed key in their environment, which pods read only when
        they start. Those that only mount it get it without.
      - V(always) are those that mount it, too. V(never) are none.
      - They start anew by an annotation of the pod template, which is put back like everything
        else, with pods that read the old value.
    type: str
    choices:
      - auto
      - never
      - always
    default: auto
  force:
    description:
      - With O(state=absent), put back although somebody changed it meanwhile, and cross out what
        was done to an object that is gone.
      - With O(state=present), set it again although somebody changed it since it was applied.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for the rollouts of workloads whose pods start anew or change in number. One
        that fails makes the module fail.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for all rollouts together, in seconds.
    type: int
    default: 300
seealso:
  - module: oncall.recovery.k8s_mitigation_info
  - module: oncall.recovery.k8s_rollout
notes:
  - Values of Secrets are never in the ledger. They are kept in a Secret C(oncall-recovery-ledger)
    beside it, until they are put back.
  - Who may edit the ledger decides what is put back. Let nobody but operators edit ConfigMaps of
    that name.
  - Needs C(get) and C(patch) on what it changes, C(get), C(create) and C(patch) on ConfigMaps (and
    on Secrets, for theirs), C(list) on workloads for O(restart) and on HorizontalPodAutoscalers for
    replicas, and to wait what M(oncall.recovery.k8s_rollout_status) needs. See the guide on rights.
  - "Errors name the object, the cause and the next step: an object, container or parent that is not
    there, a document that cannot be read, two mitigations whose fields overlap, a field that
    somebody changed meanwhile, a ledger that is full, a missing verb."
"""

EXAMPLES = r"""
- name: Let the shop use its fallback while the payments API hangs
  oncall.recovery.k8s_mitigation:
    name: payments_fallback
    namespace: shop
    incident: INC-2041
    reason: The payments API hangs
    expires_in: 2h
    changes:
      - kind: ConfigMap
        name: web
        key: UPSTREAM_URL
        value: http://fallback.shop.svc
      - kind: ConfigMap
        name: web
        key: settings.yaml
        path: /payments/timeout
        value: 5

- name: Put back exactly what was there before
  oncall.recovery.k8s_mitigation:
    name: payments_fallback
    namespace: shop
    state: absent

- name: Limit the rate at the edge
  oncall.recovery.k8s_mitigation:
    name: rate_limit
    namespace: shop
    changes:
      - kind: Ingress
        name: web
        annotation: nginx.ingress.kubernetes.io/limit-rps
        value: "10"

- name: Put back all of an incident, wherever it is
  oncall.recovery.k8s_mitigation:
    state: absent
    incident: INC-2041
    all_namespaces: true

- name: Put back what is over
  oncall.recovery.k8s_mitigation:
    state: absent
    expired: true
    all_namespaces: true
"""

RETURN = r"""
mitigations:
  description: What became of each mitigation, one for each of its namespaces.
  returned: always, unless nothing could be read
  type: list
  elements: dict
  contains:
    name:
      description: Name of the mitigation. V(suspension) is what a rollback suspended.
      type: str
      sample: payments_fallback
    namespace:
      description: Namespace of its objects and of the ledger.
      type: str
      sample: shop
    state:
      description:
        - V(applied), V(already), V(reverted), V(conflict) or V(failed); V(none) where the ledger
          has no such mitigation, or where nothing was done because other changes cannot be.
        - Of several fields with different states, the worst.
      type: str
      sample: applied
    message:
      description: What was done, or what is in the way.
      type: str
      sample: "/data/UPSTREAM_URL of ConfigMap shop/web: changed"
    fields:
      description: What became of each field.
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
        state:
          description: The same states as those of mitigations.
          type: str
          sample: applied
        changed:
          description: Whether the field was changed, or would be in check mode.
          type: bool
          sample: true
        message:
          description: What was done, or what is in the way, in one sentence.
          type: str
          sample: "/data/UPSTREAM_URL of ConfigMap shop/web: changed"
restarted:
  description: Workloads whose pods start anew.
  returned: always, unless nothing could be read
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the workload.
      type: str
      sample: Deployment
    namespace:
      description: Namespace of the workload.
      type: str
      sample: shop
    name:
      description: Name of the workload.
      type: str
      sample: web
    message:
      description: What became of its rollout. Empty where it was not waited for.
      type: str
      sample: "Deployment shop/web: complete: all 3 pods run revision 6"
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    connect,
    keep_values_out_of_logs,
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.applying import (
    apply_mitigation,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.options import (
    put_back_request,
    request_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.put_back import (
    put_back,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "changes": {
        "type": "list",
        "elements": "dict",
        # Values of Secrets among them must not reach the system's log.
        "no_log": True,
        "options": {
            "kind": {"type": "str", "required": True},
            "api_version": {"type": "str"},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "key": {"type": "str", "no_log": False},
            "path": {"type": "str"},
            "format": {
                "type": "str",
                "choices": ["auto", "yaml", "json", "properties"],
                "default": "auto",
            },
            "container": {"type": "str"},
            "env": {"type": "str"},
            "annotation": {"type": "str"},
            "label": {"type": "str"},
            "pointer": {"type": "str"},
            "replicas": {"type": "int"},
            "value": {"type": "raw"},
            "remove": {"type": "bool", "default": False},
        },
    },
    "incident": {"type": "str"},
    "reason": {"type": "str"},
    "by": {"type": "str"},
    "expires_in": {"type": "str"},
    "expired": {"type": "bool", "default": False},
    "all_namespaces": {"type": "bool", "default": False},
    "restart": {"type": "str", "choices": ["auto", "never", "always"], "default": "auto"},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def main() -> None:
    module = kubernetes_module(
        ARGUMENT_SPEC,
        required_if=[("state", "present", ["name", "changes"])],
    )
    options = module.params
    keep_values_out_of_logs(module)
    with reporting_errors(module):
        require_at_least(options, wait_timeout=1)
        with connect(module) as client:
            if options["state"] == "present":
                request = request_from(options, client.default_namespace, dry_run=module.check_mode)
                outcome = apply_mitigation(client, request)
            else:
                outcome = put_back(
                    client,
                    put_back_request(options, client.default_namespace, dry_run=module.check_mode),
                )
    result = outcome.as_result(with_diff=module._diff)
    finish(module, result, outcome.failure, outcome.warnings)


if __name__ == "__main__":
    main()
