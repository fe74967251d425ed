#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_decision
short_description: Decide from evidence what gets users served again
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Takes what is known of an incident and says which one action fits, why, how sure that is, what
    keeps it from being done without a person, and what would change the answer.
  - It asks nobody and changes nothing. The same evidence always gives the same answer.
  - All evidence is optional. What is missing is not known, and what is not known never starts
    anything.
  - "The tree, of which the first branch that fits is taken: nothing at all is known
    (V(investigate)); nothing is wrong (V(none)); a rollout began before the onset and the symptoms
    belong to it (V(rollback)); a ConfigMap or Secret in use was changed before the onset
    (V(revert_config), or V(investigate) where nobody holds what it was before); the database fails
    (V(restore_database)); an external API fails (V(enable_fallback)); the load is far above its
    usual level and the pods are full (V(scale)); memory climbs long after the last rollout until
    pods are killed (V(restart), and V(investigate)); anything else (V(investigate))."
  - Symptoms belong to a revision where new pods do worse than old ones beside them, where its
    template itself cannot run, or where the onset follows its rollout, nothing outside explains
    it, and no other change lies between. A dependency that failed before the rollout explains it,
    and so do a load that fills the pods, a neighbour that came up lately and takes the node's CPU,
    and a node under pressure.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
options:
  symptoms:
    description:
      - What users get, as RV(oncall.recovery.signal_info#module:signals).
      - With a C(range) their history tells when it began, whether users were well after a rollout,
        and whether a signal turns to and fro. With values by C(pod), old and new pods are compared.
    type: list
    elements: dict
    default: []
  dependencies:
    description:
      - What the service needs.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name, once each.
        type: str
        required: true
      kind:
        description: What it is. V(other) never leads to an action by itself.
        type: str
        choices: [database, external_api, other]
        required: true
      mitigation:
        description: Name of the mitigation that the team declared as its fallback.
        type: str
      measured_at:
        description:
          - Where the signals come from, the requests of V(service), which a bad release of it can
            make fail, or the dependency V(itself).
        type: str
        choices: [service, itself]
        default: service
      signals:
        description: Its health, as RV(oncall.recovery.signal_info#module:signals).
        type: list
        elements: dict
        default: []
      since:
        description:
          - Since when it fails, where that is known from elsewhere, such as its status page. An
            earlier time in the history of its signals wins. RFC 3339.
        type: str
  load:
    description:
      - How much is asked of the service, as RV(oncall.recovery.signal_info#module:signals).
        Unhealthy means far above the usual level. With a C(range), what is usual is taken from
        before the onset, too; see O(load_factor).
    type: list
    elements: dict
    default: []
  saturation:
    description:
      - Whether the pods are full, as RV(oncall.recovery.signal_info#module:signals), such as the
        length of their queues. The CPU usage in O(triage) counts beside it.
    type: list
    elements: dict
    default: []
  memory:
    description:
      - Memory of the pods, as RV(oncall.recovery.signal_info#module:signals). With a C(range), it
        tells since when memory climbs.
    type: list
    elements: dict
    default: []
  platform:
    description:
      - What the service shares with others, such as nodes and name service, as
        RV(oncall.recovery.signal_info#module:signals).
    type: list
    elements: dict
    default: []
  triage:
    description:
      - The whole result of M(oncall.recovery.k8s_triage_info).
    type: dict
  workload:
    description:
      - The workload that the symptoms are about. By default all of O(triage) are looked at, and the
        one that fits best is taken.
    type: dict
    suboptions:
      kind:
        description: Kind of the workload.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
        default: Deployment
      namespace:
        description: Namespace of the workload.
        type: str
        required: true
      name:
        description: Name of the workload.
        type: str
        required: true
  onset:
    description:
      - When it began, as far as is known, such as C(startsAt) of an alert. RFC 3339. An earlier
        time in the history of O(symptoms) wins, since alerts wait before they fire.
    type: str
  now:
    description:
      - The present. RFC 3339. By default that of O(triage), else that of this machine's clock.
    type: str
  window:
    description:
      - How long before the onset a rollout or another change is suspected. A duration such as
        V(1h), or a number of seconds, as for all durations below.
    type: str
    default: 1h
  settle:
    description:
      - How long it takes until a rollout or another change shows in the signals.
    type: str
    default: 2m
  proving_time:
    description:
      - A revision that ran for longer than this before the next one is not suspected together with
        it, and symptoms that follow a rollout by more than this are weak evidence against it.
    type: str
    default: 10m
  tolerance:
    description:
      - By how much clocks, and the times at which signals are taken, may differ.
    type: str
    default: 5s
  unready_for:
    description:
      - How long a pod may be getting ready.
    type: str
    default: 30s
  crashed_within:
    description:
      - How long ago a container that runs again may have crashed to count as being in trouble.
    type: str
    default: 10m
  flaps:
    description:
      - How many times a signal has to turn unhealthy in its history to be no clear evidence, unless
        it has stayed the same for O(settle) since.
    type: int
    default: 3
  load_factor:
    description:
      - How many times its usual level a load is far above it.
    type: float
    default: 2.0
  scale_factor_max:
    description:
      - By how much the number of pods is multiplied at most.
    type: float
    default: 3.0
  saturated_share:
    description:
      - From which share of its CPU limit on a pod is full. Half of the pods have to be.
    type: float
    default: 0.8
  memory_share:
    description:
      - From which share of its memory limit on a pod whose memory climbs is in trouble.
    type: float
    default: 0.9
  neighbour_share:
    description:
      - From which share of the CPU of a node on another pod there explains slowness.
    type: float
    default: 0.5
  least_confidence:
    description:
      - An action of less confidence than this gets a blocker.
    type: str
    choices: [low, medium, high]
    default: medium
  gitops:
    description:
      - What M(oncall.recovery.k8s_rollout_undo) will be told to do about Argo CD, Flux or Helm.
        With V(refuse), a workload that they manage gets a blocker.
    type: str
    choices: [refuse, suspend, ignore]
    default: refuse
  approved_by:
    description:
      - Who approved crossing a migration that cannot be reversed.
    type: str
  reversible_migrations:
    description:
      - Migrations (values of the annotation C(oncall.recovery/migration)) that can be rolled back
        over.
    type: list
    elements: str
    default: []
  held:
    description:
      - Earlier, good content of ConfigMaps and Secrets that the caller holds, in the form of
        O(oncall.recovery.k8s_mitigation#module:changes). It wins over what O(triage) holds, and is
        returned in RV(target) where it fits.
    type: list
    elements: dict
    default: []
notes:
  - It does not fail on evidence that is missing, only on evidence that is none. The usual errors
    are a signal without a verdict, a time that is none, and a result of another module.
  - Confidence in a rollback is V(high) where old and new pods were compared, where the template
    itself cannot run, where two kinds of indirect evidence agree, or where one does and all of
    O(dependencies) and O(platform) are known to be healthy; V(medium) with one kind; V(low) where
    it is merely not ruled out. Other actions are V(high) where the order in time is known. It is
    one step lower where two workloads were rolled out and nothing tells them apart.
seealso:
  - module: oncall.recovery.k8s_rollout_undo
  - module: oncall.recovery.k8s_mitigation
  - module: oncall.recovery.signal_info
"""

EXAMPLES = r"""
- name: Ask what users get, minute by minute
  oncall.recovery.signal_info:
    prometheus:
      url: http://prometheus.example:9090
    signals:
      - name: share of failing requests
        promql: >-
          (sum by (pod) (rate(http_requests_total{code=~"5.."}[1m]))
          or 0 * sum by (pod) (rate(http_requests_total[1m])))
          / sum by (pod) (rate(http_requests_total[1m]))
        threshold: 0.05
        range: 30m
        step: 15s
  register: users

- name: Look at the workloads
  oncall.recovery.k8s_triage_info:
    namespace: shop
  register: triage

- name: Decide
  oncall.recovery.recovery_decision:
    symptoms: "{{ users.signals }}"
    triage: "{{ triage }}"
  register: decision

- name: Decide for one workload, with what it depends on and a shorter window
  oncall.recovery.recovery_decision:
    symptoms: "{{ users.signals }}"
    triage: "{{ triage }}"
    workload: {namespace: shop, name: web}
    onset: "2026-11-25T18:40:07Z"
    window: 30m
    dependencies:
      - name: payments
        kind: external_api
        mitigation: payments_fallback
        signals: "{{ payments.signals | default([]) }}"
      - name: orders
        kind: database
        measured_at: itself
        signals: "{{ orders.signals | default([]) }}"
  register: decision

- name: Roll back, where nobody has to be asked
  oncall.recovery.k8s_rollout_undo:
    kind: "{{ decision.target.kind }}"
    namespace: "{{ decision.target.namespace }}"
    name: "{{ decision.target.name }}"
    to_revision: "{{ decision.target.to_revision }}"
    target: "{{ decision.target.target }}"
    automatic: true
    incident: INC-2041
    reason: "{{ decision.summary }}"
  when: decision.action == 'rollback' and decision.automatic
"""

RETURN = r"""
action:
  description:
    - V(none), V(investigate), V(rollback), V(revert_config), V(restore_database),
      V(enable_fallback), V(scale) or V(restart).
  returned: success
  type: str
  sample: rollback
cause:
  description:
    - What it is taken to be, V(nothing), V(rollout), V(configuration), V(database),
      V(external_api), V(load), V(memory), V(migration), V(credentials), V(platform), V(dependency)
      or V(unknown).
  returned: success
  type: str
  sample: rollout
target:
  description:
    - What to act on; null where there is nothing to act on. Workloads by RV(ignore:kind),
      RV(ignore:namespace) and RV(ignore:name).
    - For V(rollback), RV(ignore:from_revision), RV(ignore:to_revision) (0 where RV(ignore:target)
      says which) and RV(ignore:target). For V(scale), RV(ignore:replicas) and RV(ignore:factor).
      For V(revert_config), RV(ignore:changes) for M(oncall.recovery.k8s_mitigation), and the
      RV(ignore:workloads) that use it. For V(enable_fallback) and V(restore_database),
      RV(ignore:dependency) and its RV(ignore:mitigation).
  returned: success
  type: dict
  sample:
    kind: Deployment
    namespace: shop
    name: web
    from_revision: 7
    to_revision: 5
    target: last_good
confidence:
  description: V(low), V(medium) or V(high); see the notes.
  returned: success
  type: str
  sample: high
automatic:
  description: Whether it can be done without asking a person. Never for V(investigate).
  returned: success
  type: bool
  sample: true
reasons:
  description: Why, in sentences that quote the evidence.
  returned: success
  type: list
  elements: str
  sample:
    - "Deployment shop/web: revision 7 (example/web:2.4.1), rolled out at 2026-11-25T18:38:50Z"
    - "symptoms since 2026-11-25T18:39:10Z, 20 s after the rollout began"
blockers:
  description:
    - What keeps it from being done without a person. Names are V(approval), V(autoscaler_limit),
      V(confidence), V(gitops), V(migration_barrier), V(no_earlier_value), V(no_fallback),
      V(no_room), V(no_target) and V(paused).
  returned: success
  type: list
  elements: dict
  sample:
    - name: migration_barrier
      detail: >-
        between revision 5 and now lies a migration (from none to 0042) that is not listed as
        reversible
would_change:
  description: Evidence that would lead to another answer.
  returned: success
  type: list
  elements: str
  sample: ["pods from before revision 7 that do as badly beside new ones"]
also:
  description: What should be done beside the action.
  returned: success
  type: list
  elements: str
  sample: []
considered:
  description: Every branch of the tree, in its order, and why it was taken or not.
  returned: success
  type: list
  elements: dict
  contains:
    branch:
      description: What it is about.
      type: str
      sample: the database
    action:
      description: What it leads to.
      type: str
      sample: restore_database
    taken:
      description: Whether it was taken.
      type: bool
      sample: false
    why:
      description: Why, or why not.
      type: str
      sample: no database fails
onset:
  description: Since when users suffer, as it was found (UTC). Null where it is not known.
  returned: success
  type: str
  sample: "2026-11-25T18:39:10Z"
onset_from:
  description: V(symptoms), V(given), or empty.
  returned: success
  type: str
  sample: symptoms
summary:
  description: The answer in one sentence.
  returned: success
  type: str
  sample: >-
    rollback (high confidence): Deployment shop/web: revision 7 (example/web:2.4.1), rolled out at
    2026-11-25T18:38:50Z
"""

import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    plain_module,
    reporting_errors,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import CONFIDENCES
from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
    DATABASE,
    EXTERNAL_API,
    ITSELF,
    OTHER,
    SERVICE,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.options import case_from
from ansible_collections.oncall.recovery.plugins.module_utils._decision.tree import decide
from ansible_collections.oncall.recovery.plugins.module_utils._options import KINDS

SIGNALS: dict[str, t.Any] = {"type": "list", "elements": "dict", "default": []}
DEPENDENCY: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": [DATABASE, EXTERNAL_API, OTHER], "required": True},
    "mitigation": {"type": "str"},
    "measured_at": {"type": "str", "choices": [SERVICE, ITSELF], "default": SERVICE},
    "signals": SIGNALS,
    "since": {"type": "str"},
}
WORKLOAD: dict[str, t.Any] = {
    "kind": {"type": "str", "choices": KINDS, "default": "Deployment"},
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "symptoms": SIGNALS,
    "dependencies": {**SIGNALS, "options": DEPENDENCY},
    "load": SIGNALS,
    "saturation": SIGNALS,
    "memory": SIGNALS,
    "platform": SIGNALS,
    "triage": {"type": "dict"},
    "workload": {"type": "dict", "options": WORKLOAD},
    "onset": {"type": "str"},
    "now": {"type": "str"},
    "window": {"type": "str", "default": "1h"},
    "settle": {"type": "str", "default": "2m"},
    "proving_time": {"type": "str", "default": "10m"},
    "tolerance": {"type": "str", "default": "5s"},
    "unready_for": {"type": "str", "default": "30s"},
    "crashed_within": {"type": "str", "default": "10m"},
    "flaps": {"type": "int", "default": 3},
    "load_factor": {"type": "float", "default": 2.0},
    "scale_factor_max": {"type": "float", "default": 3.0},
    "saturated_share": {"type": "float", "default": 0.8},
    "memory_share": {"type": "float", "default": 0.9},
    "neighbour_share": {"type": "float", "default": 0.5},
    "least_confidence": {"type": "str", "choices": list(CONFIDENCES), "default": "medium"},
    "gitops": {"type": "str", "choices": ["refuse", "suspend", "ignore"], "default": "refuse"},
    "approved_by": {"type": "str"},
    "reversible_migrations": {"type": "list", "elements": "str", "default": []},
    "held": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    module = plain_module(ARGUMENT_SPEC)
    with reporting_errors(module):
        result = decide(case_from(module.params, time.time())).as_result()
    finish(module, result)


if __name__ == "__main__":
    main()
