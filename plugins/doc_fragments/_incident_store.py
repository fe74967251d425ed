# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where records of incidents are kept. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  store:
    description:
      - Where the record is kept.
      - V(folder) is a folder for each incident below O(folder), on the machine that the module runs
        on, which is usually the controller.
      - V(configmap) is a ConfigMap for each incident in O(namespace), for where the controller's
        disk does not last, as in AWX. It holds less than 1 MiB, compressed. When it is full, the
        oldest tasks make room first, then the oldest evidence, then other events, but never those
        that a postmortem lives on. The module warns of it, and counts what was dropped.
      - Falls back to E(RECOVERY_INCIDENT_STORE).
    type: str
    choices:
      - folder
      - configmap
    default: folder
  folder:
    description:
      - The folder with all records. It is made where it is missing.
      - Falls back to E(RECOVERY_INCIDENT_FOLDER).
    type: path
    default: ~/.local/share/oncall-recovery/incidents
  namespace:
    description:
      - Namespace of the ConfigMaps. By default that of the context.
      - Falls back to E(RECOVERY_INCIDENT_NAMESPACE).
    type: str
notes:
  - The folder C(<folder>/<id>/) holds C(incident.json), which is replaced as a whole,
    C(events.jsonl), which has one event in JSON in each line and is only ever appended to, and
    C(evidence/), whose files are never written over. Files have the mode 0600, folders 0700.
    A last line without its end is no event.
  - The ConfigMap is named C(oncall-recovery-incident-<id>-<digest>) and labelled
    C(oncall.recovery/incident-record=true). It holds C(incident.json), C(events.jsonl.gz) and
    C(evidence.<name>.gz).
  - All times are in UTC as RFC 3339 writes them, such as C(2026-11-25T03:14:07.251Z).
  - Everything that is written is redacted and bounded before, and has no control characters in it,
    nor any that turn the direction of text round.
  - The connection options are used with O(store=configmap) only. That needs the verbs C(get) and
    C(list) on ConfigMaps, and to write, C(create) and C(patch).
"""
