#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_scale
short_description: Set how many replicas workloads have, with their autoscalers and not against them
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Scales Deployments, StatefulSets and ReplicaSets through their scale subresource, one or
    hundreds of them, and waits until the replicas are ready.
  - Where a HorizontalPodAutoscaler targets a workload, the number becomes the least that the
    autoscaler keeps, since it would set any other number back.
  - The server refuses the change where somebody else changed the number after it was read; it is
    then decided anew.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._workloads.scalable
attributes:
  check_mode:
    support: full
    details:
      - The server tries the exact patches with C(dryRun=All). Nothing is stored, and nothing is
        waited for.
  diff_mode:
    support: full
    details:
      - Shows the replicas and the autoscaler's bounds, before and after.
  idempotent:
    support: partial
    details:
      - O(factor) multiplies every time, up to O(max_replicas).
      - O(current_replicas) and O(resource_version) do not hold any more once they led to a change.
options:
  replicas:
    description:
      - How many replicas each workload is to have; 0 stops it.
      - Under an autoscaler that is adjusted (see O(hpa)), how many it is to have at least.
    type: int
  factor:
    description:
      - Multiplies the replicas that each workload has now, rounded up, as in V(1.5). The
        arithmetic is decimal and exact. More than 0.
      - A workload of no replicas is refused.
    type: float
  max_replicas:
    description:
      - A ceiling for what O(replicas) or O(factor) come to. Where a workload has more already and
        more was asked for, nothing is taken away from it.
    type: int
  current_replicas:
    description:
      - Fail, and change nothing, unless the workload has exactly this many replicas. The server
        checks it at the moment of the change.
    type: int
  resource_version:
    description:
      - Fail, and change nothing, unless the workload still has this C(metadata.resourceVersion).
        The server checks it at the moment of the change. For a single workload only.
      - The version also moves when only the status does, so take it right before.
    type: str
  hpa:
    description:
      - What to do about a HorizontalPodAutoscaler that targets the workload.
      - V(adjust) raises its C(minReplicas) to the number, and scales the workload at once where it
        has fewer. What the autoscaler adds for the load stays its affair. Fewer than it keeps now
        are refused, and so is a O(factor) below 1. With O(replicas=0) the workload is stopped,
        which switches the autoscaler off until someone sets another number; the module warns of
        that.
      - V(refuse) refuses to scale the workload.
      - V(ignore) sets the number all the same and warns of what the autoscaler will make of it.
        With O(wait), the number must also outlive the autoscaler's next look, which takes 20
        seconds.
    type: str
    choices:
      - adjust
      - refuse
      - ignore
    default: adjust
  hpa_max_replicas:
    description:
      - How far the autoscaler's C(maxReplicas) may be raised where the number is above it. More
        than that are not kept; the result says so in RV(workloads[].limited_by).
      - Without it, C(maxReplicas) stays as it is, and a number above it is refused.
    type: int
  wait:
    description:
      - Whether to wait until as many replicas are ready, and those that are too many have ended. A
        number that something else sets back makes the module fail.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for all workloads together, in seconds.
    type: int
    default: 300
seealso:
  - module: oncall.recovery.k8s_rollout
  - module: oncall.recovery.k8s_rollout_info
    description: Says among other things which autoscaler manages a workload.
  - module: kubernetes.core.k8s_scale
notes:
  - What M(kubernetes.core.k8s_scale) warns of fails here, namely preconditions that do not hold.
    Its C(wait_sleep) has no counterpart, for waiting is a watch and no polling, and neither has
    C(continue_on_error), for one workload that fails never keeps the others, and the module
    fails at the end with all results. Objects are named by O(kind) and O(name), not by a
    definition.
  - Jobs, ReplicationControllers and custom resources are not scaled. DaemonSets have no number of
    replicas.
  - A ReplicaSet that a Deployment controls is refused, and so is an autoscaler that something else
    controls, such as the ScaledObject of KEDA, for these would be set back at once.
  - Needs the verbs C(get) (or C(list), with selectors or several workloads) on the workloads,
    C(patch) on their C(scale), C(list) on HorizontalPodAutoscalers and C(patch) to adjust them.
    Waiting needs C(list) and C(watch) on the workloads, on ReplicaSets or ControllerRevisions and
    on pods. The roles C(observer) and C(mitigator) of the examples have all of that.
  - "Errors name the object, the cause and the next step: a precondition that does not hold, an
    autoscaler whose bounds are in the way, a missing verb, replicas that do not get ready in time
    with their pods' reason, a number that was set back."
"""

EXAMPLES = r"""
- name: Half as many replicas again, twenty at most, and wait until they are ready
  oncall.recovery.k8s_scale:
    name: web
    namespace: shop
    factor: 1.5
    max_replicas: 20

