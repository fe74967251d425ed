#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_rollout_undo
short_description: Roll Deployments, StatefulSets and DaemonSets back
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Brings the pod template of an earlier revision back, for one workload or for hundreds.
  - Semantics are those of C(kubectl rollout undo) unless said otherwise. Only the pod template
    moves; replicas, ConfigMaps, Secrets and autoscalers stay as they are.
  - A workload's revisions are those that it controls by owner UID. Labels decide nothing.
  - The change is refused by the server, and reported, where somebody else changed the workload
    after it was read.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._workloads
attributes:
  check_mode:
    support: full
    details:
      - The server tries the exact patch with C(dryRun=All), so that admission, validation and
        RBAC speak. Nothing is stored.
  diff_mode:
    support: full
    details:
      - Shows the pod template before and after. Values of environment variables that look like
        secrets are masked.
  idempotent:
    support: partial
    details:
      - With O(to_revision), a second run is skipped as long as that revision keeps its number.
        Kubernetes renumbers a revision when it is used again.
      - With O(incident) or O(target=last_good), a second run finds what the first one did and is
        skipped, for as long as nobody deploys in between.
      - With O(target=previous) alone, a second run stops at the revision that the first one left
        and marked bad. With O(mark=false) it goes back to it, as with kubectl.
options:
  to_revision:
    description:
      - Number of the revision to go to, as M(oncall.recovery.k8s_rollout_info) lists it. It is
        taken even where it is marked bad, with a warning in RV(workloads[].guards).
      - V(0) is the same as leaving it out, and lets O(target) decide.
    type: int
    default: 0
  target:
    description:
      - Which revision to go to where O(to_revision) names none.
      - V(previous) is the one with the second highest number, as in kubectl, whether or not it
        ever worked. Where it is marked bad, nothing is done.
      - V(last_good) is the newest one that is marked good. Where none is, it is the newest that
        is not marked bad, has other images than those that run now and than a later one that is
        marked bad, was not left by going back, has no pods that fail, and took over from the one
        before, as far as the history shows; RV(workloads[].proof) then says V(unproven). Where
        there is no such revision either, nothing is done, and the message says what was considered.
      - Neither is one that differs from what runs now, or from one that is marked bad, only by
        the time of a C(kubectl rollout restart). It would bring the same trouble back.
      - What runs now is never the target, even where it is marked good.
    type: str
    choices:
      - previous
      - last_good
    default: previous
  reason:
    description:
      - Why, in a sentence. Becomes the change cause (annotation C(kubernetes.io/change-cause)).
      - Without it, the change cause says from which revision to which it was rolled back.
    type: str
  incident:
    description:
      - Name of the incident that this is done for. It is noted on the workload, in the annotation
        C(oncall.recovery/rollback), and on the revision that is left, in the label
        C(oncall.recovery/incident), shortened to what a label may hold.
      - A run that is repeated with the same incident does nothing twice.
    type: str
  mark:
    description:
      - Whether to mark the revision that is left as bad, with the label
        C(oncall.recovery/verdict) on its ReplicaSet or ControllerRevision, so that no later
        rollback chooses it. The mark is set after the change. Where it cannot be set, that is a
        warning, and the rollback stands.
    type: bool
    default: true
  automatic:
    description:
      - Whether nobody watches this run. The guard C(cooldown) then allows one rollback per
        O(incident), and none within O(cooldown) of another automatic one, and C(kill_switch) none
        where automation is switched off.
    type: bool
    default: false
  cooldown:
    description:
      - Seconds that have to pass between two automatic rollbacks of a workload. A rollback by hand
        in between does not shorten them.
    type: int
    default: 3600
  deployed_within:
    description:
      - Seconds within which the present revision has to have been rolled out, for what fails to be
        taken for its fault. Otherwise the guard C(recent_rollout) refuses, because going back would
        replace a version that served well and leave the trouble as it is.
      - A StatefulSet or DaemonSet counts from when its revision was first made, also where it went
        back to it later.
      - V(0) does not ask.
    type: int
    default: 0
  kill_switch_namespace:
    description:
      - Namespace of the kill switch for the whole cluster. Like the one in the workload's own
        namespace, it is the ConfigMap C(oncall-recovery) with the key C(automation), and any value
        but V(on), V(true), V(yes) and V(enabled) stops runs with O(automatic). Other runs do not
        look at it.
    type: str
    default: oncall-recovery
  holder:
    description:
      - Who may hold the workload's lock without it being in the way, as it was given to
        M(oncall.recovery.k8s_lock). Locks of others block.
    type: str
  gitops:
    description:
      - What to do where Argo CD, Flux or Helm deploys the workload, by its labels and annotations
        (C(argocd.argoproj.io/tracking-id), C(argocd.argoproj.io/instance),
        C(kustomize.toolkit.fluxcd.io/name), C(helm.toolkit.fluxcd.io/name),
        C(meta.helm.sh/release-name)).
      - V(refuse) does nothing, because the bad version would soon be back.
      - V(suspend) switches automated sync (Argo CD) or reconciliation (Flux) off first. How to
        switch it on again is written beforehand to the ConfigMap C(oncall-recovery-ledger) in
        the workload's namespace, as the path of the object and a JSON patch. It refuses where this
        has no effect, as for an Application made by an ApplicationSet, or for Helm.
      - V(ignore) rolls back with a warning.
    type: str
    choices:
      - refuse
      - suspend
      - ignore
    default: refuse
  argocd_namespace:
    description:
      - Namespace of Applications, where the workload does not name another. For O(gitops=suspend).
    type: str
    default: argocd
  override_guards:
    description:
      - Guards whose refusal becomes a warning, so that the workload is rolled back all the same.
        RV(workloads[].guards) names the one that refused.
      - V(target_exists) is not among them, for without a target there is nothing to do.
      - A guard that would have to read something is not asked at all, so that overriding it also
        helps where the account may not read that.
    type: list
    elements: str
    choices:
      - kill_switch
      - lock
      - cooldown
      - recent_rollout
      - owner
      - paused
      - controller_caught_up
      - references_exist
      - references_changed
      - migration_barrier
      - mutable_tag
      - health
      - quota
  approved_by:
    description:
      - Who approved going back across a migration that is not listed as reversible. The name
        stands in the result.
    type: str
  reversible_migrations:
    description:
      - Migrations that older code survives, by the value of the annotation
        C(oncall.recovery/migration) on the pod template.
    type: list
    elements: str
  all_or_nothing:
    description:
      - Change no workload unless every one passes its guards and the server's dry run first.
      - What fails after that dry run does not undo the others.
    type: bool
    default: false
  evict_stuck_pods:
    description:
      - Whether to evict pods that a StatefulSet with the pod management policy C(OrderedReady)
        waits for. It replaces no pod before all others are ready, so pods that never will be keep
        the restored template from having an effect.
      - Pods are evicted one at a time, the highest ordinal first, and never one of the target
        revision. Where a PodDisruptionBudget does not allow it, it is tried again within
        O(wait_timeout), and then told as a warning. Needs O(wait).
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the rollouts are complete. One that fails, stalls or is replaced by
        somebody else's makes the module fail.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for all rollouts together, in seconds.
    type: int
    default: 300
  concurrency:
    description:
      - How many workloads are changed side by side, over as many connections.
    type: int
    default: 8
