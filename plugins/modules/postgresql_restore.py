#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_restore
short_description: Restore a PostgreSQL database beside the live one, and switch
version_added: 0.1.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Restores a backup into a new database on the same server, checks it, and gives it the name of
    the live one, which is kept under another name. Nothing is ever restored in place, and nothing
    is dropped but what an attempt has left that did not come to its end.
  - Begins with a fresh backup of the live database.
  - A base backup with WAL is brought to the moment O(before) by a second server beside the live
    one, which is on no network; the database is dumped there and restored from that dump.
  - The names change in one transaction. Whoever connects meanwhile waits for its end; the sessions
    of the live database are ended.
  - Everything that changes something needs the name of a person who approves it. In check mode, the
    module tells the plan and changes nothing.
  - A run that was killed goes on when it is started again with the same O(name) and O(folder).
extends_documentation_fragment:
  - oncall.recovery._attributes
  - oncall.recovery._postgresql
attributes:
  check_mode:
    support: full
    details:
      - Looks at the server and the backups, and says what would be done and what would be lost. The
        server is asked in transactions that can only read, and no file is written.
  diff_mode:
    support: none
    details:
      - The tables whose number of rows differs are in the result.
  idempotent:
    support: full
options:
  name:
    description:
      - Name of this restore, such as an incident's number. Started again with it, a restore goes
        on.
      - Becomes part of the names of databases. Letters, digits, dot, dash and underscore, 40 at
        most.
    type: str
    required: true
  database:
    description:
      - The live database.
    type: str
    required: true
  state:
    description:
      - How far to go. Steps that were reached are not done again, but for checks that failed.
      - V(backed_up) only dumps the live database. V(restored) restores the backup beside it.
        V(checked) runs O(checks) on it. V(switched) gives it the name of the live one.
        V(switched_back) gives the name back to the database that was kept, and keeps the restored
        one.
    type: str
    choices:
      - backed_up
      - restored
      - checked
      - switched
      - switched_back
    default: switched
  approved_by:
    description:
      - Name of the person who approves it. Without it, nothing is begun, and nothing is switched
        back.
    type: str
  backup:
    description:
      - Name of the backup. Without it, the newest one of the database that is older than O(before).
    type: str
  before:
    description:
      - A moment when all was still well, as ISO 8601 with a time zone. A newer backup may hold the
        damage already, and is refused.
    type: str
  of:
    description:
      - Name of the database that the backups were made of, where that is not O(database).
    type: str
  rpo:
    description:
      - The recovery point objective, such as V(30m) or V(24h). A backup that is older is refused,
        seen from O(before) if that is set, else from now.
    type: str
  verify:
    description:
      - How a backup is checked before it is used. V(list) reads its list of contents, V(full) all
        of it, which finds one that was cut off and takes as long as reading it does. What is behind
        a command is read as a whole once it was fetched.
    type: str
    choices:
      - list
      - full
    default: full
  backup_first:
    description:
      - Whether to dump the live database into O(folder) first.
    type: bool
    default: true
  checks:
    description:
      - What the restored database has to pass before the switch.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - What the check is called. Without it, what it runs.
        type: str
      sql:
        description:
          - A query of which every row is true, such as V(SELECT count(*) > 1000 FROM orders). It
            can only read.
        type: str
      file:
        description:
          - Path of a file of SQL for C(psql), which passes where nothing in it fails.
        type: path
      command:
        description:
          - A shell command, which passes where it ends with 0. E(PGDATABASE) in its environment is
            the restored database, and the rest of the connection is there, too.
        type: str
  time_columns:
    description:
      - Names of columns that say when a row was written, to count the rows that would be lost.
    type: list
    elements: str
    default:
      - created_at
      - updated_at
      - inserted_at
      - modified_at
  switch:
    description:
      - V(rename) says that the switch is to be by names, so that what that needs is checked at the
        beginning. With V(none), something else leads the application to the restored database, and
        O(state=switched) is refused.
    type: str
    choices:
      - rename
      - none
    default: rename
  jobs:
    description:
      - How many connections C(pg_restore) uses side by side.
    type: int
    default: 2
  instance_user:
    description:
      - For a base backup, who runs the second server that brings it to O(before), usually
        V(postgres). Needed where this runs as root, since no server does.
    type: str
  instance_folder:
    description:
      - For a base backup, the folder where that server has its data while it is needed.
        O(instance_user) has to be able to enter it. Without it, a place in O(folder).
    type: path
  folder:
    description:
      - Folder that keeps, below the name of each restore, how far it got, the fresh backup and what
        was fetched. It has to outlive the run. Everything in it can only be read by its owner.
    type: path
    default: ~/.local/state/oncall-recovery/database
