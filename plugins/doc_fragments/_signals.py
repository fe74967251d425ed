# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What signals there are and what each means. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  signals:
    description:
      - What to ask for. Each signal has one of O(signals[].promql), O(signals[].alerts),
        O(signals[].json) and O(signals[].workload).
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
          - An expression for Prometheus. Every series of its result is compared. An expression
            with a comparison of its own drops the series for which that does not hold, so leave
            the comparison to O(signals[].comparison).
        type: str
      range:
        description:
          - Evaluate O(signals[].promql) not only now but every O(signals[].step) of this time until
            now, by the clock of the host that the module runs on. A duration such as V(5m).
          - The last O(signals[].consecutive) steps count, so that one look may be enough.
        type: str
      step:
        description:
          - The time between two steps of O(signals[].range). By default V(15s).
        type: str
      alerts:
        description:
          - Count alerts that fire in Alertmanager.
        type: dict
        suboptions:
          matchers:
            description:
              - Matchers of labels, all of which an alert has to satisfy, such as
                V(namespace="shop") or V(severity=~"critical|warning"). Without any, all count.
            type: list
            elements: str
            default: []
          silenced:
            description:
              - Whether alerts count that somebody silenced.
            type: bool
            default: false
          inhibited:
            description:
              - Whether alerts count that another alert inhibits.
            type: bool
            default: false
      json:
        description:
          - Ask an address that answers JSON.
        type: dict
        suboptions:
          url:
            description:
              - The whole address. One with a user name or password in it is refused, and what
                follows a C(?) is not shown in results.
            type: str
            required: true
          value:
            description:
              - A JMESPath expression of the value in the answer.
              - It has to give a number. V(true) is 1 and V(false) is 0, so that a text can be
                compared in the expression. A list or dictionary of numbers is one value each.
                C(null), an empty list and an empty dictionary are no data.
            type: str
            required: true
          status_code:
            description:
              - The HTTP status codes whose answer is read. Any other is an error.
            type: list
            elements: int
            default: [200]
          username:
            description:
              - User name for basic authentication.
            type: str
          password:
            description:
              - Password that goes with it.
            type: str
          token:
            description:
              - Bearer token, in place of a user name and password.
            type: str
          ca_cert:
            description:
              - Path of the certificate authority's certificates, in PEM format. Without it, those
                of the system.
            type: path
          client_cert:
            description:
              - Path of the certificate to log in with, in PEM format. The file may hold the key,
                too.
            type: path
          client_key:
            description:
              - Path of the key of O(signals[].json.client_cert).
            type: path
          validate_certs:
            description:
              - Whether to check the server's certificate.
            type: bool
            default: true
      workload:
        description:
          - Look at a workload in the cluster, for which the connection options are.
        type: dict
        suboptions:
          measure:
            description:
              - V(rollout) is 0 where the rollout is complete, and 1 where it failed or is stalled.
                It has no number, which is no data, while it goes on or is paused.
              - V(restarts) is one value per container, how many times it has been started again;
                0 where the last time was before O(signals[].workload.within).
              - V(oom_kills) is one value per container, 1 where it last ended within
                O(signals[].workload.within) because it ran out of memory, and 0 otherwise. The
                cluster tells only of the first process of a container.
            type: str
            choices: [rollout, restarts, oom_kills]
            required: true
          kind:
            description:
              - Kind of the workload.
            type: str
            choices: [Deployment, StatefulSet, DaemonSet]
            default: Deployment
          namespace:
            description:
              - Namespace of the workload. By default that of the kubeconfig's context, else
                V(default).
            type: str
          name:
            description:
              - Name of the workload.
            type: str
            required: true
          within:
            description:
              - How long ago a restart or an OOM kill still counts. A duration such as V(10m).
            type: str
            default: 10m
      comparison:
        description:
          - The signal is unhealthy where the value compares so with the threshold, as in an alert's
            rule. One value of many is enough.
        type: str
        choices: ['>', '>=', '<', '<=', '==', '!=']
        default: '>'
      threshold:
        description:
          - The number to compare with, in the unit of the value.
          - Required with O(signals[].promql) and O(signals[].json). For O(signals[].alerts) and
            O(signals[].workload) it is 0 by default, so that any alert, restart or OOM kill is
            unhealthy.
        type: float
      consecutive:
        description:
          - How many samples have to say the same, one after the other up to the last, before the
            signal is healthy or unhealthy. Until then it is V(unknown).
          - Each look takes one sample, or with O(signals[].range) one for each step. There are as
            many looks as are needed for that, whatever O(watch_for) says.
        type: int
        default: 1
      no_data:
        description:
          - What no data means. That is an empty answer, and a value that is C(NaN).
          - A share of errors has none while there are no requests, and a rate of errors has none
            until the first error. Say V(healthy) only where that is what it means.
        type: str
        choices: [unknown, healthy, unhealthy]
        default: unknown
      on_error:
        description:
          - What it means when there is no answer, or one that cannot be read.
        type: str
        choices: [unknown, unhealthy]
        default: unknown
      tolerance:
        description:
          - By which share of its value in O(baseline) a value may move and still count as the same.
            V(0.1) is a tenth.
        type: float
        default: 0.1
"""
