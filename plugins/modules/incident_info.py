#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_info
short_description: Read the records of incidents
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Reads one incident with its events and its evidence, or lists incidents.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._incident_store
options:
  id:
    description:
      - Only the incident of this id.
    type: str
  key:
    description:
      - Only incidents of this group of alerts, of which at most one is open.
    type: str
  status:
    description:
      - Only incidents that are open, or closed.
    type: str
    choices:
      - any
      - open
      - closed
    default: any
  severity:
    description:
      - Only incidents of this severity.
    type: str
  workload:
    description:
      - Only incidents that are about this workload. What is left out is any.
    type: dict
    suboptions:
      kind:
        description:
          - Kind of the workload.
        type: str
      namespace:
        description:
          - Its namespace.
        type: str
      name:
        description:
          - Its name.
        type: str
  since:
    description:
      - Only incidents whose record was begun at this time (RFC 3339) or later.
    type: str
  events:
    description:
      - Whether to read the events, too. By default with O(id) and O(key) only.
    type: bool
  types:
    description:
      - Only events of these types.
    type: list
    elements: str
  evidence_content:
    description:
      - Whether to read the text of the evidence, too, where O(events) are read.
    type: bool
    default: false
  limit:
    description:
      - Only so many events of each incident, the last ones.
    type: int
    default: 1000
seealso:
  - module: oncall.recovery.incident
  - module: oncall.recovery.incident_event
notes:
  - A record that cannot be read, since somebody edited it, is a warning.
  - "The usual errors: this user may not read the folder; no connection to the API server; the
    account lacks a verb."
"""

EXAMPLES = r"""
- name: Read an incident with all its events
  oncall.recovery.incident_info:
    id: INC-2041
  delegate_to: localhost
  register: found

- name: Stop while another incident is open for the same workload
  oncall.recovery.incident_info:
    status: open
    workload:
      namespace: shop
      name: web
  delegate_to: localhost
  register: found
  failed_when: found is failed or found.incidents | length > 0

- name: List what was decided and done in the last incidents, as the cluster keeps them
  oncall.recovery.incident_info:
    store: configmap
    namespace: oncall
    since: "2026-11-01T00:00:00Z"
    events: true
    types:
      - decision
      - action
"""

RETURN = r"""
incidents:
  description: The incidents that fit, the newest first. Empty where none does.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id. All else that M(oncall.recovery.incident) returns of it is here, too.
      type: str
      sample: INC-2041
    events:
      description:
        - Its events by the time at which they happened, each in the form in which
          M(oncall.recovery.incident_event) returns it.
      returned: where O(events) are read
      type: list
      elements: dict
      sample:
        - id: 3c9c1f6f0d0a4d7e
          time: "2026-11-25T03:12:11.002Z"
          recorded: "2026-11-25T03:12:11.002Z"
          source: on-call runbook
          type: decision
          actor: automation
          text: Roll back, since the errors began with revision 7
          data:
            action: rollback
          link: ""
          evidence: []
    evidence:
      description:
        - Its files of evidence, with C(name), C(bytes) and C(path) (null for a ConfigMap), and with
          O(evidence_content) their C(content).
      returned: where O(events) are read
      type: list
      elements: dict
      sample:
        - name: web.log
          bytes: 5120
          path: /home/oncall/.local/share/oncall-recovery/incidents/INC-2041/evidence/web.log
    unreadable:
      description: How many lines of C(events.jsonl) are no events, since somebody edited them.
      returned: where O(events) are read
      type: int
      sample: 0
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_incident import (
    incident_module,
    open_store,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.recording import (
    filter_from,
    read_incidents,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "id": {"type": "str"},
    "key": {"type": "str", "no_log": False},
    "status": {"type": "str", "choices": ["any", "open", "closed"], "default": "any"},
    "severity": {"type": "str"},
    "workload": {
        "type": "dict",
        "options": {"kind": {"type": "str"}, "namespace": {"type": "str"}, "name": {"type": "str"}},
    },
    "since": {"type": "str"},
    "events": {"type": "bool"},
    "types": {"type": "list", "elements": "str"},
    "evidence_content": {"type": "bool", "default": False},
    "limit": {"type": "int", "default": 1000},
}


def main() -> None:
    module = incident_module(ARGUMENT_SPEC, mutually_exclusive=[("id", "key")])
    with reporting_errors(module):
        require_at_least(module.params, limit=0)
        chosen = filter_from(module.params)
        with open_store(module) as store:
            result, warnings = read_incidents(store, chosen)
    finish(module, result, warnings=warnings)


if __name__ == "__main__":
    main()
