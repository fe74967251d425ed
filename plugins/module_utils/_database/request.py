# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a caller wants of a restore.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.checks import Check
from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import Wanted
from ansible_collections.oncall.recovery.plugins.module_utils._database.moment import (
    duration,
    moment,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import (
    require_database_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Source
from ansible_collections.oncall.recovery.plugins.module_utils._database.state import (
    SWITCHED,
    require_restore_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._database.state import State


@dataclasses.dataclass(frozen=True)
class Request:
    """One call.

    :param target: the step to go to.
    :param reads_all: whether to read a dump as a whole before anything is begun.
    :param instance_user: who runs a second server, "" for who runs this.
    :param instance_folder: where that has its data, None for a place in ``folder``.
    :param renames: whether the switch is to be by names, or by something that is not done here.
    """

    name: str
    target: str
    approved_by: str
    wanted: Wanted
    sources: tuple[Source, ...]
    checks: tuple[Check, ...]
    time_columns: tuple[str, ...]
    folder: Path
    reads_all: bool = True
    backs_up_first: bool = True
    renames: bool = True
    jobs: int = 2
    instance_user: str = ""
    instance_folder: Path | None = None
    dry_run: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any], *, dry_run: bool) -> Request:
        """Raises InvalidInput, which names the option."""
        sources = sources_from(options)
        instances = options["instance_folder"]
        if options["state"] == SWITCHED and options["switch"] == "none":
            raise InvalidInput("state", "is switched with switch none", "Go to checked, no further")
        wanted = Wanted(
            database=require_database_name("database", options["database"]),
            of=options["of"] or "",
            backup=options["backup"] or "",
            before=moment("before", options["before"] or ""),
            rpo=duration("rpo", options["rpo"] or ""),
        )
        if wanted.database == options["maintenance_database"]:
            raise InvalidInput(
                "maintenance_database",
                f"is {wanted.database}, which is to be renamed itself",
                "Set it to another one, such as template1",
            )
        approved_by = (options["approved_by"] or "").strip()
        if not approved_by.isprintable():
            raise InvalidInput("approved_by", f"is {approved_by!r}", "Use printable text")
        return cls(
            name=require_restore_name(options["name"]),
            target=options["state"],
            approved_by=approved_by,
            wanted=wanted,
            sources=sources,
            checks=tuple(map(Check.from_options, options["checks"] or ())),
            time_columns=tuple(options["time_columns"] or ()),
            folder=Path(options["folder"]),
            reads_all=options["verify"] == "full",
            backs_up_first=options["backup_first"],
            renames=options["switch"] == "rename",
            jobs=options["jobs"],
            instance_user=options["instance_user"] or "",
            instance_folder=Path(instances) if instances else None,
            dry_run=dry_run,
        )

    @property
    def subject(self) -> str:
        return f"restore {self.name} of database {self.wanted.database}"

    def require_same(self, state: State) -> None:
        """Raise InvalidInput where the restore of this name is another one."""
        said = {"database": self.wanted.database}
        if self.wanted.backup:
            said["backup"] = self.wanted.backup
        if self.wanted.before is not None:
            said["before"] = str(self.wanted.before)
        begun = {
            "database": state.database,
            "backup": state.backup["name"],
            "before": str(state.before),
        }
        for option, value in said.items():
            if begun[option] != value:
                raise InvalidInput(
                    self.subject,
                    f"was begun with {option} {begun[option]}, not {value}",
                    "Use another name for another restore",
                )


def sources_from(options: Mapping[str, t.Any]) -> tuple[Source, ...]:
    """The sources; raises InvalidInput for one that makes no sense or has the name of another."""
    sources = tuple(map(Source.from_options, options["sources"] or ()))
    names = [source.name for source in sources]
    if len(set(names)) != len(names):
        raise InvalidInput("sources", "two of them have the same name", "Name each")
    return sources
