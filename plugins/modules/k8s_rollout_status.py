#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_rollout_status
short_description: Wait for rollouts and say how they ended
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Waits until the rollouts of Deployments, StatefulSets and DaemonSets come to an end, and says
    which end it is, with the pods' own reasons.
  - Unlike C(kubectl rollout status), it looks at the pods, so that a container that cannot start
    ends the wait at once instead of after the progress deadline.
  - Waiting is one WATCH per kind and namespace, however many workloads and however long.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._workloads
attributes:
  check_mode:
    support: full
    details:
      - Looks and waits as always. The server tries the marks of O(mark_good) with
        C(dryRun=All), and stores none.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  revision:
    description:
      - Number of the revision that is waited for. Where another one runs instead, the verdict is
        V(superseded).
    type: int
  wait:
    description:
      - Whether to wait for the end of the rollouts. Without it, their present state is returned.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for all rollouts together, in seconds.
    type: int
    default: 300
  fail_fast:
    description:
      - Whether a pod of the newest revision that cannot start (C(CrashLoopBackOff),
        C(ImagePullBackOff), C(CreateContainerConfigError) and the like) makes the verdict
        V(failed) at once.
      - Without it, such pods are listed in RV(workloads[].reasons), and the wait goes on until
        the progress deadline of a Deployment or until O(wait_timeout).
    type: bool
    default: true
  mark_good:
    description:
      - Whether to mark the revision of every rollout that is complete as good, with the label
        C(oncall.recovery/verdict) on its ReplicaSet or ControllerRevision. A rollback to the last
        good revision then finds it.
      - A complete rollout has pods that are ready, which is less than users who are served. Mark
        after a test or a time of watching if you can.
      - A revision that is marked bad stays so, with a warning. One that no pod runs (0 replicas, a
        partition that holds it back) is not marked, with a warning. Where the mark cannot be set,
        that is a warning, too.
    type: bool
    default: false
seealso:
  - module: oncall.recovery.k8s_rollout_undo
notes:
  - The module fails on the verdicts V(failed), V(stalled) and V(superseded), when the time is up,
    and, with O(wait), on V(paused), which no waiting ends. The verdicts of all workloads are in
    the result then, too.
  - "The usual errors: nothing matches the selectors; there is no such object; the account lacks a
    verb (the message quotes the server's); not complete in time, with what is missing."
  - A StatefulSet or DaemonSet has no progress deadline of its own, so only O(wait_timeout) ends
    the wait for one that hangs without a reason in its pods.
  - With the update strategy C(OnDelete) the verdict is V(paused) until someone has deleted the
    old pods.
  - Needs C(get), C(list) and C(watch) on the workloads, and C(list) and C(watch) on ReplicaSets
    or ControllerRevisions and on pods. With O(mark_good), C(patch) on ReplicaSets or
    ControllerRevisions, too.
"""

EXAMPLES = r"""
- name: Wait until the new version is out
  oncall.recovery.k8s_rollout_status:
    name: web
    namespace: shop
    wait_timeout: 600

- name: See at once which rollouts of all namespaces are in trouble
  oncall.recovery.k8s_rollout_status:
    all_namespaces: true
    label_selectors:
      - app.kubernetes.io/part-of=shop
    wait: false
  register: rollouts
  failed_when: rollouts.workloads | selectattr('verdict', 'ne', 'complete') | length > 3

- name: Wait for revision 7, and not for one that came after it
  oncall.recovery.k8s_rollout_status:
    kind: StatefulSet
    name: queue
    namespace: shop
    revision: 7

- name: Remember the revision that runs as one to come back to
  oncall.recovery.k8s_rollout_status:
    name: web
    namespace: shop
    mark_good: true
"""

RETURN = r"""
workloads:
  description: Each workload's rollout, in the order of kind, namespace and name.
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
    verdict:
      description:
        - V(complete) is as many updated and available pods as wanted, and no old ones.
        - V(progressing) is a rollout that can still complete.
        - V(stalled) is a Deployment that made no progress within its progress deadline.
        - V(failed) is one whose pods cannot start, or an object that is not there.
        - V(paused) is a rollout that waits for a person.
        - V(superseded) is one where another revision runs than O(revision).
      type: str
      sample: failed
    message:
      description: The verdict in one sentence.
      type: str
      sample: "Deployment shop/web: failed: web-7c5f9c6b8-x2x4k/web: ImagePullBackOff"
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
      sample: {"desired": 3, "total": 4, "updated": 2, "ready": 2, "available": 2}
    reasons:
      description: Why pods of the newest revision are not ready, the hopeless first. 10 at most.
      type: list
      elements: dict
      sample:
        - pod: web-7c5f9c6b8-x2x4k
          container: web
          reason: CrashLoopBackOff
          message: last ended with Error, exit code 1
    reasons_left_out:
      description: How many more reasons there were.
      type: int
      sample: 0
    marked:
      description: V(good) where the revision got that mark now. Null otherwise.
      type: str
      sample: good
    timed_out:
      description: Whether O(wait_timeout) ended the wait.
      type: bool
      sample: false
    duration:
      description: Seconds until the verdict.
      type: float
      sample: 12.482
summary:
  description: How many rollouts have which verdict.
  returned: always, unless nothing could be read
  type: dict
  sample:
    total: 1
    complete: 0
    progressing: 0
    stalled: 0
    failed: 1
    paused: 0
    superseded: 0
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    connect,
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._kube.status import (
    StatusRequest,
    read_status,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    WORKLOAD_OPTIONS,
    WORKLOADS_EXCLUDE_EACH_OTHER,
    WORKLOADS_REQUIRED,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **WORKLOAD_OPTIONS,
    "revision": {"type": "int"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
    "fail_fast": {"type": "bool", "default": True},
    "mark_good": {"type": "bool", "default": False},
}


def main() -> None:
    module = kubernetes_module(
        ARGUMENT_SPEC,
        mutually_exclusive=WORKLOADS_EXCLUDE_EACH_OTHER,
        required_one_of=WORKLOADS_REQUIRED,
    )
    options = module.params
    with reporting_errors(module):
        require_at_least(options, revision=1, wait_timeout=1)
        with connect(module) as client:
            result = read_status(
                client,
                selection_from(options, client.default_namespace),
                StatusRequest(
                    revision=options["revision"],
                    fail_fast=options["fail_fast"],
                    wait_seconds=options["wait_timeout"] if options["wait"] else 0,
                    mark_good=options["mark_good"],
                    dry_run=module.check_mode,
                ),
            )
    finish(module, result.as_result(), result.failure, result.warnings)


if __name__ == "__main__":
    main()
