#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident
short_description: Open, complete and close the record of an incident
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Keeps what is known of an incident as a whole. It has a title, a severity, workloads that it is
    about, and the milestones by which the times to detect, to mitigate and to recover are counted.
  - Whatever it changes, it also writes onto the incident's timeline, to which
    M(oncall.recovery.incident_event) and the callback P(oncall.recovery.incident_timeline#callback)
    add.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._incident_store
attributes:
  check_mode:
    support: full
    details:
      - A folder is not touched. A ConfigMap is tried with C(dryRun=All).
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A milestone that is V(now) is set once. Another time than the one that is known counts as a
        change.
options:
  state:
    description:
      - V(opened) begins the record, or completes the one that is there. A closed incident stays as
        it is, so that an alert that is delivered twice opens nothing again.
      - V(updated) completes the record. There has to be one.
      - V(closed) completes and closes it. There has to be one.
    type: str
    choices:
      - opened
      - updated
      - closed
    default: opened
  id:
    description:
      - Id of the incident. Letters, digits, V(.), V(_) and V(-), at most 500 of them, the first one
        a letter or a digit.
      - Give this or O(key).
    type: str
  key:
    description:
      - Key of the group of alerts that the incident is about, such as the C(groupKey) of
        Alertmanager, or any other text.
      - Of one key, one incident is open at a time, whoever opens it, and however often. Its id is
        made from the key. When it is closed, the next one gets another id.
    type: str
  title:
    description:
      - What happened, in a line.
    type: str
  severity:
    description:
      - How bad it is, in the words of your team, such as V(critical) or V(sev2).
    type: str
  summary:
    description:
      - What users notice, in a few sentences.
    type: str
  workloads:
    description:
      - The workloads that it is about. They are added to those that are known.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - Kind of the workload.
        type: str
        default: Deployment
      namespace:
        description:
          - Its namespace.
        type: str
        default: ''
      name:
        description:
          - Its name.
        type: str
        required: true
  milestones:
    description:
      - When the incident passed what. Each is a time as RFC 3339 writes it (taken for UTC where it
        has no offset), or V(now), which counts only where the milestone is not known yet.
    type: dict
    suboptions:
      started:
        description:
          - When users first noticed, or would have, such as the C(startsAt) of the alert. All
            durations are counted from here.
        type: str
      detected:
        description:
          - When it was known that something is wrong. With O(state=opened), V(now) by default.
        type: str
      acknowledged:
        description:
          - When somebody, or the automation, took care of it.
        type: str
      mitigated:
        description:
          - When users were served again, if only with less.
        type: str
      resolved:
        description:
          - When all was as it should be. With O(state=closed), V(now) by default.
        type: str
  actor:
    description:
      - Who says so, as a role and not by name. It goes onto the timeline.
    type: str
    default: automation
seealso:
  - module: oncall.recovery.incident_event
  - module: oncall.recovery.incident_info
  - module: oncall.recovery.postmortem
notes:
  - "The usual errors: there is no record of this incident; the disk is full, or this user may not
    write there (the message says which events are not recorded, RV(not_recorded) has them); no
    connection to the API server; the account lacks a verb."
"""

EXAMPLES = r"""
- name: Open an incident for a group of alerts, once however often they come
  oncall.recovery.incident:
    key: "{}:{alertname=\"ErrorRateHigh\", namespace=\"shop\"}"
    title: Every third request to the shop fails
    severity: critical
    workloads:
      - namespace: shop
        name: web
    milestones:
      started: "2026-11-25T03:09:30Z"
      acknowledged: now
  delegate_to: localhost
  register: opened

- name: Say that users are served again
  oncall.recovery.incident:
    id: "{{ opened.incident.id }}"
    state: updated
    milestones:
      mitigated: now
  delegate_to: localhost

- name: Close it, in the cluster, since this controller is a container
  oncall.recovery.incident:
    id: INC-2041
    state: closed
    store: configmap
    namespace: oncall
"""

RETURN = r"""
created:
  description: Whether there was no record of it before.
  returned: success
  type: bool
  sample: true
incident:
  description: The incident as it is now, or in check mode would be.
  returned: success
  type: dict
  contains:
    id:
      description: Its id.
      type: str
      sample: INC-2041
    key:
      description: Key of the group of alerts. Null where it was opened by its id.
      type: str
      sample: "{}:{alertname=\"ErrorRateHigh\"}"
    title:
      description: What happened.
      type: str
      sample: Every third request to the shop fails
    severity:
      description: How bad it is.
      type: str
      sample: critical
    summary:
      description: What users notice.
      type: str
      sample: Checkout answers with an error page.
    status:
      description: V(open) or V(closed).
      type: str
      sample: open
    workloads:
      description: What it is about, with C(kind), C(namespace) and C(name).
      type: list
      elements: dict
      sample:
        - kind: Deployment
          namespace: shop
          name: web
    milestones:
      description: When it passed what. Null where that is not known.
      type: dict
      sample:
        started: "2026-11-25T03:09:30.000Z"
        detected: "2026-11-25T03:11:02.113Z"
        acknowledged: "2026-11-25T03:11:02.113Z"
        mitigated: null
        resolved: null
    durations:
      description:
        - Seconds from C(started) to the other milestones. Null where one of the two is not known,
          or they are the wrong way round.
      type: dict
      sample:
        time_to_detect: 92.113
        time_to_acknowledge: 92.113
        time_to_mitigate: null
        time_to_recover: null
    opened:
      description: When the record was begun.
      type: str
      sample: "2026-11-25T03:11:02.113Z"
    updated:
      description: When this was last changed.
      type: str
      sample: "2026-11-25T03:11:02.113Z"
    closed:
      description: When it was closed. Null where it is open.
      type: str
      sample: null
    dropped:
      description: How many events and files of evidence had to make room in a ConfigMap.
      type: dict
      sample:
        events: 0
        evidence: 0
    store:
      description: V(folder) or V(configmap).
      type: str
      sample: folder
    path:
      description: The folder of the record. Null where it is in a ConfigMap.
      type: str
      sample: /home/oncall/.local/share/oncall-recovery/incidents/INC-2041
    namespace:
      description: Namespace of the ConfigMap. Null where the record is in a folder.
      type: str
      sample: null
    configmap:
      description: Name of the ConfigMap. Null where the record is in a folder.
      type: str
      sample: null
not_recorded:
  description:
    - The events that could not be written, in the form of M(oncall.recovery.incident_event).
  returned: when events could not be written
  type: list
  elements: dict
  sample: []
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_text,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_incident import (
    incident_module,
    open_store,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.opening import (
    carry_out,
    request_from,
)

MILESTONE: dict[str, t.Any] = {"type": "str"}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["opened", "updated", "closed"], "default": "opened"},
    "id": {"type": "str"},
    "key": {"type": "str", "no_log": False},
    "title": {"type": "str"},
    "severity": {"type": "str"},
    "summary": {"type": "str"},
    "workloads": {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "default": "Deployment"},
            "namespace": {"type": "str", "default": ""},
            "name": {"type": "str", "required": True},
        },
    },
    "milestones": {
        "type": "dict",
        "options": {
            "started": MILESTONE,
            "detected": MILESTONE,
            "acknowledged": MILESTONE,
            "mitigated": MILESTONE,
            "resolved": MILESTONE,
        },
    },
    "actor": {"type": "str", "default": "automation"},
}


def main() -> None:
    module = incident_module(
        ARGUMENT_SPEC, mutually_exclusive=[("id", "key")], required_one_of=[("id", "key")]
    )
    with reporting_errors(module):
        require_text(module.params, "actor")
        request = request_from(module.params)
        with open_store(module) as store:
            outcome = carry_out(store, request)
    finish(module, outcome.as_result(with_diff=module._diff), warnings=outcome.warnings)


if __name__ == "__main__":
    main()
