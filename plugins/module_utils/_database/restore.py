# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore, step by step, so that one that was killed continues.

Each step is written down after it is done, and what it is going to make before it makes it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.archive import read_all
from ansible_collections.oncall.recovery.plugins.module_utils._database.beside import (
    make_beside,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.checks import (
    require_all_passed,
    run_checks,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import (
    require_passed,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.dump import dump
from ansible_collections.oncall.recovery.plugins.module_utils._database.live import (
    database_of,
    judge_server,
    live_database,
    names_by_oid,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.loss import differences
from ansible_collections.oncall.recovery.plugins.module_utils._database.outcome import (
    outcome_of,
    outcome_of_plan,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.plan import make_plan
from ansible_collections.oncall.recovery.plugins.module_utils._database.point_in_time import (
    recover,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import shortened
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import BASE, Backup
from ansible_collections.oncall.recovery.plugins.module_utils._database.state import (
    APPROVED,
    BACKED_UP,
    CHECKED,
    FETCHED,
    RESTORED,
    SWITCHED,
    SWITCHED_BACK,
    State,
    Workspace,
    workspace,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.streams import fetch
from ansible_collections.oncall.recovery.plugins.module_utils._database.switch import (
    end_own_sessions,
    switch_names,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.oncall.recovery.plugins.module_utils._database.plan import Plan
    from ansible_collections.oncall.recovery.plugins.module_utils._database.request import Request
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools


MOST_NAMES = 99


def restore(tools: Tools, request: Request) -> dict[str, t.Any]:
    """Go to the step that is asked for and return what is known of the restore.

    Raises RecoveryError, with what is known so far in its facts; nothing is lost then, and the same
    call goes on.
    """
    try:
        with workspace(request.folder, request.name, writes=False) as place:
            state = place.load()
        if state is None:
            return _begin(tools, request)
        request.require_same(state)
        _require_possible(request, state)
        if request.dry_run:
            return outcome_of(state, changed=not state.has(request.target))
        return _go_on(tools, request)
    except OSError as error:
        raise RecoveryError(
            request.subject,
            f"cannot go on, {error.strerror} ({error.filename or request.folder})",
            "Correct that, then run again",
        ) from error


def _begin(tools: Tools, request: Request) -> dict[str, t.Any]:
    if request.target == SWITCHED_BACK:
        raise RecoveryError(
            request.subject,
            f"is not known in {request.folder}, so there is nothing to switch back",
            "Correct name or folder",
        )
    plan = make_plan(tools, request)
    if request.dry_run:
        return outcome_of_plan(request, plan)
    try:
        require_passed(request.subject, plan.guards)
        _require_approval(request)
    except RecoveryError as error:
        error.facts = {**outcome_of_plan(request, plan), "changed": False}
        raise
    return _go_on(tools, request, plan)


def _go_on(tools: Tools, request: Request, plan: Plan | None = None) -> dict[str, t.Any]:
    with workspace(request.folder, request.name, writes=True) as place:
        state = place.load()
        if state is None:
            if plan is None:
                raise RecoveryError(request.subject, "was removed meanwhile", "Run again")
            state = _approved(request, plan)
            place.reach(state, APPROVED)
        _require_possible(request, state)
        run = Run(tools.labelled(state.label), request, place, state)
        changed = run.to_target()
        return outcome_of(state, changed=changed, plan=plan)


def _require_possible(request: Request, state: State) -> None:
    goes_back = request.target == SWITCHED_BACK
    if goes_back and not state.has(SWITCHED):
        raise RecoveryError(request.subject, "was not switched, so there is nothing to switch back")
    if state.has(SWITCHED_BACK) and not goes_back:
        raise RecoveryError(
            request.subject,
            "was switched back",
            "Use another name to restore it once more",
        )
    if goes_back and not request.dry_run:
        _require_approval(request)


def _require_approval(request: Request) -> None:
    if not request.approved_by:
        raise RecoveryError(
            request.subject,
            "waits for an approval, nothing was changed",
            "Set approved_by to the name of the person who approves it",
        )


def _approved(request: Request, plan: Plan) -> State:
    now = time.time()
    database = request.wanted.database
    return State(
        name=request.name,
        database=database,
        approved_by=request.approved_by,
        created=now,
        backup=dataclasses.asdict(plan.chosen),
        before=request.wanted.before,
        live_oid=plan.live.oid,
        # The moment tells it from another restore of the same name, begun elsewhere.
        label=shortened(f"oncall.recovery {request.name}", f" {int(now)}"),
    )


@dataclasses.dataclass(frozen=True)
class Run:
    """One run's work on a restore."""

    tools: Tools
    request: Request
    place: Workspace
    state: State

    @property
    def backup(self) -> Backup:
        return Backup(**self.state.backup)

    def to_target(self) -> bool:
        """Do what is missing up to the target; returns whether there was anything."""
        steps: dict[str, Callable[[], None]] = {
            BACKED_UP: self.back_up,
            FETCHED: self.fetch,
            RESTORED: self.restore_beside,
            CHECKED: self.check,
            SWITCHED: self.switch,
            SWITCHED_BACK: self.switch_back,
        }
        order = list(steps)
        missing = [
            step
            for step in order[: order.index(self.request.target) + 1]
            if not self.state.has(step)
        ]
        if missing:
            end_own_sessions(self.tools)
        for step in missing:
            try:
                steps[step]()
            except RecoveryError as error:
                error.facts = {**outcome_of(self.state, changed=True), **error.facts}
                raise
            self.place.reach(self.state, step)
        return bool(missing)

    def back_up(self) -> None:
        """Dump the live database as it is, whatever is wrong with it."""
        if not self.request.backs_up_first:
            return
        try:
            path = dump(self.tools, self.state.database, self.place.folder, "live")
        except ToolError as error:
            error.next_step = (
                "Correct that; or set backup_first to false, since the live database itself is kept"
            )
            raise
        self.state.dump = str(path)

    def fetch(self) -> None:
        """Have the backup where pg_restore can read it in any order."""
        backup = self.backup
        if backup.path and backup.form != BASE:
            self.state.fetched = backup.path
            return
        source = next(
            (source for source in self.request.sources if source.name == backup.source), None
        )
        if source is None:
            raise InvalidInput(
                self.request.subject, f"source {backup.source} is gone", "Correct sources"
            )
        if backup.form == BASE:
            path = recover(self.tools, self.request, self.place, self.state, source)
            self.state.fetched = str(path)
            return
        path = fetch(self.tools, backup, source, self.place.folder)
        if self.request.reads_all:
            read_all(self.tools, f"backup {backup.name}", path)
        self.state.fetched = str(path)

    def restore_beside(self) -> None:
        make_beside(self.tools, self.place, self.state, self.request.jobs)

    def check(self) -> None:
        """Compare it with the live database and run the team's checks on it."""
        with contextlib.suppress(ToolError):
            self.state.differences = differences(self.tools, self.state.database, self.state.beside)
        self.state.checks = run_checks(self.tools, self.request.checks, self.state.beside)
        self.place.save(self.state)
        require_all_passed(
            f"database {self.state.beside}",
            self.state.checks,
            **outcome_of(self.state, changed=True),
        )

    def switch(self) -> None:
        """Give the restored database the live one's name, and keep the live one."""
        state = self.state
        state.switched_by = self.request.approved_by or state.approved_by
        if not self._is_live(state.beside_oid):
            state.kept = self._free_name(f"_before_{state.name}")
        self.place.save(state)
        state.kept = self._exchange(state.live_oid, state.kept, state.beside_oid)

    def switch_back(self) -> None:
        """Give the kept database its name back, and keep the restored one."""
        state = self.state
        state.switched_by = self.request.approved_by
        self.place.save(state)
        state.beside = self._exchange(state.beside_oid, state.beside, state.live_oid)

    def _exchange(self, out: int, kept: str, into: int) -> str:
        """Have ``into`` be live instead of ``out``; returns what that is called then."""
        if not self._is_live(into):
            live = live_database(self.tools, self.state.database)
            require_passed(self.request.subject, judge_server(live, renames=True))
            try:
                switch_names(self.tools, self.state.database, out, kept, into)
            except RecoveryError:
                # What is left of a run that was killed may have done it at this very moment.
                if not self._is_live(into):
                    raise
        return names_by_oid(self.tools, out).get(out, "")

    def _is_live(self, oid: int) -> bool:
        return names_by_oid(self.tools, oid).get(oid) == self.state.database

    def _free_name(self, suffix: str) -> str:
        """A name for the live database that no database has."""
        for number in range(1, MOST_NAMES + 1):
            ending = suffix if number == 1 else f"{suffix}_{number}"
            name = shortened(self.state.database, ending)
            if database_of(self.tools, "datname", name) is None:
                return name
        raise RecoveryError(
            self.request.subject,
            f"there are {MOST_NAMES} databases with names that end in {suffix}",
            "Drop those that nobody needs",
        )