seealso:
  - module: oncall.recovery.postgresql_backup_info
notes:
  - "The usual errors: no person has approved it; the backup is damaged, too old, or of another
    database; the role lacks rights; a prepared transaction keeps the database from being renamed; a
    check failed; sessions did not end. The live database is as it was then."
  - Writes to the live database after the backup began are not in the restored one. They stay in the
    database that is kept.
"""

EXAMPLES = r"""
- name: See what a restore would do and lose
  oncall.recovery.postgresql_restore:
    name: INC-4711
    database: shop
    sources:
      - path: /var/backups/postgresql
    before: '2026-11-25T18:02:00Z'
  check_mode: true

- name: Restore, check and switch
  oncall.recovery.postgresql_restore:
    name: INC-4711
    database: shop
    approved_by: Ada Lovelace
    sources:
      - path: /var/backups/postgresql
    before: '2026-11-25T18:02:00Z'
    rpo: 24h
    checks:
      - name: there are orders
        sql: SELECT count(*) > 1000 FROM orders

- name: Restore to the moment before the damage, from a base backup and its WAL
  oncall.recovery.postgresql_restore:
    name: INC-4712
    database: shop
    approved_by: Ada Lovelace
    before: '2026-11-25T18:02:00Z'
    sources:
      - path: /var/backups/postgresql/base
        wal_path: /var/backups/postgresql/wal
    bin_dir: /usr/lib/postgresql/15/bin
    instance_user: postgres
    instance_folder: /var/lib/postgresql

- name: Go back to the database that was kept
  oncall.recovery.postgresql_restore:
    name: INC-4711
    database: shop
    state: switched_back
    approved_by: Ada Lovelace
    sources: []
"""

RETURN = r"""
name:
  description: Name of the restore.
  returned: success
  type: str
  sample: INC-4711
database:
  description: The live database.
  returned: success
  type: str
  sample: shop
approved_by:
  description: Who has approved it. Empty before that.
  returned: success
  type: str
  sample: Ada Lovelace
switched_by:
  description: Who has approved the last switch, there or back. Empty before that.
  returned: success
  type: str
  sample: Ada Lovelace
step:
  description:
    - The last step that it has reached. V(approved), V(backed_up), V(fetched), V(restored),
      V(checked), V(switched) or V(switched_back); empty before it was begun.
  returned: success
  type: str
  sample: switched
steps:
  description: The steps that it has reached, and when, in UTC.
  returned: success
  type: list
  elements: dict
  contains:
    step:
      description: The step.
      type: str
      sample: restored
    at:
      description: When it was reached.
      type: str
      sample: '2026-11-25T18:12:40Z'
