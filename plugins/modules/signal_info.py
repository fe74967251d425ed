#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: signal_info
short_description: Ask Prometheus, Alertmanager, JSON endpoints or the cluster for signals of health
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Asks for signals, compares every value with a threshold, and says whether the service is
    healthy, unhealthy, or whether that is not known.
  - A signal comes from Prometheus, now or over a time, from the alerts of Alertmanager, from any
    address that answers JSON, or from the state of a workload in the cluster.
  - What is not known is never healthy. No data, C(NaN), an error and a time-out are
    V(unknown), with the reason beside it, unless the signal says otherwise.
  - Given an earlier result as O(baseline), it also says whether things got better or worse.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._attributes.info_module
  - oncall.recovery._connection
  - oncall.recovery._servers
  - oncall.recovery._signals
options:
  timeout:
    description:
      - How long to wait for the answers of one look, which are asked for side by side. A duration
        such as V(10s), or a number of seconds.
    type: str
    default: 10s
  watch_for:
    description:
      - How long to look again and again. A duration such as V(5m), or a number of seconds. V(0)
        looks once, or as often as O(signals[].consecutive) needs.
      - It ends before that when the verdict over all signals is that of O(watch_until). The result
        is that of the last look, which may take another O(timeout).
    type: str
    default: "0"
  interval:
    description:
      - The pause between two looks, a second or more. A duration such as V(10s), or a number of
        seconds.
    type: str
    default: 5s
  watch_until:
    description:
      - The verdict that ends the watch. V(unhealthy) is for a time of probation, V(healthy) for
        waiting until a change has taken effect.
    type: str
    choices: [healthy, unhealthy]
    default: unhealthy
  baseline:
    description:
      - RV(signals) of an earlier run, to compare with.
    type: list
    elements: dict
    default: []
  query:
    description:
      - A JMESPath expression that is applied to the whole result; what it gives is
        RV(query_result).
    type: str
notes:
  - It does not fail on V(unhealthy) or V(unknown). Use C(failed_when) where a play should end.
  - "The usual errors: the address of a server is missing or no HTTP address; a file of a
    certificate is not there; two signals have one name; a signal has no threshold; an expression
    is no JMESPath; no kubeconfig leads to a cluster. What is wrong with an expression of PromQL or
    with a matcher is a reason for V(unknown), with the server's words."
  - Redirects are not followed, since they would carry the credentials elsewhere. An answer of more
    than 8 MiB is an error. A proxy is taken from the environment.
  - The cluster's signals need the verbs of M(oncall.recovery.k8s_rollout_status).
  - The Python libraries that it needs are jmespath for O(signals[].json) and O(query), and
    kubernetes for O(signals[].workload).
seealso:
  - module: oncall.recovery.k8s_rollout_status
"""

EXAMPLES = r"""
- name: Is the shop healthy?
  oncall.recovery.signal_info:
    prometheus:
      url: http://prometheus.example:9090
    signals:
      - name: share of failing requests
        promql: >-
          sum(rate(http_requests_total{code=~"5.."}[1m])) / sum(rate(http_requests_total[1m]))
        threshold: 0.05
      - name: seconds that 99 of 100 requests take
        promql: >-
          histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))
        threshold: 2
  register: before

- name: Wait until a change has made it healthy, at most a minute, and fail where it got worse
  oncall.recovery.signal_info:
    prometheus:
      url: https://prometheus.example
      token: "{{ lookup('ansible.builtin.env', 'PROMETHEUS_TOKEN') }}"
    signals:
      - name: share of failing requests
        promql: >-
          sum(rate(http_requests_total{code=~"5.."}[1m])) / sum(rate(http_requests_total[1m]))
        threshold: 0.05
    baseline: "{{ before.signals }}"
    watch_for: 1m
    watch_until: healthy
  register: after
  failed_when: after is failed or after.got_worse

- name: Stay with a release for five minutes, and end at once when three looks agree that it is bad
  oncall.recovery.signal_info:
    prometheus:
      url: http://prometheus.example:9090
    alertmanager:
      url: http://alertmanager.example:9093
    signals:
      - name: share of failing requests
        promql: >-
          sum(rate(http_requests_total{code=~"5.."}[1m])) / sum(rate(http_requests_total[1m]))
        threshold: 0.05
        consecutive: 3
      - name: pages
        alerts:
          matchers: ['namespace="shop"', 'severity="critical"']
      - name: rollout
        workload: {measure: rollout, namespace: shop, name: web}
      - name: restarts
        workload: {measure: restarts, namespace: shop, name: web, within: 5m}
    watch_for: 5m
    interval: 10s
  register: soak
  failed_when: soak is failed or soak.verdict != 'healthy'

- name: Was the rate of errors too high in all of the last ten steps? That needs one look
  oncall.recovery.signal_info:
    prometheus:
      url: http://prometheus.example:9090
    signals:
      - name: errors in a second
        promql: sum(rate(http_requests_total{code=~"5.."}[1m]))
        range: 5m
        step: 30s
        consecutive: 10
        threshold: 1

- name: Ask a service about itself, with a certificate, and keep the names of what is not healthy
  oncall.recovery.signal_info:
    signals:
      - name: database
        json:
          url: https://web.shop.example/health
          value: status == 'UP'
          status_code: [200, 503]
          ca_cert: /etc/ssl/shop/ca.pem
          client_cert: /etc/ssl/shop/oncall.pem
          client_key: /etc/ssl/shop/oncall.key
        comparison: '=='
        threshold: 0
        on_error: unhealthy
      - name: length of the queues
        json:
          url: https://web.shop.example/queues
          value: queues.*.length
          ca_cert: /etc/ssl/shop/ca.pem
        threshold: 1000
    query: signals[?verdict!='healthy'].name
  register: health

