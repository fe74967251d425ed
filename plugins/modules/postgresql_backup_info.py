#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_backup_info
short_description: List backups of PostgreSQL databases, and whether they can be read
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Lists the backups in folders and behind commands, the newest first, with age and size, and with
    what C(pg_restore --list) says of each.
  - Looks into the newest fifty, of which five may be behind commands; of the others only the file's
    own time and size are known.
  - Needs no connection to a server.
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._attributes.info_module
  - oncall.recovery._postgresql
options:
  database:
    description:
      - Only the backups of this database, and those that do not tell what they are of.
    type: str
seealso:
  - module: oncall.recovery.postgresql_restore
notes:
  - "The usual errors: a folder cannot be listed; a command fails, or prints what is no list."
"""

EXAMPLES = r"""
- name: List what there is
  oncall.recovery.postgresql_backup_info:
    sources:
      - path: /var/backups/postgresql

- name: List what is in object storage
  oncall.recovery.postgresql_backup_info:
    database: shop
    sources:
      - name: objects
        list_command: [rclone, lsjson, 'backups:shop']
        fetch_command: [rclone, cat, 'backups:shop/{name}']

- name: List what another machine keeps
  oncall.recovery.postgresql_backup_info:
    sources:
      - name: vault
        list_command:
          - ssh
          - backup@vault.example
          - find /backups -type f -printf '%s %T@ %P\n'
        fetch_command: [ssh, backup@vault.example, 'cat -- /backups/{quoted_name}']
"""

RETURN = r"""
backups:
  description: The backups, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What it is called where it is.
      type: str
      sample: shop-2026-11-25.dump
    source:
      description: Name of its source.
      type: str
      sample: /var/backups/postgresql
    format:
      description: V(custom), V(directory), or V(remote) as long as it was not looked into.
      type: str
      sample: custom
    size:
      description: Bytes.
      type: int
      sample: 73400320
    made:
      description: When it was begun, in UTC.
      type: str
      sample: '2026-11-25T02:00:01Z'
    age:
      description: How long ago that is, in seconds.
      type: int
      sample: 57600
    database:
      description: The database that it was made of. Empty where that is not known.
      type: str
      sample: shop
    server_version:
      description: Version of the server that it was made of. Empty where that is not known.
      type: str
      sample: '15.18'
    entries:
      description: How many entries its list of contents has.
      type: int
      sample: 214
    problem:
      description: Why it cannot be used. Empty where nothing is known against it.
      type: str
      sample: ''
"""

import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._adapter_database import (
    postgresql_module,
    tools_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import (
    Wanted,
    list_backups,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.request import (
    sources_from,
)

ARGUMENT_SPEC: dict[str, t.Any] = {"database": {"type": "str"}}


def main() -> None:
    module = postgresql_module(ARGUMENT_SPEC)
    with reporting_errors(module):
        require_at_least(module.params, timeout=1)
        now, wanted = time.time(), Wanted(module.params["database"] or "")
        backups = list_backups(tools_of(module), sources_from(module.params), now)
        ours = [one for one in backups if not wanted.database or wanted.is_of(one)]
    finish(module, {"changed": False, "backups": [one.as_result(now) for one in ours]})


if __name__ == "__main__":
    main()
