# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore would do and what it would cost; reads, and changes nothing.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.archive import read_all
from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import (
    choose,
    guard,
    judge,
    list_backups,
    reaches_on,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.instance import (
    judge_base,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.live import (
    judge_server,
    live_database,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.loss import what_is_lost
from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import iso
from ansible_collections.oncall.recovery.plugins.module_utils._database.point_in_time import (
    instance_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import BASE
from ansible_collections.oncall.recovery.plugins.module_utils._database.space import judge_space
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._database.live import Database
    from ansible_collections.oncall.recovery.plugins.module_utils._database.request import Request
    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Backup
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools


@dataclasses.dataclass(frozen=True)
class Plan:
    """What was found before anything is begun."""

    live: Database
    backups: Sequence[Backup]
    chosen: Backup
    guards: list[dict[str, str]]
    lost: dict[str, t.Any]
    made: float

    def as_result(self) -> dict[str, t.Any]:
        return {
            "backups": [backup.as_result(self.made) for backup in self.backups],
            "backup": self.chosen.as_result(self.made),
            "guards": self.guards,
            "lost": self.lost,
            "live": {
                "size": self.live.size,
                "sessions": self.live.sessions,
                "owner": self.live.facts["owner"],
            },
        }


def make_plan(tools: Tools, request: Request) -> Plan:
    """Raises RecoveryError where the server or the backups cannot be looked at."""
    now = time.time()
    wanted = request.wanted
    live = live_database(tools, wanted.database)
    backups = list_backups(tools, request.sources, now)
    chosen = choose(tools, request.sources, backups, wanted)
    reaches = reaches_on(chosen, request.sources)
    if chosen.form == BASE:
        instance_for(tools, request).require_possible()
        problem = judge_base(tools, Path(chosen.path), reads_all=request.reads_all)
        chosen = dataclasses.replace(chosen, problem=problem, is_read=True)
    guards = [
        *judge(chosen, wanted, now, reaches=reaches),
        *judge_server(live, renames=request.renames),
        judge_space(request.folder, live, chosen, backs_up=request.backs_up_first),
    ]
    if request.reads_all and chosen.path and not chosen.problem and chosen.form != BASE:
        guards.append(_judge_content(tools, chosen))
    since = chosen.made if not reaches else now if wanted.before is None else wanted.before
    return Plan(live, backups, chosen, guards, _lost(tools, request, since, now), now)


def _judge_content(tools: Tools, chosen: Backup) -> dict[str, str]:
    try:
        read_all(tools, f"backup {chosen.name}", Path(chosen.path))
    except ToolError as error:
        return guard("backup_whole", "block", error.message)
    return guard("backup_whole", "pass", "all of it can be read")


def _lost(tools: Tools, request: Request, since: float, now: float) -> dict[str, t.Any]:
    lost: dict[str, t.Any] = {"since": iso(since), "seconds": max(0, int(now - since))}
    try:
        tables = what_is_lost(tools, request.wanted.database, since, request.time_columns)
    except ToolError as error:
        # A damaged database may not even tell its tables, and has to be restored all the same.
        return {**lost, "tables": [], "problem": error.message}
    return {**lost, "tables": tables, "problem": ""}