seealso:
  - module: oncall.recovery.k8s_lock
  - module: oncall.recovery.k8s_rollout_info
  - module: oncall.recovery.k8s_rollout_status
  - name: kubectl rollout undo
    description: The command whose semantics are kept.
    link: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_undo/
notes:
  - "Errors name the object, the cause and the next step. The usual ones: the Deployment is paused;
    the revision is not in the history (a low C(revisionHistoryLimit) keeps few); there is no
    earlier revision; the account lacks a verb (the message quotes the server's); somebody else
    changed the workload meanwhile; the rollout of the earlier revision does not complete, and
    then the message quotes the pods' reason."
  - C(kubectl rollout undo) takes the annotation C(oncall.recovery/rollback) away or brings an older
    one back, and with it the start of the O(cooldown). That the O(incident) had its rollback is
    still known then, by the mark on the revision that was left.
  - With V(RollingUpdate) and a C(partition), only the pods of a StatefulSet from that ordinal on
    roll back, as with every change of its template.
  - Needs the verbs C(get), C(list) and C(patch) on the workloads, C(list) on ReplicaSets or
    ControllerRevisions (C(patch), too, to mark them), and C(watch) on both and C(list) and
    C(watch) on pods to wait. The guards need C(list) on Leases and ResourceQuotas, and on
    ConfigMaps, Secrets, ServiceAccounts and PersistentVolumeClaims where the target's template
    refers to such. Of those only the metadata is fetched, so that no secret's content ever
    travels. With O(automatic) they list the ConfigMaps named C(oncall-recovery) in two namespaces.
    With O(evict_stuck_pods), C(create) on C(pods/eviction). With O(gitops=suspend), C(list) and
    C(patch) on Applications, Kustomizations or HelmReleases, and C(get), C(create) and C(patch) on
    ConfigMaps.
  - "Limits of the guards. V(references_changed) compares the times of the last changes with the
    creation of the target's successor, so it can warn once too often where a revision was used
    again. V(health) sees ready pods only, not what users get. V(quota) leaves out quotas with
    scopes, and what a LimitRange would add. V(mutable_tag) takes a tag without a digit for one
    that is moved."
"""

EXAMPLES = r"""
- name: Roll a Deployment back to what ran before
  oncall.recovery.k8s_rollout_undo:
    name: web
    namespace: shop
    reason: Checkout answers 500 since 2.4.1

- name: Roll back to the last revision that worked, once per incident
  oncall.recovery.k8s_rollout_undo:
    name: web
    namespace: shop
    target: last_good
    incident: INC-2041
    automatic: true

- name: Go to a certain revision of a StatefulSet
  oncall.recovery.k8s_rollout_undo:
    kind: StatefulSet
    name: queue
    namespace: shop
    to_revision: 3
    wait_timeout: 600

- name: Show what a rollback of everything that belongs to the shop would change
  oncall.recovery.k8s_rollout_undo:
    label_selectors:
      - app.kubernetes.io/part-of=shop
    namespace: shop
  check_mode: true
  diff: true

- name: Roll two workloads of different kinds back, and do not wait for their pods
  oncall.recovery.k8s_rollout_undo:
    workloads:
      - name: web
        namespace: shop
      - kind: DaemonSet
        name: edge
        namespace: ingress
    wait: false
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
        - V(rolled_back) is a change that was asked for and, with O(wait), a complete rollout.
        - V(skipped) is a workload that has the wanted template already.
        - V(blocked) is one that a guard kept from being changed.
        - V(failed) is everything else. RV(workloads[].changed) says whether it was changed.
      type: str
      sample: rolled_back
    changed:
      description:
        - Whether the pod template was changed or a revision marked, or would be in check mode.
      type: bool
      sample: true
    message:
      description: The outcome in one sentence.
      type: str
      sample: "Deployment shop/web: rolled back from revision 5 to 3"
    from:
      description: The revision that ran before. Null where it is not known.
      type: dict
      sample: {"revision": 5, "hash": "7c5f9c6b8", "images": {"web": "registry.example/web:2.4.1"}}
    to:
      description: The revision it went to, under the number that it had then. Null where none.
      type: dict
      sample: {"revision": 3, "hash": "58d4b6f97", "images": {"web": "registry.example/web:2.4.0"}}
    proof:
      description:
        - With O(target=last_good), what speaks for the target. V(good) is a mark, V(unproven)
          only that nothing speaks against it. Null otherwise.
      type: str
      sample: good
    marked:
      description: V(bad) where the revision that was left got that mark now. Null otherwise.
      type: str
      sample: bad
    evicted:
      description: Names of the pods that were evicted with O(evict_stuck_pods).
      type: list
      elements: str
      sample: ["queue-2"]
    suspended:
      description: What was kept from acting by itself with O(gitops=suspend), or would be.
      type: list
      elements: dict
      sample:
        - tool: Argo CD
          kind: Application
          namespace: argocd
          name: shop
    guards:
      description:
        - The guards that were asked, in their order, each with V(pass), V(warn) or V(block) and a
          sentence. Where nothing can or need be done, only the first few are asked.
      type: list
      elements: dict
      sample: [{"name": "paused", "outcome": "pass", "detail": "it is not paused"}]
    rollout:
      description:
        - The state of the rollout at the end, as M(oncall.recovery.k8s_rollout_status) returns it.
      type: dict
      returned: when it was waited for
      sample: {"verdict": "complete", "message": "all 3 pods run revision 6", "reasons": []}
    duration:
      description: Seconds from the decision to the change, and to the end of the wait if any.
      type: float
      sample: 8.214
summary:
  description: How many workloads had which outcome.
  returned: always, unless nothing could be read
  type: dict
  sample: {"total": 1, "rolled_back": 1, "skipped": 0, "blocked": 0, "failed": 0}
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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo import undo_rollouts
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    OVERRIDABLE_GUARDS,
    WORKLOAD_OPTIONS,
    WORKLOADS_EXCLUDE_EACH_OTHER,
    WORKLOADS_REQUIRED,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    **WORKLOAD_OPTIONS,
    "to_revision": {"type": "int", "default": 0},
    "target": {"type": "str", "choices": ["previous", "last_good"], "default": "previous"},
    "reason": {"type": "str"},
    "incident": {"type": "str"},
    "mark": {"type": "bool", "default": True},
    "automatic": {"type": "bool", "default": False},
    "cooldown": {"type": "int", "default": 3600},
    "deployed_within": {"type": "int", "default": 0},
    "kill_switch_namespace": {"type": "str", "default": "oncall-recovery"},
    "holder": {"type": "str"},
    "gitops": {"type": "str", "choices": ["refuse", "suspend", "ignore"], "default": "refuse"},
    "argocd_namespace": {"type": "str", "default": "argocd"},
    "override_guards": {"type": "list", "elements": "str", "choices": OVERRIDABLE_GUARDS},
    "approved_by": {"type": "str"},
    "reversible_migrations": {"type": "list", "elements": "str"},
    "all_or_nothing": {"type": "bool", "default": False},
    "evict_stuck_pods": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
    "concurrency": {"type": "int", "default": 8},
}