- name: Give an autoscaled workload at least twelve, and let the autoscaler go up to thirty for it
  oncall.recovery.k8s_scale:
    name: web
    namespace: shop
    replicas: 12
    hpa_max_replicas: 30

- name: Stop the importers, but only where they have two replicas each
  oncall.recovery.k8s_scale:
    kind: StatefulSet
    label_selectors:
      - app.kubernetes.io/component=importer
    namespace: shop
    replicas: 0
    current_replicas: 2
    wait_timeout: 60
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
    outcome:
      description:
        - V(scaled) where something was changed, or would be in check mode; V(already) where
          nothing had to be; V(overridden) where something else set the number back; V(failed)
          otherwise.
      type: str
      sample: scaled
    changed:
      description: Whether the workload or its autoscaler was changed, or would be in check mode.
      type: bool
      sample: true
    failed:
      description: Whether it was V(overridden) or V(failed).
      type: bool
      sample: false
    message:
      description: What was done, or the failure, in one sentence.
      type: str
      sample: "Deployment shop/web: scaled from 4 to 6 replicas"
    replicas_before:
      description: How many replicas it was set to, or null where nothing could be decided.
      type: int
      sample: 4
    replicas:
      description: How many it was set to by this call, or null where nothing could be decided.
      type: int
      sample: 6
    limited_by:
      description: The option that made it fewer than were asked for, or null.
      type: str
      sample: max_replicas
    autoscaler:
      description: The HorizontalPodAutoscaler that targets it, or null.
      type: dict
      contains:
        name:
          description: Its name.
          type: str
          sample: web
        min_replicas_before:
          description: Its C(minReplicas) before.
          type: int
          sample: 2
        min_replicas:
          description: Its C(minReplicas) now.
          type: int
          sample: 6
        max_replicas_before:
          description: Its C(maxReplicas) before.
          type: int
          sample: 10
        max_replicas:
          description: Its C(maxReplicas) now.
          type: int
          sample: 10
    ready_replicas:
      description: How many were ready at the end, or null where that was not waited for.
      type: int
      sample: 6
    duration:
      description: How long it was waited for, in seconds.
      type: float
      sample: 4.2
"""

import math
import typing as t
from decimal import Decimal

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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scale import ScaleRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.scaling import scale_workloads
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    SCALABLE_WORKLOAD_OPTIONS,
    WORKLOADS_EXCLUDE_EACH_OTHER,
    WORKLOADS_REQUIRED,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **SCALABLE_WORKLOAD_OPTIONS,
    "replicas": {"type": "int"},
    "factor": {"type": "float"},
    "max_replicas": {"type": "int"},
    "current_replicas": {"type": "int"},
    "resource_version": {"type": "str"},
    "hpa": {"type": "str", "choices": ["adjust", "refuse", "ignore"], "default": "adjust"},
    "hpa_max_replicas": {"type": "int"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def main() -> None:
    module = kubernetes_module(
        ARGUMENT_SPEC,
        mutually_exclusive=[*WORKLOADS_EXCLUDE_EACH_OTHER, ("replicas", "factor")],
        required_one_of=[*WORKLOADS_REQUIRED, ("replicas", "factor")],
    )
    options = module.params
    with reporting_errors(module):
        request = _request(options, module.check_mode)
        with connect(module) as client:
            result = scale_workloads(
                client,
                selection_from(options, client.default_namespace),
                request,
                wait_seconds=options["wait_timeout"] if options["wait"] else 0,
            )
    finish(module, result.as_result(with_diff=module._diff), result.failure, result.warnings)


def _request(options: dict[str, t.Any], dry_run: bool) -> ScaleRequest:
    """The request that the options make. Raises InvalidInput for those that make no sense."""
    require_at_least(options, replicas=0, current_replicas=0, wait_timeout=1)
    require_at_least(options, max_replicas=1, hpa_max_replicas=1)
    factor = options["factor"]
    if factor is not None and not (math.isfinite(factor) and factor > 0):
        raise InvalidInput("factor", f"is {factor}", "Use a number above 0")
    if options["hpa_max_replicas"] is not None and options["hpa"] != "adjust":
        raise InvalidInput("hpa_max_replicas", "makes sense with hpa=adjust only", "Leave it out")
    is_single = options["name"] is not None or len(options["workloads"] or ()) == 1
    if options["resource_version"] is not None and not is_single:
        raise InvalidInput("resource_version", "is that of one workload", "Name only that one")
    return ScaleRequest(
        replicas=options["replicas"],
        # What was written as 1.1 is meant as exactly that.
        factor=None if factor is None else Decimal(str(factor)),
        max_replicas=options["max_replicas"],
        hpa=options["hpa"],
        hpa_max_replicas=options["hpa_max_replicas"],
        current_replicas=options["current_replicas"],
        resource_version=options["resource_version"] or "",
        dry_run=dry_run,
    )


if __name__ == "__main__":
    main()
