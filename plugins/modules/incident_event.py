#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_event
short_description: Write an event, and evidence, onto the timeline of an incident
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Appends one event to the record of an incident that M(oncall.recovery.incident) opened. What is
    written is never changed.
  - Several may write at the same time. Whoever is killed while writing leaves nothing that looks
    like an event. Where the disk is full, the module fails and says what is not recorded.
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
    support: none
  idempotent:
    support: partial
    details:
      - It appends at every call. With O(event_id), an event is recorded once.
options:
  id:
    description:
      - Id of the incident.
    type: str
    required: true
  text:
    description:
      - What happened, in a sentence or a few lines. Of more than 8192 characters the beginning is
        kept.
    type: str
    required: true
  type:
    description:
      - What kind of event it is, in a word of lower-case letters, digits and V(_).
      - "M(oncall.recovery.postmortem) knows V(alert), V(evidence), V(decision), V(approval),
        V(action), V(mitigation), V(verification), V(recovery), V(handover), V(notification),
        V(signal) and V(note)."
      - For V(decision), O(data) is what decided and why (C(action), C(confidence), C(reasons)).
      - For V(mitigation), O(data) is what M(oncall.recovery.k8s_mitigation) returned.
      - For V(signal), O(data) is one of the signals that M(oncall.recovery.signal_info) returned.
        The histories of all events with the same signal make up one chart.
    type: str
    default: note
  source:
    description:
      - What tells of it, such as the name of a module, a system or a role.
    type: str
    default: ansible
  actor:
    description:
      - Who did it, as a role and not by name.
    type: str
    default: automation
  time:
    description:
      - When it happened, as RFC 3339 writes it (taken for UTC where it has no offset), or V(now).
    type: str
    default: now
  data:
    description:
      - More about it, as plain data. At most 64 KiB of it are kept, as JSON. What looks like a
        secret is masked.
    type: dict
  link:
    description:
      - Where to read on, as an address with C(http) or C(https).
    type: str
  event_id:
    description:
      - Id of the event. An event of the same id is recorded once, so that a run that is repeated
        does not tell all twice.
    type: str
  evidence:
    description:
      - Files to keep with the event, as text, redacted. Each is cut after 1048576 characters.
      - A name that is taken gets a number, as evidence is never written over. At most 50 files.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the file. Letters, digits, V(.), V(_) and V(-), at most 100 of them.
        type: str
        required: true
      content:
        description:
          - Its text.
        type: str
      src:
        description:
          - A file on the machine that the module runs on, whose text is kept.
        type: path
seealso:
  - module: oncall.recovery.incident
  - module: oncall.recovery.incident_info
  - plugin: oncall.recovery.incident_timeline
    plugin_type: callback
notes:
  - "The usual errors: there is no record of this incident; the disk is full, or this user may not
    write there (RV(not_recorded) has the event); no connection to the API server; the account lacks
    a verb."
"""

EXAMPLES = r"""
- name: Say what was decided, and why
  oncall.recovery.incident_event:
    id: INC-2041
    type: decision
    source: on-call runbook
    text: Roll back, since the errors began with revision 7
    data:
      action: rollback
      confidence: high
      reasons:
        - revision 7 began two minutes before the first errors
    link: https://grafana.example/d/shop?from=1764040000000
  delegate_to: localhost

- name: Keep what the pods said before they go away
  oncall.recovery.incident_event:
    id: INC-2041
    type: evidence
    text: Logs of the failing pods
    evidence:
      - name: web.log
        content: "{{ lookup('ansible.builtin.pipe', 'kubectl logs -n shop deploy/web') }}"
      - name: nodes.txt
        src: /tmp/nodes.txt
  delegate_to: localhost

- name: Write down once that somebody was called, however often this run is repeated
  oncall.recovery.incident_event:
    id: INC-2041
    type: handover
    text: The owner of the database was called
    actor: incident commander
    time: "2026-11-25T03:20:00Z"
    event_id: called-database-owner
  delegate_to: localhost
"""

RETURN = r"""
event:
  description: The event as it is recorded, redacted, or in check mode would be.
  returned: success
  type: dict
  contains:
    id:
      description: Its id.
      type: str
      sample: 3c9c1f6f0d0a4d7e
    time:
      description: When it happened.
      type: str
      sample: "2026-11-25T03:12:11.002Z"
    recorded:
      description: When it was written down.
      type: str
      sample: "2026-11-25T03:12:11.002Z"
    source:
      description: What tells of it.
      type: str
      sample: on-call runbook
    type:
      description: What kind of event it is.
      type: str
      sample: decision
    actor:
      description: Who did it.
      type: str
      sample: automation
    text:
      description: What happened.
      type: str
      sample: Roll back, since the errors began with revision 7
    data:
      description: More about it.
      type: dict
      sample:
        action: rollback
    link:
      description: Where to read on. Empty where there is nothing.
      type: str
      sample: ""
    evidence:
      description: Names of the files of evidence.
      type: list
      elements: str
      sample: [web.log]
evidence:
  description: The files of evidence that were written.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the file.
      type: str
      sample: web.log
    bytes:
      description: Its size in bytes.
      type: int
      sample: 5120
    path:
      description: Where it is. Null where it is in a ConfigMap.
      type: str
      sample: /home/oncall/.local/share/oncall-recovery/incidents/INC-2041/evidence/web.log
dropped:
  description: How many events and files of evidence had to make room in a ConfigMap, all in all.
  returned: success
  type: dict
  sample:
    events: 0
    evidence: 0
record:
  description:
    - Where the record is kept, with C(store), C(path) (null for a ConfigMap), C(namespace) and
      C(configmap) (null for a folder).
  returned: success
  type: dict
  sample:
    store: folder
    path: /home/oncall/.local/share/oncall-recovery/incidents/INC-2041
    namespace: null
    configmap: null
not_recorded:
  description: The event that could not be written, in a list, in the form of RV(event).
  returned: when it could not be written
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
from ansible_collections.oncall.recovery.plugins.module_utils._incident.recording import (
    event_from,
    record_event,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "id": {"type": "str", "required": True},
    "text": {"type": "str", "required": True},
    "type": {"type": "str", "default": "note"},
    "source": {"type": "str", "default": "ansible"},
    "actor": {"type": "str", "default": "automation"},
    "time": {"type": "str", "default": "now"},
    "data": {"type": "dict"},
    "link": {"type": "str"},
    "event_id": {"type": "str"},
    "evidence": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "content": {"type": "str"},
            "src": {"type": "path"},
        },
        "mutually_exclusive": [("content", "src")],
        "required_one_of": [("content", "src")],
    },
}


def main() -> None:
    module = incident_module(ARGUMENT_SPEC)
    options = module.params
    with reporting_errors(module):
        require_text(options, "source", "actor")
        event, files = event_from(options)
        with open_store(module) as store:
            result, warnings = record_event(
                store, options["id"], event, files, once=bool(options["event_id"])
            )
    finish(module, result, warnings=warnings)


if __name__ == "__main__":
    main()
