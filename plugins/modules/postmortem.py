#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postmortem
short_description: Write the postmortem of an incident from its record
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Writes C(postmortem.md), which people edit, and C(postmortem.html), which they read. The page
    needs nothing but itself, has a chart of the signals with alert, decision, action and recovery
    marked, and can be read on a phone, in the dark and on paper.
  - Facts come from the record. What only people know is an empty field with a question.
  - "Between the lines C(<!-- field: name -->) and C(<!-- end: name -->) is what people wrote.
    Rendering again keeps it, and puts it into the page."
  - People are roles, unless names are asked for.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.actiongroup_k8s
  - oncall.recovery._connection
  - oncall.recovery._incident_store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - The same record and the same fields give the same files.
options:
  id:
    description:
      - Id of the incident.
    type: str
    required: true
  dest:
    description:
      - Folder of the two files. By default that of the record. Needed with O(store=configmap).
    type: path
  formats:
    description:
      - What to write. V(markdown) is always written, since fields are kept in it.
    type: list
    elements: str
    choices:
      - markdown
      - html
    default:
      - markdown
      - html
  title:
    description:
      - Title of the document. By default that of the incident.
    type: str
  show_names:
    description:
      - Whether to name people. Without it, actors that are not a role, what stands in the data of
        events as C(by), C(approved_by), C(approver), C(holder) or C(user), and addresses of
        mail are replaced by C(a person) wherever they are found.
    type: bool
    default: false
seealso:
  - module: oncall.recovery.incident
  - module: oncall.recovery.incident_event
notes:
  - Who edits outside of the fields is warned, and a copy of what was there stays beside the new
    file, see RV(set_aside).
  - "The usual errors: there is no record of this incident; a marker of a field is missing (the
    message names the line, and nothing is changed); the disk is full, or this user may not write
    there."
requirements:
  - jinja2, which comes with Ansible, so run it on the controller
"""

EXAMPLES = r"""
- name: Draft the postmortem beside the record
  oncall.recovery.postmortem:
    id: INC-2041
  delegate_to: localhost
  register: draft

- name: Say what is left to do for people
  ansible.builtin.debug:
    msg: "{{ draft.markdown }} waits for {{ draft.open_fields | join(', ') }}"

- name: Write that of a record in the cluster into a repository's folder
  oncall.recovery.postmortem:
    id: INC-2041
    store: configmap
    namespace: oncall
    dest: /srv/postmortems/INC-2041
  delegate_to: localhost
"""

RETURN = r"""
markdown:
  description: Path of the document that people edit.
  returned: success
  type: str
  sample: /home/oncall/.local/share/oncall-recovery/incidents/INC-2041/postmortem.md
html:
  description: Path of the page. Null where none was asked for.
  returned: success
  type: str
  sample: /home/oncall/.local/share/oncall-recovery/incidents/INC-2041/postmortem.html
open_fields:
  description: The fields that nobody filled yet.
  returned: success
  type: list
  elements: str
  sample: [impact, root_cause]
kept_fields:
  description: The fields that people filled, and that were kept.
  returned: success
  type: list
  elements: str
  sample: [lucky]
set_aside:
  description: Where a document is kept that was edited outside of its fields. Null if none was.
  returned: success
  type: str
  sample: null
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_incident import (
    incident_module,
    open_store,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.postmortem import (
    write_postmortem,
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "id": {"type": "str", "required": True},
    "dest": {"type": "path"},
    "formats": {
        "type": "list",
        "elements": "str",
        "choices": ["markdown", "html"],
        "default": ["markdown", "html"],
    },
    "title": {"type": "str"},
    "show_names": {"type": "bool", "default": False},
}


def main() -> None:
    module = incident_module(ARGUMENT_SPEC)
    with reporting_errors(module), open_store(module) as store:
        outcome = write_postmortem(store, module.params, dry_run=module.check_mode)
    finish(module, outcome.as_result(with_diff=module._diff), warnings=outcome.warnings)


if __name__ == "__main__":
    main()
