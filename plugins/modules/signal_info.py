#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: signal_info
short_description: Ask Prometheus whether a service is healthy
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Evaluates PromQL expressions, compares every value with a threshold, and says whether the
    service is healthy, unhealthy, or whether that is not known.
  - What is not known is never healthy. No data, C(NaN), an error and a time-out are
    V(unknown), with the reason beside it.
  - Given an earlier result as O(baseline), it also says whether things got better or worse.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
options:
  prometheus:
    description:
      - Where Prometheus is, or what speaks its HTTP API, such as Thanos, Mimir or VictoriaMetrics.
    type: dict
    suboptions:
      url:
        description:
          - Address of the server, with the path below which it lies, if any. Falls back to
            E(RECOVERY_PROMETHEUS_URL).
          - One with a user name or password in it is refused.
        type: str
        required: true
      username:
        description:
          - User name for basic authentication. Falls back to E(RECOVERY_PROMETHEUS_USERNAME).
        type: str
      password:
        description:
          - Password that goes with it. Falls back to E(RECOVERY_PROMETHEUS_PASSWORD).
        type: str
      token:
        description:
          - Bearer token, in place of a user name and password. Falls back to
            E(RECOVERY_PROMETHEUS_TOKEN).
        type: str
      ca_cert:
        description:
          - Path of the certificate authority's certificates, in PEM format. Falls back to
            E(RECOVERY_PROMETHEUS_CA_CERT), then to those of the system.
        type: path
      client_cert:
        description:
          - Path of the certificate to log in with, in PEM format. The file may hold the key, too.
            Falls back to E(RECOVERY_PROMETHEUS_CLIENT_CERT).
        type: path
      client_key:
        description:
          - Path of the key of O(prometheus.client_cert). Falls back to
            E(RECOVERY_PROMETHEUS_CLIENT_KEY).
        type: path
      validate_certs:
        description:
          - Whether to check the server's certificate.
        type: bool
        default: true
  signals:
    description:
      - What to ask for.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - What the signal is called in results. Each is used once.
        type: str
        required: true
      promql:
        description:
          - The expression. It is evaluated now, and every series of its result is compared. An
            expression with a comparison of its own drops the series for which that does not
            hold, so leave the comparison to O(signals[].comparison).
        type: str
        required: true
      comparison:
        description:
          - The signal is unhealthy where the value compares so with the threshold, as in an alert's
            rule. One series of many is enough.
        type: str
        choices: ['>', '>=', '<', '<=', '==', '!=']
        default: '>'
      threshold:
        description:
          - The number to compare with, in the unit of the expression.
        type: float
        required: true
      no_data:
        description:
          - The verdict when the expression has no result.
          - A share of errors has none while there are no requests, and a rate of errors has none
            until the first error. Say V(healthy) only where that is what it means.
        type: str
        choices: [unknown, healthy, unhealthy]
        default: unknown
      tolerance:
        description:
          - By which share of its value in O(baseline) a value may move and still count as the same.
            V(0.1) is a tenth.
        type: float
        default: 0.1
  timeout:
    description:
      - How long to wait for the answers of one look, in seconds. They are asked for side by side.
    type: int
    default: 10
  watch_for:
    description:
      - How long to look again and again, in seconds. V(0) looks once.
      - It ends before that when the verdict over all signals is that of O(watch_until). The result
        is that of the last look.
    type: int
    default: 0
  interval:
    description:
      - Seconds between two looks.
    type: int
    default: 5
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
notes:
  - It does not fail on V(unhealthy) or V(unknown). Use C(failed_when) where a play should end.
  - "The usual errors: the address of Prometheus is missing or no HTTP address; a file of a
    certificate is not there; two signals have one name. What is wrong with an expression is a
    reason for V(unknown), with the server's words."
  - Redirects are not followed, since they would carry the credentials elsewhere. A proxy is taken
    from the environment.
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
    watch_for: 60
    watch_until: healthy
  register: after
  failed_when: after is failed or after.got_worse

