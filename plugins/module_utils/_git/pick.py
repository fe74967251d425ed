# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing the fix onto the hotfix's branch, change by change, all of them or none.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git import state as steps
from ansible_collections.oncall.recovery.plugins.module_utils._git.base import (
    BaseRequest,
    find_base,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.change import (
    PICKED,
    Change,
    Conflict,
    read_patches,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    read_remote,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import require_plain
from ansible_collections.oncall.recovery.plugins.module_utils._git.selection import Selection
from ansible_collections.oncall.recovery.plugins.module_utils._git.start import (
    require_state,
    started_result,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import (
    Picking,
    State,
    Workspace,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import (
    FULL,
    SPARSE,
    add_worktree,
    branch_of,
    discard_unfinished,
    fill,
    in_progress,
    is_worktree,
    passing_worktree,
    remove_stale_lock,
    unmerged_files,
    write_files,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository

ABORT, LEAVE = "abort", "leave"
EARLIER = "picked_before"


@dataclasses.dataclass(frozen=True)
class PickRequest:
    """What is to be brought in. ``base`` is where to try it while nothing was started.

    ``try_in`` is a folder that gets the files as they would be, on a dry run; "" for none.
    """

    commits: Sequence[str] = ()
    patches: Sequence[str] = ()
    mainline: int = 0
    message: str = ""
    on_conflict: str = ABORT
    base: BaseRequest = dataclasses.field(default_factory=BaseRequest)
    remote: str = "origin"
    try_in: str = ""
    dry_run: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any], *, dry_run: bool) -> PickRequest:
        """Raises InvalidInput for names that git would misread."""
        return cls(
            try_in=require_plain("try_in", options["try_in"]) if options["try_in"] else "",
            commits=options["commits"] or (),
            patches=options["patches"] or (),
            mainline=options["mainline"] or 0,
            message=options["commit_message"] or "",
            on_conflict=options["on_conflict"],
            base=BaseRequest.from_options(options),
            remote=options["remote"],
            dry_run=dry_run,
        )


def pick(workspace: Workspace, request: PickRequest) -> dict[str, t.Any]:
    """Bring the changes in; a conflict is a RecoveryError with the files in its facts."""
    selection = Selection(workspace.repository, request.remote, request.mainline)
    changes: list[Change] = [
        *selection.commits(request.commits),
        *read_patches(request.patches, request.message),
    ]
    if request.dry_run:
        return {**_try(workspace, request, changes), "notes": selection.notes}
    state = require_state(workspace)
    known = {entry["id"] for entry in state.picks}
    if state.is_pushed and (missing := [change for change in changes if change.id not in known]):
        raise InvalidInput(
            f"hotfix {state.name}",
            f"is released, so {missing[0]} cannot be picked any more",
            "Start a new hotfix from the tag that it made",
        )
    if state.is_pushed:
        head = state.prepared.head
        return _result(state, changes, head, was_there=known, notes=selection.notes)
    tree = hotfix_tree(workspace, state)
    _settle(workspace, state, tree, changes)
    if any(change.id not in known for change in changes):
        _pick_all(workspace, state, tree, changes, request.on_conflict)
    if state.picking is not None:
        _end(workspace, state)
    head = tree.read("rev-parse", "HEAD")
    return _result(state, changes, head, was_there=known, notes=selection.notes)


def hotfix_tree(workspace: Workspace, state: State) -> Repository:
    """The hotfix's worktree, made anew where it was lost.

    Raises RecoveryError where somebody has another branch in it.
    """
    repository, folder = workspace.repository, Path(state.worktree)
    if not is_worktree(repository, folder):
        return add_worktree(repository, folder, state.branch, checkout=state.checkout)
    tree = repository.at(folder, is_sparse=state.checkout == SPARSE)
    on = branch_of(tree)
    if on != state.branch:
        raise RecoveryError(
            f"worktree {folder}",
            f"is on {on or 'no branch'}, and not on {state.branch}",
            f"Save what is in it, then: git -C {folder} checkout {state.branch}",
        )
    return tree


def _settle(
    workspace: Workspace, state: State, tree: Repository, changes: Sequence[Change]
) -> None:
    """Come to terms with what an earlier call left: a conflict for a person, or a killed pick."""
    picking = state.picking
    if picking is None:
        begun = in_progress(tree)
        if begun:
            raise RecoveryError(
                f"worktree {tree}", f"somebody is in the middle of something ({begun[0]})", "End it"
            )
        return
    if not picking.is_left:
        remove_stale_lock(workspace.repository, HEADS + state.branch)
        discard_unfinished(tree, picking.at or tree.read("rev-parse", "HEAD"))
        return
    change = next((change for change in changes if change.id == picking.item), None)
    if change is None:
        raise InvalidInput(
            f"hotfix {state.name}",
            f"a conflict of {picking.item[:19]} waits in {tree}",
            "Ask for the same changes again once it is resolved, or abort the hotfix",
        )
    files = unmerged_files(tree)
    if files:
        raise _left(state, Conflict(str(change), files))
    with _leaving(workspace, state, tree):
        change.proceed(tree)
    if tree.read("rev-parse", "HEAD") != picking.at:
        # What a person has resolved is not undone by a later conflict.
        picking.before, picking.kept = tree.read("rev-parse", "HEAD"), len(state.picks) + 1
        _note(workspace, state, tree, change, PICKED)


def _pick_all(
    workspace: Workspace,
    state: State,
    tree: Repository,
    changes: Sequence[Change],
    on_conflict: str,
) -> None:
    if state.picking is None:
        head = tree.read("rev-parse", "HEAD")
        state.picking = Picking(before=head, kept=len(state.picks), at=head)
    for change in changes:
        if any(entry["id"] == change.id for entry in state.picks):
            continue
        state.picking.item, state.picking.at = change.id, tree.read("rev-parse", "HEAD")
        state.picking.is_left = False
        workspace.save(state)
        if on_conflict == LEAVE:
            with _leaving(workspace, state, tree):
                outcome = change.apply(tree)
        else:
            with _undoing(workspace, state, tree):
                outcome = change.apply(tree)
        _note(workspace, state, tree, change, outcome)


def _note(
    workspace: Workspace, state: State, tree: Repository, change: Change, outcome: str
) -> None:
    """Write down that a change is done."""
    picking = state.under_way
    commits = tree.run("rev-list", "--reverse", "HEAD", f"^{picking.at}").lines
    entry = {"id": change.id, "subject": change.subject, "outcome": outcome, "commits": commits}
    state.picks.append(entry)
    picking.item, picking.is_left = "", False
    picking.at = commits[-1] if commits else picking.at
    workspace.save(state)


def _end(workspace: Workspace, state: State) -> None:
    state.picking = None
    workspace.reach(state, steps.PICKED)


@contextlib.contextmanager
def _leaving(workspace: Workspace, state: State, tree: Repository) -> Iterator[None]:
    """Leave a conflict in the worktree for a person, who gets all files to work with."""
    try:
        yield
    except Conflict as conflict:
        state.under_way.is_left = True
        if state.checkout == SPARSE:
            fill(tree)
            state.checkout = FULL
        workspace.save(state)
        raise _left(state, conflict) from conflict


@contextlib.contextmanager
def _undoing(workspace: Workspace, state: State, tree: Repository) -> Iterator[None]:
    """Put everything back as it was before the call when one change does not go in."""
    try:
        yield
    except RecoveryError as error:
        discard_unfinished(tree, state.under_way.before)
        del state.picks[state.under_way.kept :]
        state.picking = None
        workspace.save(state)
        if not isinstance(error, Conflict):
            raise
        raise _conflict(
            state,
            error,
            "Nothing was changed. Pick what it builds on before it, or run again with "
            "on_conflict=leave and resolve it",
        ) from error


def _left(state: State, conflict: Conflict) -> RecoveryError:
    return _conflict(
        state,
        conflict,
        f"Resolve it in {state.worktree} and git add the files, then run the same again",
    )


def _conflict(state: State, conflict: Conflict, next_step: str) -> RecoveryError:
    facts = {"change": conflict.subject, "files": conflict.files, "worktree": state.worktree}
    subject = f"hotfix {state.name}: {conflict.subject}"
    return RecoveryError(subject, conflict.cause, next_step, conflict=facts)


def _result(
    state: State,
    changes: Sequence[Change],
    head: str,
    *,
    was_there: set[str],
    notes: Sequence[str],
) -> dict[str, t.Any]:
    by_id = {entry["id"]: entry for entry in state.picks}
    picks = [
        {**by_id[change.id], "outcome": EARLIER if change.id in was_there else outcome}
        for change in changes
        if (outcome := by_id[change.id]["outcome"])
    ]
    return {
        **started_result(state),
        "picks": picks,
        "commit": head,
        "changed": any(entry["outcome"] == PICKED for entry in picks),
        "notes": list(notes),
    }


def _try(workspace: Workspace, request: PickRequest, changes: Sequence[Change]) -> dict[str, t.Any]:
    """Pick in a worktree that is thrown away, so that a conflict shows before it matters."""
    repository, state = workspace.repository, workspace.load()
    if state is None:
        if not request.base:
            require_state(workspace)
        base = find_base(repository, read_remote(repository, request.remote), request.base)
        head, known = base.commit, set()
    else:
        head = repository.object_of(HEADS + state.branch) or state.base_commit
        known = {entry["id"] for entry in state.picks}
    picks = []
    with (
        tempfile.TemporaryDirectory() as folder,
        passing_worktree(repository, Path(folder) / "tree", head) as tree,
    ):
        for change in changes:
            at = tree.read("rev-parse", "HEAD")
            outcome = EARLIER if change.id in known else change.apply(tree)
            commits = tree.run("rev-list", "--reverse", "HEAD", f"^{at}").lines
            entry = {"id": change.id, "subject": change.subject, "outcome": outcome}
            picks.append({**entry, "commits": commits})
        head = tree.read("rev-parse", "HEAD")
        if request.try_in:
            write_files(tree, Path(request.try_in).expanduser().absolute())
    started = started_result(state) if state else {"name": workspace.name, "step": ""}
    changed = any(entry["outcome"] == PICKED for entry in picks)
    return {**started, "picks": picks, "commit": head, "changed": changed}
