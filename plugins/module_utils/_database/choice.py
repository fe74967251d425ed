# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backup to restore, and whether it may be.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.archive import read
from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import iso, spoken
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import BASE
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
        Backup,
        Source,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

# Each costs a run of pg_restore, and one behind a command costs the beginning of a transfer.
MOST_READ, MOST_FETCHED = 50, 5


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a caller asked for.

    :param database: the live database.
    :param of: the database that backups are of, where that had another name; "" is the same.
    :param backup: name of the backup, "" for the newest that fits.
    :param before: a moment in seconds since 1970; the backup has to be older, or reach up to it.
    :param rpo: the most seconds that may be between the backup and ``before`` or now.
    """

    database: str
    of: str = ""
    backup: str = ""
    before: float | None = None
    rpo: int | None = None

    def is_of(self, backup: Backup) -> bool:
        """Whether a backup may be one of the database; one that does not tell may."""
        return backup.form == BASE or backup.database in ("", self.of or self.database)


def list_backups(tools: Tools, sources: Sequence[Source], now: float) -> list[Backup]:
    """All backups, the newest first, those looked into that can be at small cost.

    Raises RecoveryError where a source cannot be listed.
    """
    by_name = {source.name: source for source in sources}
    found = [backup for source in sources for backup in source.backups()]
    found.sort(key=lambda backup: (-backup.made, backup.name))
    read_ones, costly = [], 0
    for index, backup in enumerate(found):
        source = by_name[backup.source]
        costly += source.path is None
        is_affordable = index < MOST_READ and (source.path is not None or costly <= MOST_FETCHED)
        if is_affordable and backup.form != BASE:
            backup = read(tools, backup, source)
        read_ones.append(backup)
    return sorted(read_ones, key=lambda backup: (-backup.made, backup.name))


def choose(
    tools: Tools, sources: Sequence[Source], backups: Sequence[Backup], wanted: Wanted
) -> Backup:
    """The backup that is asked for, looked into; raises RecoveryError where there is none."""
    ours = [backup for backup in backups if wanted.is_of(backup)]
    if wanted.backup:
        named = [backup for backup in backups if backup.name == wanted.backup]
        if len(named) != 1:
            there = ", ".join(backup.name for backup in ours[:5]) or "none"
            raise RecoveryError(
                f"backup {wanted.backup}",
                f"is in {len(named)} of the sources" if named else "is in none of the sources",
                f"There are: {there}",
            )
        (chosen,) = named
    else:
        chosen = _newest(sources, ours, wanted, len(backups))
    if chosen.is_read or chosen.form == BASE:
        return chosen
    source = next(source for source in sources if source.name == chosen.source)
    return read(tools, chosen, source)


def _newest(
    sources: Sequence[Source], ours: Sequence[Backup], wanted: Wanted, of_all: int
) -> Backup:
    """The backup that loses least; one that WAL can bring up to the very moment comes first."""
    limit = wanted.before
    fitting = [backup for backup in ours if limit is None or backup.made <= limit]
    reaching = [backup for backup in fitting if reaches_on(backup, sources)]
    fixed = [backup for backup in fitting if backup not in reaching]
    # Without a moment, WAL would bring the damage back, too.
    candidates = fixed if limit is None else [*reaching, *fixed]
    if not candidates:
        when = f" older than {iso(limit)}" if limit is not None else ""
        raise RecoveryError(
            f"database {wanted.database}",
            f"there is no backup of it{when} among {of_all} in the sources",
            "Correct sources, of or before; a base backup with WAL needs before",
        )
    return candidates[0]


def reaches_on(backup: Backup, sources: Sequence[Source]) -> bool:
    """Whether WAL can bring the backup to a later moment."""
    return backup.form == BASE and any(
        source.name == backup.source and source.restore_command for source in sources
    )


def judge(backup: Backup, wanted: Wanted, now: float, *, reaches: bool) -> list[dict[str, str]]:
    """The guards about the backup alone; ``reaches`` says that WAL brings it to the moment."""
    guards = [
        guard("backup_readable", "block", f"{backup.name}: {backup.problem}")
        if backup.problem
        else guard("backup_readable", "pass", f"{backup.form}, {backup.entries} entries")
    ]
    if not wanted.is_of(backup):
        guards.append(
            guard(
                "backup_of_database",
                "block",
                f"{backup.name} is of database {backup.database}; if that is meant, say so with of",
            )
        )
    until = now if wanted.before is None else wanted.before
    if wanted.before is not None and backup.made > wanted.before:
        guards.append(
            guard("backup_before", "block", f"{backup.name} is of {iso(backup.made)}, not older")
        )
    age = until - backup.made
    if wanted.rpo is not None and not reaches:
        says = f"{spoken(age)} old, {spoken(wanted.rpo)} may be lost"
        guards.append(guard("rpo", "block" if age > wanted.rpo else "pass", says))
    return guards


def guard(name: str, outcome: str, detail: str) -> dict[str, str]:
    """The outcome of a check: pass, warn or block."""
    return {"name": name, "outcome": outcome, "detail": detail}


def require_passed(subject: str, guards: Sequence[dict[str, str]]) -> None:
    """Raise RecoveryError where a guard blocks."""
    blocked = [f"{one['name']} ({one['detail']})" for one in guards if one["outcome"] == "block"]
    if blocked:
        raise RecoveryError(subject, f"refused by {'; '.join(blocked)}")
