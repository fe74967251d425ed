#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_rollout_info
short_description: Show the rollout history and state of workloads
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Lists what Deployments, StatefulSets and DaemonSets ran before and run now, with images, times
    and change causes, the state of the present rollout, and who else decides what they run.
  - Without O(name), O(workloads) and selectors it lists all workloads of O(kind) in the namespace.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._workloads
seealso:
  - module: oncall.recovery.k8s_rollout_undo
  - module: oncall.recovery.k8s_rollout_status
notes:
  - A workload that is named and does not exist is listed in RV(missing), with a warning.
  - "The usual errors: no connection to the API server; the token is wrong; the account lacks a
    verb (the message quotes the server's)."
  - Needs C(get) and C(list) on the workloads, and C(list) on ReplicaSets or ControllerRevisions,
    pods and HorizontalPodAutoscalers.
"""

EXAMPLES = r"""
- name: Read the history of a Deployment
  oncall.recovery.k8s_rollout_info:
    name: web
    namespace: shop
  register: history

- name: Show which image each revision had
  ansible.builtin.debug:
    msg: "revision {{ item.revision }} of {{ item.created }} had {{ item.images }}"
  loop: "{{ history.workloads[0].revisions }}"
  loop_control:
    label: "{{ item.revision }}"

- name: Find all StatefulSets of a namespace that are not as they should be
  oncall.recovery.k8s_rollout_info:
    kind: StatefulSet
    namespace: shop
  register: queues
  failed_when: queues.workloads | rejectattr('verdict', 'eq', 'complete') | length > 0
"""

RETURN = r"""
workloads:
  description: The workloads, in the order of kind, namespace and name.
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
    uid:
      description: UID of the workload. Another one means that it was made anew.
      type: str
      sample: 3f0c2a51-5d0c-4f0e-9d2f-0f3f4c1f8a77
    generation:
      description: How often its specification has changed.
      type: int
      sample: 7
    paused:
      description: Whether its rollouts are paused.
      type: bool
      sample: false
    verdict:
      description: State of the rollout, as M(oncall.recovery.k8s_rollout_status) returns it.
      type: str
      sample: complete
    message:
      description: The verdict in one sentence.
      type: str
      sample: all 3 pods run revision 5
    revision:
      description: Number of the newest revision. Null until its controller has made it.
      type: int
      sample: 5
    hash:
      description: The controller's hash of the newest revision.
      type: str
      sample: 7c5f9c6b8
    images:
      description: Images of the newest revision, by container.
      type: dict
      sample: {"web": "registry.example/web:2.4.1"}
    counts:
      description: Numbers of pods, as the controller counts them.
      type: dict
      sample: {"desired": 3, "total": 3, "updated": 3, "ready": 3, "available": 3}
    reasons:
      description: Why pods of the newest revision are not ready. 10 at most.
      type: list
      elements: dict
      sample: []
    reasons_left_out:
      description: How many more reasons there were.
      type: int
      sample: 0
    image_annotations:
      description:
        - Its annotations C(org.opencontainers.image.*), such as the version and the commit that its
          image was built from. Those of the pod template win over its own.
      type: dict
      sample: {"org.opencontainers.image.version": "2.4.1"}
    managed_by:
      description:
        - Who else decides what the workload runs. A rollback of something that Argo CD or Flux
          keeps in step with Git is undone by them.
      type: list
      elements: dict
      sample: [{"tool": "Argo CD", "kind": "Application", "namespace": "", "name": "shop"}]
    revisions:
      description: What it ran, the newest number first.
      type: list
      elements: dict
      contains:
        revision:
          description: Number of the revision. It moves up when the revision is used again.
          type: int
          sample: 5
        hash:
          description: The controller's hash of the pod template.
          type: str
          sample: 7c5f9c6b8
        images:
          description: Images by container.
          type: dict
          sample: {"web": "registry.example/web:2.4.1"}
        name:
          description: Name of the ReplicaSet or ControllerRevision.
          type: str
          sample: web-7c5f9c6b8
        uid:
          description: UID of the ReplicaSet or ControllerRevision.
          type: str
          sample: 9c1b7b9e-40a8-4f2c-bb0f-2f2f5d2d0a11
        created:
          description: When the revision was made for the first time (UTC).
          type: str
          sample: "2026-11-23T10:42:07Z"
        change_cause:
          description: The annotation C(kubernetes.io/change-cause). Empty where there is none.
          type: str
          sample: "deploy 2.4.1"
        replicas:
          description: Pods of the revision. Null for StatefulSets and DaemonSets.
          type: int
          sample: 3
        mark:
          description: V(good), V(bad) or empty, from the label C(oncall.recovery/verdict).
          type: str
          sample: good
        current:
          description: Whether this is the revision of the present template.
          type: bool
          sample: true
missing:
  description: Named workloads that do not exist.
  returned: always, unless nothing could be read
  type: list
  elements: dict
  sample: [{"kind": "Deployment", "namespace": "shop", "name": "wbe"}]
"""

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    connect,
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.history import read_history
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    WORKLOAD_OPTIONS,
    WORKLOADS_EXCLUDE_EACH_OTHER,
)


def main() -> None:
    module = kubernetes_module(WORKLOAD_OPTIONS, mutually_exclusive=WORKLOADS_EXCLUDE_EACH_OTHER)
    with reporting_errors(module), connect(module) as client:
        selection = selection_from(module.params, client.default_namespace)
        result = read_history(client, selection)
    for missing in result["missing"]:
        module.warn("There is no {kind} {namespace}/{name}".format(**missing))
    finish(module, result)


if __name__ == "__main__":
    main()
