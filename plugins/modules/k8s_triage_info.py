#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_triage_info
short_description: Look at everything about workloads at once, and say what is wrong first
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Tells as data what C(kubectl get pods), C(describe), C(logs --tail), C(logs --previous), C(top)
    and C(rollout status) would tell of Deployments, StatefulSets and DaemonSets, with what was
    changed lately and who manages them, and on top a list of findings, the most telling first.
  - Everything is read side by side, one LIST per kind and namespace, inside of O(budget). What did
    not fit, is not served, or may not be read is said in RV(sources), and is no error.
  - Logs are grouped, so that the same message or stack trace is there once, with its count. What
    looks like a secret is masked everywhere, and the content of Secrets is never read.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
options:
  name:
    description:
      - Name of one workload. Without it, O(workloads) and O(label_selectors), all workloads of the
        namespace are looked at.
    type: str
  kind:
    description:
      - Kind of the workloads. With O(name), V(Deployment) is meant unless another one is given;
        else all three are.
    type: str
    choices: [Deployment, StatefulSet, DaemonSet]
  namespace:
    description:
      - Namespace of the workloads. By default that of the context.
    type: str
  label_selectors:
    description:
      - Label selectors, all of which must match the workloads.
    type: list
    elements: str
  workloads:
    description:
      - A list of workloads, of several kinds and namespaces; 50 at most.
    type: list
    elements: dict
    suboptions:
      kind:
        description: Kind of the workload.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
        default: Deployment
      namespace:
        description: Namespace of the workload. By default that of the context.
        type: str
      name:
        description: Name of the workload.
        type: str
        required: true
  budget:
    description:
      - How long all of it may take. A duration such as V(30s), or a number of seconds; 1 second or
        more. What has not answered by then is left out.
    type: str
    default: 30s
  window:
    description:
      - How long ago a change or an event may be to be told. A duration such as V(1h), or a number
        of seconds.
    type: str
    default: 1h
  log_lines:
    description:
      - How many lines of a log are read, from its end; 1000 at most, and 256 KiB of each log. V(0)
        reads no logs.
      - Read is one log for each way in which the containers of a revision fail, from before the
        last start where there was one, and beside it one of a container that does not fail.
    type: int
    default: 100
  exec:
    description:
      - Commands to run inside of up to three pods that run, those in trouble first, each as a list
        of words. No shell is between.
      - A command that is not in O(exec_allowed), word by word, is refused before anything is read.
    type: list
    elements: raw
    default: []
  exec_allowed:
    description:
      - The commands that O(exec) may name. Keep it where those who choose O(exec) cannot reach it.
      - By default C(cat /proc/meminfo), C(cat /proc/loadavg), C(cat /proc/net/sockstat),
        C(cat /etc/resolv.conf), C(date), C(df -h), C(free -m), C(id), C(netstat -tn), C(ps),
        C(ps aux), C(ss -tn), C(top -b -n 1) and C(uptime).
    type: list
    elements: raw
  baseline:
    description:
      - RV(config_maps) of an earlier run, from when all was well. What a ConfigMap held before it
        was changed is then known, and told in RV(changes).
    type: list
    elements: dict
    default: []
notes:
  - Needs C(get) and C(list) on the workloads, and C(list) on pods. All else makes it tell more,
    C(list) on ReplicaSets or ControllerRevisions, events, ConfigMaps, Secrets (metadata alone is
    asked for), HorizontalPodAutoscalers, nodes, and pods and nodes of C(metrics.k8s.io); C(get) on
    C(pods/log); for O(exec), C(create) and C(get) on C(pods/exec). See C(triage.yml) among the
    examples of the smallest rights.
  - A workload that is named and does not exist is listed in RV(missing), and is a finding.
  - "The usual errors: no connection to the API server; the token is wrong; a command is not
    allowed; a name that Kubernetes does not allow."
  - O(exec) needs the Python library websocket-client, which the library kubernetes brings.
seealso:
  - module: oncall.recovery.recovery_decision
  - module: oncall.recovery.k8s_rollout_info
  - module: oncall.recovery.k8s_rollout_status
"""

EXAMPLES = r"""
- name: Look at everything in a namespace
  oncall.recovery.k8s_triage_info:
    namespace: shop
  register: triage

