#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_lock
short_description: Lock workloads, so that one operator at a time recovers them
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Takes or releases the lock of Deployments, StatefulSets and DaemonSets. It is a Lease
    (C(coordination.k8s.io/v1)) beside the workload, named C(oncall-recovery.<kind>.<name>).
  - Of two that want it at once, one gets it, and the other is told who holds it and until when.
  - A lock whose holder has died expires by itself after O(duration).
  - The lock binds those who look at it. M(oncall.recovery.k8s_rollout_undo) does; C(kubectl) does
    not.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._workloads
attributes:
  check_mode:
    support: full
    details:
      - The server tries to write the Leases with C(dryRun=All). Nothing is stored.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Taking a lock that O(holder) has already renews it, which does not count as a change.
options:
  state:
    description:
      - V(present) locks the selected workloads. Where another holds one of them, it fails.
      - V(absent) releases what O(holder) holds. Locks of others stay, and are returned.
    type: str
    choices:
      - present
      - absent
    default: present
  holder:
    description:
      - Who holds the lock. Whoever gives the same name has the same lock, so let it differ from
        run to run. The role P(oncall.recovery.rollback#role) does.
    type: str
    required: true
  duration:
    description:
      - How long the lock is held if it is neither renewed nor released, in seconds.
    type: int
    default: 600
  wait_timeout:
    description:
      - How long to wait for a lock that another holds, in seconds. V(0) gives up at once.
    type: int
    default: 0
  all_or_nothing:
    description:
      - Whether to let go of what was locked where another workload is held or not there, so that
        a failure leaves nothing locked. What O(holder) held before stays.
      - Workloads are then locked one after the other in the order of kind, namespace and name, so
        that of several runs that want the same ones, one gets them all.
      - Without it, the module locks what it can side by side, and still fails where that was not
        everything.
    type: bool
    default: true
  automatic:
    description:
      - Whether automation asks, and no person. It gets no lock where automation is switched off.
    type: bool
    default: false
  kill_switch_namespace:
    description:
      - Namespace of the kill switch for the whole cluster. Like the one in a workload's own
        namespace, it is the ConfigMap C(oncall-recovery) with the key C(automation), and any value
        but V(on), V(true), V(yes) and V(enabled) refuses locks to O(automatic).
    type: str
    default: oncall-recovery
  incident:
    description:
      - Name of the incident, shown to those who find the lock held.
    type: str
  reason:
    description:
      - What the lock is for, in a sentence, shown to those who find it held.
    type: str
seealso:
  - module: oncall.recovery.k8s_rollout_undo
notes:
  - When a lock has expired is judged by the API server's clock, so clocks of machines may differ.
  - Needs the verbs C(get) (or C(list), with selectors or several workloads) on the workloads, and
    C(get), C(create), C(update) and, to wait, C(watch) on Leases. Released Leases stay, without a
    holder, until their workload is deleted. With O(automatic), C(list) on ConfigMaps in the
    namespaces of the workloads and of the kill switch.
  - "Errors name the workload, who holds its lock and until when, or the verb that the account
    lacks."
"""

EXAMPLES = r"""
- name: Lock a Deployment for as long as this play needs it
  oncall.recovery.k8s_lock:
    name: web
    namespace: shop
    holder: "{{ awx_user_name | default('ada') }}-{{ awx_job_id | default('laptop') }}"
    incident: INC-2041
    duration: 900

- name: Wait up to a minute for the locks of everything that belongs to the shop
  oncall.recovery.k8s_lock:
    label_selectors:
      - app.kubernetes.io/part-of=shop
    namespace: shop
    holder: nightly-restart-17
    wait_timeout: 60

- name: Release it
  oncall.recovery.k8s_lock:
    name: web
    namespace: shop
    holder: "{{ awx_user_name | default('ada') }}-{{ awx_job_id | default('laptop') }}"
    state: absent
"""

RETURN = r"""
locks:
  description: The lock of each workload as it is now, in the order of kind, namespace and name.
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
    changed:
      description: Whether it was taken or released, or would be in check mode.
      type: bool
      sample: true
    lease:
      description: Name of the Lease, in the workload's namespace.
      type: str
      sample: oncall-recovery.deployment.web
    holder:
      description: Who holds it. Null where nobody does.
      type: str
      sample: ada-4711
    until:
      description: When it expires, in UTC. Null where nobody holds it.
      type: str
      sample: "2026-11-25T03:14:07Z"
    incident:
      description: The incident it is held for. Null where none is named.
      type: str
      sample: INC-2041
    error:
      description:
        - What kept it from being locked or released, other than another holder. Null where
          nothing did.
      type: str
      sample: "lock of Deployment shop/web: the API server answered 403 Forbidden: cannot update"
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
    require_text,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    connect,
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import Claim
from ansible_collections.oncall.recovery.plugins.module_utils._kube.locking import (
    lock_workloads,
    unlock_workloads,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    WORKLOAD_OPTIONS,
    WORKLOADS_EXCLUDE_EACH_OTHER,
    WORKLOADS_REQUIRED,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **WORKLOAD_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "holder": {"type": "str", "required": True},
    "duration": {"type": "int", "default": 600},
    "wait_timeout": {"type": "int", "default": 0},
    "all_or_nothing": {"type": "bool", "default": True},
    "automatic": {"type": "bool", "default": False},
    "kill_switch_namespace": {"type": "str", "default": "oncall-recovery"},
    "incident": {"type": "str"},
    "reason": {"type": "str"},
}


def main() -> None:
    module = kubernetes_module(
        ARGUMENT_SPEC,
        mutually_exclusive=WORKLOADS_EXCLUDE_EACH_OTHER,
        required_one_of=WORKLOADS_REQUIRED,
    )
    options = module.params
    with reporting_errors(module):
        require_at_least(options, duration=1, wait_timeout=0)
        require_text(options, "holder", "kill_switch_namespace")
        claim = Claim(
            options["holder"],
            options["duration"],
            options["incident"] or "",
            options["reason"] or "",
        )
        with connect(module) as client:
            selection = selection_from(options, client.default_namespace)
            if options["state"] == "present":
                result = lock_workloads(
                    client,
                    selection,
                    claim,
                    wait_seconds=options["wait_timeout"],
                    all_or_nothing=options["all_or_nothing"],
                    dry_run=module.check_mode,
                    kill_switch_namespace=options["automatic"] and options["kill_switch_namespace"],
                )
            else:
                result = unlock_workloads(
                    client, selection, claim.holder, dry_run=module.check_mode
                )
    finish(module, result.as_result(), result.failure)


if __name__ == "__main__":
    main()