def main() -> None:
    module = kubernetes_module(
        ARGUMENT_SPEC,
        mutually_exclusive=WORKLOADS_EXCLUDE_EACH_OTHER,
        required_one_of=WORKLOADS_REQUIRED,
    )
    options = module.params
    with reporting_errors(module):
        if options["evict_stuck_pods"] and not options["wait"]:
            raise InvalidInput("evict_stuck_pods", "is set without wait", "Set wait, too")
        require_at_least(
            options, to_revision=0, cooldown=0, deployed_within=0, wait_timeout=1, concurrency=1
        )
        with connect(module, concurrency=options["concurrency"]) as client:
            result = undo_rollouts(
                client,
                selection_from(options, client.default_namespace),
                UndoRequest(
                    to_revision=options["to_revision"],
                    target=options["target"],
                    reason=options["reason"] or "",
                    incident=options["incident"] or "",
                    mark=options["mark"],
                    automatic=options["automatic"],
                    cooldown_seconds=options["cooldown"],
                    deployed_within_seconds=options["deployed_within"],
                    kill_switch_namespace=options["kill_switch_namespace"],
                    holder=options["holder"] or "",
                    gitops=options["gitops"],
                    argocd_namespace=options["argocd_namespace"],
                    override_guards=frozenset(options["override_guards"] or ()),
                    approved_by=options["approved_by"] or "",
                    reversible_migrations=frozenset(options["reversible_migrations"] or ()),
                    all_or_nothing=options["all_or_nothing"],
                    evict_stuck_pods=options["evict_stuck_pods"],
                    dry_run=module.check_mode,
                    wait_seconds=options["wait_timeout"] if options["wait"] else 0,
                ),
            )
    told = result.as_result(with_diff=module._diff)
    finish(module, told, result.failure, result.warnings)


if __name__ == "__main__":
    main()