- name: Stop unless all targets are known to be up
  oncall.recovery.signal_info:
    prometheus:
      url: https://prometheus.example/shop
      username: oncall
      password: "{{ lookup('ansible.builtin.env', 'PROMETHEUS_PASSWORD') }}"
    signals:
      - name: targets
        promql: up{namespace="shop"}
        comparison: '=='
        threshold: 0
  register: targets
  failed_when: targets is failed or targets.verdict != 'healthy'
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
    worst:
      description:
        - The value that says most against the service, in the form of RV(signals[].values). Null
          where there was none.
      type: dict
      sample: {"labels": {}, "value": 0.31, "text": "0.31", "time": "2026-11-25T09:30:00.251Z"}
    values:
      description:
        - Every series' labels, value and time of evaluation (UTC). RV(ignore:value) is null where
          it is C(NaN) or infinite, which RV(ignore:text) then says in the server's words.
      type: list
      elements: dict
      sample: [{"labels": {}, "value": 0.31, "text": "0.31", "time": "2026-11-25T09:30:00.251Z"}]
    trend:
      description:
        - V(better), V(same) or V(worse) than in O(baseline). V(unknown) where it is not there, or
          one of the two is not known.
        - All values inside of the bound are the same. Outside of it, a value has to move by more
          than O(signals[].tolerance).
      type: str
      sample: worse
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

from ansible.module_utils.basic import env_fallback
from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
    signal_module,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint
from ansible_collections.oncall.recovery.plugins.module_utils._signals.prometheus import ask_now
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    COMPARISONS,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.watch import (
    WatchRequest,
    baseline_from,
    signals_from,
    watch,
)


def _from_environment(name: str) -> tuple[t.Any, list[str]]:
    return (env_fallback, [f"RECOVERY_PROMETHEUS_{name}"])


ARGUMENT_SPEC: dict[str, t.Any] = {
    "prometheus": {
        "type": "dict",
        # What is left out may stand in the environment.
        "apply_defaults": True,
        "options": {
            "url": {"type": "str", "required": True, "fallback": _from_environment("URL")},
            "username": {"type": "str", "fallback": _from_environment("USERNAME")},
            "password": {
                "type": "str",
                "no_log": True,
                "fallback": _from_environment("PASSWORD"),
            },
            "token": {"type": "str", "no_log": True, "fallback": _from_environment("TOKEN")},
            "ca_cert": {"type": "path", "fallback": _from_environment("CA_CERT")},
            "client_cert": {"type": "path", "fallback": _from_environment("CLIENT_CERT")},
            "client_key": {
                "type": "path",
                "no_log": False,
                "fallback": _from_environment("CLIENT_KEY"),
            },
            "validate_certs": {"type": "bool", "default": True},
        },
        "mutually_exclusive": [("token", "username")],
        "required_together": [("username", "password")],
        "required_by": {"client_key": "client_cert"},
    },
    "signals": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "promql": {"type": "str", "required": True},
            "comparison": {"type": "str", "choices": list(COMPARISONS), "default": ">"},
            "threshold": {"type": "float", "required": True},
            "no_data": {
                "type": "str",
                "choices": [UNKNOWN, HEALTHY, UNHEALTHY],
                "default": UNKNOWN,
            },
            "tolerance": {"type": "float", "default": 0.1},
        },
    },
    "timeout": {"type": "int", "default": 10},
    "watch_for": {"type": "int", "default": 0},
    "interval": {"type": "int", "default": 5},
    "watch_until": {"type": "str", "choices": [HEALTHY, UNHEALTHY], "default": UNHEALTHY},
    "baseline": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    module = signal_module(ARGUMENT_SPEC)
    options = module.params
    with reporting_errors(module):
        require_at_least(options, timeout=1, watch_for=0, interval=1)
        endpoint = Endpoint.from_options("prometheus", options["prometheus"])
        watched = watch(
            lambda promql: ask_now(endpoint, promql, options["timeout"]),
            signals_from(options["signals"]),
            WatchRequest(
                seconds=options["watch_for"],
                interval=options["interval"],
                until=options["watch_until"],
                baseline=baseline_from(options["baseline"]),
            ),
        )
    finish(module, watched.as_result(), warnings=[*endpoint.warnings(), *watched.warnings])


if __name__ == "__main__":
    main()