- name: Say what is wrong, the most telling first
  ansible.builtin.debug:
    msg: "{{ triage.findings | map(attribute='message') }}"

- name: Look at one Deployment quickly, with two commands inside of its pods
  oncall.recovery.k8s_triage_info:
    namespace: shop
    name: web
    budget: 10s
    log_lines: 50
    exec:
      - [cat, /proc/meminfo]
      - [ss, -tn]

- name: Keep what the ConfigMaps hold while all is well
  oncall.recovery.k8s_triage_info:
    namespace: shop
    log_lines: 0
  register: well

- name: Look again later, and know what a changed ConfigMap held before
  oncall.recovery.k8s_triage_info:
    namespace: shop
    baseline: "{{ well.config_maps }}"
  register: triage
"""

RETURN = r"""
findings:
  description: What is wrong, the most telling first, then what was changed lately.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description: V(critical), V(warning) or V(info).
      type: str
      sample: critical
    type:
      description:
        - "What it is, in the order of the list: V(image_missing), V(config_missing), V(oom_killed),
          V(crash_loop), V(cannot_start), V(quota), V(unschedulable), V(probe_failing),
          V(not_ready), V(rollout_failed), V(missing), V(credentials_refused), V(node_trouble),
          V(container_exited), V(node_busy), V(memory_near_limit), V(cpu_near_limit),
          V(autoscaler_at_limit), V(errors_in_log), V(paused), V(change)."
      type: str
      sample: crash_loop
    subject:
      description: What it is about.
      type: str
      sample: Deployment shop/web
    message:
      description: The finding in one sentence.
      type: str
      sample: "Deployment shop/web: 3 pods of revision 7 crash again and again (container web)"
    evidence:
      description: What it rests on; 5 texts at most, which may have several lines.
      type: list
      elements: str
      sample: ["web-7c5f9c6b8-x1: Error, exit code 1, 4 restarts, the last at 2026-11-25T18:40:07Z"]
    count:
      description: How many pods, or how often it was said.
      type: int
      sample: 3
    since:
      description: Since when, where that is known (UTC).
      type: str
      sample: "2026-11-25T18:39:50Z"
    workload:
      description: The workload by kind, namespace and name. Null where it is about none.
      type: dict
      sample: {"kind": "Deployment", "namespace": "shop", "name": "web"}
at:
  description: When it was looked, by the API server's clock (UTC).
  returned: success
  type: str
  sample: "2026-11-25T18:40:21Z"
duration:
  description: Seconds that it took.
  returned: success
  type: float
  sample: 0.842
complete:
  description: Whether every source that is served was read.
  returned: success
  type: bool
  sample: true
sources:
  description:
    - Every list, log and command that was asked for, with RV(ignore:outcome) V(read),
      V(forbidden), V(absent), V(late) or V(failed), the server's words, and the seconds it took.
  returned: success
  type: list
  elements: dict
  sample:
    - name: nodes in any namespace
      outcome: forbidden
      detail: 'nodes in any namespace: the API server answered 403 Forbidden'
      seconds: 0.021