backup:
  description: The backup, as in RV(oncall.recovery.postgresql_backup_info#module:backups).
  returned: success
  type: dict
  sample: {name: shop.dump, age: 57600}
backups:
  description: All backups, as in RV(oncall.recovery.postgresql_backup_info#module:backups).
  returned: before it was begun, and when it is begun
  type: list
  elements: dict
  sample: [{name: shop.dump, age: 57600}]
guards:
  description: What was checked before anything was begun.
  returned: before it was begun, and when it is begun
  type: list
  elements: dict
  contains:
    name:
      description: The check.
      type: str
      sample: rpo
    outcome:
      description: V(pass), V(warn) or V(block).
      type: str
      sample: pass
    detail:
      description: What was found.
      type: str
      sample: 16h old, 1d may be lost
lost:
  description: What the restored database will lack, as far as the live one can tell.
  returned: before it was begun, and when it is begun
  type: dict
  contains:
    since:
      description: Everything that was written after this moment.
      type: str
      sample: '2026-11-25T02:00:01Z'
    seconds:
      description: How long that is.
      type: int
      sample: 57600
    tables:
      description:
        - The largest two hundred tables, each with C(table), the number of C(rows) that were
          written since, and the columns that tell it in C(by). The number is null where no column
          of O(time_columns) tells, or counting took longer than five seconds.
      type: list
      elements: dict
      sample: [{table: public.orders, rows: 57, by: [created_at]}]
    problem:
      description: Why the live database could not tell. Empty where it could.
      type: str
      sample: ''
live:
  description: The live database, with its C(size) in bytes, number of C(sessions), and C(owner).
  returned: before it was begun, and when it is begun
  type: dict
  sample: {owner: shop, sessions: 12, size: 734003200}
restored:
  description: What the restored database is called now. Empty before there is one.
  returned: success
  type: str
  sample: shop_INC-4711_1
kept:
  description: What the database is called that was live before. Empty unless it was switched.
  returned: success
  type: str
  sample: shop_before_INC-4711
dump:
  description: Path of the fresh backup. Empty before there is one.
  returned: success
  type: str
  sample: /home/oncall/.local/state/oncall-recovery/database/INC-4711/live.dump
not_copied:
  description:
    - Settings and grants of the live database that could not be given to the restored one, because
      that takes a superuser, as SQL with the reason. The module warns of them.
  returned: success
  type: list
  elements: str
  sample: []
checks:
  description: The checks with C(name), whether it C(passed), and the C(problem).
  returned: success
  type: list
  elements: dict
  sample: [{name: there are orders, passed: true, problem: ''}]
differences:
  description:
    - The tables whose number of rows is not the same in both databases before the switch, with the
      number of rows C(live) and C(restored). A number is null where there is no such table, or
      counting took too long.
  returned: success
  type: list
  elements: dict
  sample: [{table: public.orders, live: 0, restored: 15731}]
"""

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
from ansible_collections.oncall.recovery.plugins.module_utils._database.request import Request
from ansible_collections.oncall.recovery.plugins.module_utils._database.restore import restore

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "database": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["backed_up", "restored", "checked", "switched", "switched_back"],
        "default": "switched",
    },
    "approved_by": {"type": "str"},
    "backup": {"type": "str"},
    "before": {"type": "str"},
    "of": {"type": "str"},
    "rpo": {"type": "str"},
    "verify": {"type": "str", "choices": ["list", "full"], "default": "full"},
    "backup_first": {"type": "bool", "default": True},
    "checks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "sql": {"type": "str"},
            "file": {"type": "path"},
            "command": {"type": "str"},
        },
    },
    "time_columns": {
        "type": "list",
        "elements": "str",
        "default": ["created_at", "updated_at", "inserted_at", "modified_at"],
    },
    "switch": {"type": "str", "choices": ["rename", "none"], "default": "rename"},
    "jobs": {"type": "int", "default": 2},
    "instance_user": {"type": "str"},
    "instance_folder": {"type": "path"},
    "folder": {"type": "path", "default": "~/.local/state/oncall-recovery/database"},
}


def main() -> None:
    module = postgresql_module(ARGUMENT_SPEC)
    with reporting_errors(module):
        require_at_least(module.params, timeout=1, jobs=1)
        request = Request.from_options(module.params, dry_run=module.check_mode)
        result = restore(tools_of(module), request)
    finish(module, result, warnings=[f"not copied: {one}" for one in result["not_copied"]])


if __name__ == "__main__":
    main()
