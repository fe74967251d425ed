#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_rollout
short_description: Set images, restart, pause and resume rollouts
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Changes Deployments, StatefulSets and DaemonSets on purpose, one or hundreds of them, and waits
    for their rollouts.
  - Semantics are those of C(kubectl set image) and C(kubectl rollout restart|pause|resume). What
    is so already is no error and no change.
  - The server refuses the change where somebody else changed the workload after it was read; it
    is then looked at again, and changed as it is now.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._workloads
attributes:
  check_mode:
    support: full
    details:
      - The server tries the exact patch with C(dryRun=All). Nothing is stored.
  diff_mode:
    support: full
    details:
      - Shows the pod template and whether it is paused, before and after. Values of environment
        variables that look like secrets are masked.
  idempotent:
    support: partial
    details:
      - V(restarted) restarts every time.
options:
  state:
    description:
      - V(updated) sets O(images) and O(annotations).
      - V(restarted) starts all pods anew, by the update strategy. A paused Deployment is refused.
      - V(paused) and V(resumed) are for Deployments only.
    type: str
    choices:
      - updated
      - restarted
      - paused
      - resumed
    required: true
  images:
    description:
      - Images by the name of their container, init containers included. A container that is not
        there is an error, and nothing is changed.
    type: dict
  annotations:
    description:
      - Annotations that the pod template gets beside O(images), with V(updated). They belong to the
        revision, so a rollback brings the earlier ones back.
      - A value that differs starts a rollout, as another image does.
    type: dict
  reason:
    description:
      - Why, in a sentence. Becomes the change cause (annotation C(kubernetes.io/change-cause)) of
        V(updated) and V(restarted).
    type: str
  wait:
    description:
      - Whether to wait until the rollouts are complete. One that fails or stalls makes the module
        fail. V(paused) has nothing to wait for.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for all rollouts together, in seconds.
    type: int
    default: 300
seealso:
  - module: oncall.recovery.k8s_rollout_status
  - module: oncall.recovery.k8s_rollout_undo
notes:
  - A restart makes a new revision with the same images, so the one before is not what ran before
    a bad deploy any more. M(oncall.recovery.k8s_rollout_undo) with C(target=last_good) knows that.
  - Needs the verbs C(get) (or C(list), with selectors or several workloads) and C(patch) on the
    workloads, and to wait those of M(oncall.recovery.k8s_rollout_status).
  - "Errors name the object, the cause and the next step: a container that is not there, a paused
    Deployment that should restart, a kind that cannot be paused, a missing verb, a rollout that
    does not complete with its pods' reason."
"""

EXAMPLES = r"""
- name: Deploy a version, and fail where its pods do not come up
  oncall.recovery.k8s_rollout:
    name: web
    namespace: shop
    state: updated
    images:
      web: registry.example/web:2.4.2
    annotations:
      org.opencontainers.image.version: 2.4.2
    reason: Release 2.4.2

- name: Restart everything that belongs to the shop
  oncall.recovery.k8s_rollout:
    label_selectors:
      - app.kubernetes.io/part-of=shop
    namespace: shop
    state: restarted
    wait_timeout: 600

- name: Hold a rollout where it is
  oncall.recovery.k8s_rollout:
    name: web
    namespace: shop
    state: paused
"""

RETURN = r"""
workloads:
  description: What became of each workload, in the order of kind, namespace and name.
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
      description: Whether it was changed, or would be in check mode.
      type: bool
      sample: true
    failed:
      description: Whether it could not be changed, or its rollout did not complete.
      type: bool
      sample: false
    message:
      description: What was done, or the failure, in one sentence.
      type: str
      sample: "Deployment shop/web: updated"
    images:
      description: Its images now, by container.
      type: dict
      sample: {"web": "registry.example/web:2.4.2"}
    rollout:
      description:
        - The state of the rollout at the end, as M(oncall.recovery.k8s_rollout_status) returns it.
      type: dict
      returned: when it was waited for
      sample: {"verdict": "complete", "message": "all 3 pods run revision 6", "reasons": []}
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
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._kube.change import ChangeRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.changes import change_rollouts
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    WORKLOAD_OPTIONS,
    WORKLOADS_EXCLUDE_EACH_OTHER,
    WORKLOADS_REQUIRED,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **WORKLOAD_OPTIONS,
    "state": {
        "type": "str",
        "choices": ["updated", "restarted", "paused", "resumed"],
        "required": True,
    },
    "images": {"type": "dict"},
    "annotations": {"type": "dict"},
    "reason": {"type": "str"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def main() -> None:
    module = kubernetes_module(
        ARGUMENT_SPEC,
        mutually_exclusive=WORKLOADS_EXCLUDE_EACH_OTHER,
        required_one_of=WORKLOADS_REQUIRED,
        required_if=[("state", "updated", ["images"])],
    )
    options = module.params
    with reporting_errors(module):
        require_at_least(options, wait_timeout=1)
        request = ChangeRequest(
            state=options["state"],
            images=_texts(options, "images", "Name an image"),
            annotations=_texts(options, "annotations", "Write it in quotes"),
            reason=options["reason"] or "",
            dry_run=module.check_mode,
        )
        with connect(module) as client:
            result = change_rollouts(
                client,
                selection_from(options, client.default_namespace),
                request,
                wait_seconds=options["wait_timeout"] if options["wait"] else 0,
            )
    finish(module, result.as_result(with_diff=module._diff), result.failure)


def _texts(options: dict[str, t.Any], option: str, next_step: str) -> dict[str, str]:
    texts = options[option] or {}
    if texts and options["state"] != "updated":
        raise InvalidInput(option, "makes sense with state updated only", "Leave it out")
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise InvalidInput(f"{option} of {name}", f"is {text!r}", next_step)
    return texts


if __name__ == "__main__":
    main()