workloads:
  description:
    - The workloads as RV(oncall.recovery.k8s_rollout_info#module:workloads), with
      RV(ignore:rolled_back), the last rollback that was noted on it, or null. Of their 10 newest
      RV(ignore:revisions) it also tells when each RV(ignore:began) to be rolled out, whether it
      RV(ignore:is_restart) of the one before, its RV(ignore:migration), the
      RV(ignore:references) that it cannot start without, and the RV(ignore:diff) to the one
      before.
  returned: success
  type: list
  elements: dict
  sample: []
missing:
  description: Named workloads that do not exist.
  returned: success
  type: list
  elements: dict
  sample: []
pods:
  description:
    - Pods of the workloads, those in trouble first; 100 at most. Each with its revision, node,
      restarts, the reasons for which it is not ready, and its containers with their state, how
      they last ended, and their usage against their limits (CPU in cores, memory in bytes).
  returned: success
  type: list
  elements: dict
  sample: []
pods_left_out:
  description: How many more pods there were.
  returned: success
  type: int
  sample: 0
events:
  description: Events about the workloads, their revisions and pods, in order; 60 at most.
  returned: success
  type: list
  elements: dict
  sample:
    - at: "2026-11-25T18:40:07Z"
      type: Warning
      reason: BackOff
      kind: Pod
      namespace: shop
      name: web-7c5f9c6b8-x1
      message: Back-off restarting failed container
      count: 6
logs:
  description:
    - Logs by pod and container, with the number of RV(ignore:lines) that were read, and what they
      say in RV(ignore:groups), errors first; 20 of each log at most.
  returned: success
  type: list
  elements: dict
  sample:
    - namespace: shop
      pod: web-7c5f9c6b8-x1
      container: web
      previous: true
      failing: true
      workload: {"kind": "Deployment", "namespace": "shop", "name": "web"}
      lines: 100
      groups:
        - text: "error: no route to host"
          level: error
          count: 97
nodes:
  description:
    - The nodes of the pods, with what troubles them, how much of their CPU and memory is used, and
      on busy ones the RV(ignore:busiest) pods, with the workload of those that were asked about.
  returned: success
  type: list
  elements: dict
  sample: []
autoscalers:
  description: HorizontalPodAutoscalers of the workloads, with their bounds and what they want.
  returned: success
  type: list
  elements: dict
  sample: []
changes:
  description:
    - What was changed within O(window), newest first; templates, ConfigMaps and Secrets in use, and
      autoscalers. RV(ignore:diff) are lines with secrets masked. Of a ConfigMap, RV(ignore:revert)
      holds the O(oncall.recovery.k8s_mitigation#module:changes) that bring back what it held
      before, where RV(ignore:held_by) V(baseline) or V(last-applied) knows all of that.
  returned: success
  type: list
  elements: dict
  sample:
    - at: "2026-11-25T18:38:50Z"
      kind: ConfigMap
      namespace: shop
      name: web-settings
      what: changed
      workloads: [{"kind": "Deployment", "namespace": "shop", "name": "web"}]
      diff: ["shop.properties:", "-upstream_timeout_seconds=1", "+upstream_timeout_seconds=0.001"]
      revert:
        - kind: ConfigMap
          namespace: shop
          name: web-settings
          key: shop.properties
          value: "upstream_timeout_seconds=1\n"
      held_by: baseline
config_maps:
  description:
    - The ConfigMaps in use, for O(baseline) of a later run. What looks like a secret is masked, and
      the RV(ignore:data) of one that is larger than 64 KiB is null.
  returned: success
  type: list
  elements: dict
  sample: []
exec:
  description: What the commands of O(exec) said, with their exit code; -1 where one did not start.
  returned: success
  type: list
  elements: dict
  sample:
    - namespace: shop
      pod: web-7c5f9c6b8-x1
      container: web
      command: ["uptime"]
      rc: 0
      stdout: " 18:40:21 up 3 days,  load average: 0.52, 0.58, 0.59\n"
      stderr: ""
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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.request import (
    request_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.triage import triage
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    KINDS,
    WORKLOAD_OPTIONS,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.duration import seconds_in

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str"},
    "kind": {"type": "str", "choices": KINDS},
    "namespace": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str"},
    "workloads": WORKLOAD_OPTIONS["workloads"],
    "budget": {"type": "str", "default": "30s"},
    "window": {"type": "str", "default": "1h"},
    "log_lines": {"type": "int", "default": 100},
    "exec": {"type": "list", "elements": "raw", "default": []},
    "exec_allowed": {"type": "list", "elements": "raw"},
    "baseline": {"type": "list", "elements": "dict", "default": []},
}
EXCLUDE_EACH_OTHER = [
    ("name", "workloads"),
    ("name", "label_selectors"),
    ("workloads", "label_selectors"),
    ("workloads", "namespace"),
    ("workloads", "kind"),
]


def main() -> None:
    module = kubernetes_module(ARGUMENT_SPEC, mutually_exclusive=EXCLUDE_EACH_OTHER)
    with reporting_errors(module), connect(module) as client:
        request = request_from(
            module.params,
            client.default_namespace,
            budget=seconds_in("budget", module.params["budget"], least=1),
            window=seconds_in("window", module.params["window"], least=1),
        )
        result = triage(client, request)
    finish(module, result)


if __name__ == "__main__":
    main()