- name: Stop unless Prometheus reaches Alertmanager, which its alert that always fires tells
  oncall.recovery.signal_info:
    alertmanager:
      url: https://alertmanager.example
      username: oncall
      password: "{{ lookup('ansible.builtin.env', 'ALERTMANAGER_PASSWORD') }}"
    signals:
      - name: watchdog
        alerts:
          matchers: ['alertname="Watchdog"']
        comparison: '<'
        threshold: 1
  register: watchdog
  failed_when: watchdog is failed or watchdog.verdict != 'healthy'
"""

RETURN = r"""
verdict:
  description:
    - V(unhealthy) where one signal is, else V(unknown) where one is, else V(healthy).
  returned: success
  type: str
  sample: unhealthy
reasons:
  description: Why, for every signal that has this verdict.
  returned: success
  type: list
  elements: str
  sample: ["share of failing requests: 0.31 > 0.05"]
got_worse:
  description: Whether a signal is worse than it was in O(baseline).
  returned: success
  type: bool
  sample: false
signals:
  description: What each signal says, in the order of O(signals).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: share of failing requests
    source:
      description: Where it comes from, V(promql), V(alerts), V(json) or V(workload).
      type: str
      sample: promql
    verdict:
      description: V(healthy), V(unhealthy) or V(unknown).
      type: str
      sample: unhealthy
    reason:
      description: Why.
      type: str
      sample: 0.31 > 0.05
    comparison:
      description: The comparison that would be unhealthy.
      type: str
      sample: ">"
    threshold:
      description: What was compared with.
      type: float
      sample: 0.05
    agreed:
      description: How many samples, one after the other up to the last, say the same as that.
      type: int
      sample: 3
    worst:
      description:
        - The value that says most against the service, in the form of RV(signals[].values). Null
          where there was none.
      type: dict
      sample:
        labels: {}
        value: 0.31
        text: "0.31"
        time: "2026-11-25T09:30:00.251Z"
        detail: ""
    values:
      description:
        - Every value of the last look, with its labels and its time (UTC). RV(ignore:value) is
          null where it is C(NaN) or infinite, which RV(ignore:text) then says in the server's
          words.
          RV(ignore:detail) says more in words, such as the names of alerts, or why a rollout
          failed.
        - Labels are those of the series, the C(pod) and C(container), or the C(index) or C(key) in
          the answer of a JSON endpoint.
      type: list
      elements: dict
      sample:
        - labels: {}
          value: 0.31
          text: "0.31"
          time: "2026-11-25T09:30:00.251Z"
          detail: ""
    history:
      description:
        - Every sample, with its time (UTC), its verdict, its worst value (null where there was
          none) and the reason. Those of all looks, or with O(signals[].range) those of the last
          one. The last 1000 at most.
      type: list
      elements: dict
      sample:
        - time: "2026-11-25T09:30:00.251Z"
          verdict: unhealthy
          value: 0.31
          reason: 0.31 > 0.05
    trend:
      description:
        - V(better), V(same) or V(worse) than in O(baseline). V(unknown) where it is not there, or
          one of the two is not known.
        - All values inside of the bound are the same. Outside of it, a value has to move by more
          than O(signals[].tolerance).
      type: str
      sample: worse
query_result:
  description: What O(query) gives.
  returned: when O(query) is given
  type: raw
  sample: ["share of failing requests"]
looks:
  description: How many times was looked.
  returned: success
  type: int
  sample: 3
duration:
  description: Seconds that it took.
  returned: success
  type: float
  sample: 10.042
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    keep_out_of_results,
    reporting_errors,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import (
    kubernetes_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_signals import (
    with_query,
    workload_questions,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import (
    SERVER_OPTIONS,
    SIGNALS_OPTIONS,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.signals import (
    Servers,
    endpoints_of,
    request_from,
    signals_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    HEALTHY,
    UNHEALTHY,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.watch import watch

ARGUMENT_SPEC: dict[str, t.Any] = {
    **SERVER_OPTIONS,
    **SIGNALS_OPTIONS,
    "timeout": {"type": "str", "default": "10s"},
    "watch_for": {"type": "str", "default": "0"},
    "interval": {"type": "str", "default": "5s"},
    "watch_until": {"type": "str", "choices": [HEALTHY, UNHEALTHY], "default": UNHEALTHY},
    "baseline": {"type": "list", "elements": "dict", "default": []},
    "query": {"type": "str"},
}


def main() -> None:
    module = kubernetes_module(ARGUMENT_SPEC)
    options = module.params
    with reporting_errors(module), workload_questions(module) as measure:
        shape = with_query(options["query"])
        request = request_from(options)
        servers = Servers(options["prometheus"], options["alertmanager"], measure)
        signals = signals_from(options["signals"], servers)
        endpoints = endpoints_of(signals)
        keep_out_of_results(module, *(endpoint.secrets for endpoint in endpoints))
        watched = watch(signals, request)
        result = shape(watched.as_result())
    warnings = [warning for endpoint in endpoints for warning in endpoint.warnings()]
    finish(module, result, warnings=[*warnings, *watched.warnings])


if __name__ == "__main__":
    main()
