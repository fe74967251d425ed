# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beginning a hotfix: a branch from the production tag, in a worktree of its own; and giving it up.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.base import (
    Base,
    BaseRequest,
    find_base,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    TAGS,
    read_remote,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_hotfix_name,
    require_plain,
    require_ref_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import (
    STARTED,
    State,
    Workspace,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import next_release
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import (
    FULL,
    SPARSE,
    add_worktree,
    is_worktree,
    remove_stale_lock,
    remove_worktree,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository


@dataclasses.dataclass(frozen=True)
class StartRequest:
    """What a hotfix is to be called, and where it begins."""

    name: str
    branch: str
    base: BaseRequest
    remote: str = "origin"
    worktree: str = ""
    checkout: str = SPARSE
    dry_run: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any], *, dry_run: bool) -> StartRequest:
        """Raises InvalidInput for names that git would misread."""
        name = require_hotfix_name("name", options["name"])
        branch = options["branch"] or f"hotfix/{name}"
        worktree = options["worktree"] or ""
        if worktree:
            require_plain("worktree", worktree)
        return cls(
            name=name,
            branch=require_ref_name("branch", branch),
            base=BaseRequest.from_options(options),
            remote=require_ref_name("remote", options["remote"]),
            worktree=worktree,
            checkout=options["checkout"],
            dry_run=dry_run,
        )


def start(workspace: Workspace, request: StartRequest) -> dict[str, t.Any]:
    """Begin the hotfix, or go on where a killed run stopped. Raises RecoveryError."""
    state, notes = workspace.load(), []
    is_new = state is None
    if state is None:
        _require_committer(workspace.repository)
        base = _checked_base(workspace, request)
        if base.deepened:
            notes.append(f"the shallow {workspace.repository} was deepened to find the tag")
        state = _new_state(workspace, request, base)
    else:
        _require_same(state, request)
    changed = is_new
    if not request.dry_run:
        if is_new:
            workspace.save(state)
        changed = _make(workspace, state, request.checkout) or is_new
    version, tag = next_release(state.base_tag, request.base.tag_format)
    return {
        **started_result(state),
        "next_version": version,
        "next_tag": tag,
        "changed": changed,
        "notes": notes,
    }


def abort(workspace: Workspace, *, dry_run: bool = False) -> dict[str, t.Any]:
    """Remove worktree, branch, unpushed tag and state; the state last, so that a kill resumes."""
    repository, state = workspace.repository, workspace.load()
    if state is None:
        return {"changed": False, "notes": [f"there is no hotfix {workspace.name}"]}
    notes, release = [], state.release
    is_pushed = state.is_pushed
    if release and release.tag_object and not is_pushed:
        # A run that was killed in the middle of its push may not have noted that it went through.
        there = read_remote(repository, state.remote).tag(release.tag)
        is_pushed = there == release.tag_object
    if is_pushed and release:
        notes.append(f"{release.tag} is pushed, and stays")
    if not dry_run:
        remove_worktree(repository, workspace.scratch)
        remove_worktree(repository, Path(state.worktree))
        if release and release.tag_object and not is_pushed:
            _delete_ref(workspace, TAGS + release.tag, release.tag_object)
        _delete_ref(workspace, HEADS + state.branch)
        workspace.forget()
    return {**started_result(state), "changed": True, "notes": notes}


def started_result(state: State) -> dict[str, t.Any]:
    """What every module says about the hotfix."""
    return {
        "name": state.name,
        "branch": state.branch,
        "base_tag": state.base_tag,
        "base_commit": state.base_commit,
        "worktree": "" if state.is_finished and not state.is_kept else state.worktree,
        "checkout": state.checkout,
        "step": state.step,
    }


def require_state(workspace: Workspace) -> State:
    """The hotfix's state. Raises InvalidInput where it was not started."""
    state = workspace.load()
    if state is None or STARTED not in state.steps:
        raise InvalidInput(
            f"hotfix {workspace.name}",
            f"was not started in {workspace.repository}",
            "Start it with git_hotfix_start, and check repo and name",
        )
    return state


def _require_committer(repository: Repository) -> None:
    """Raise InvalidInput where git would refuse to commit later on."""
    if repository.run("var", "GIT_COMMITTER_IDENT", accepts=(0, 128)).status != 0:
        raise InvalidInput(
            "committer_name",
            "is not set, and git has no user.name and user.email of its own",
            "Set committer_name and committer_email",
        )


def _checked_base(workspace: Workspace, request: StartRequest) -> Base:
    repository = workspace.repository
    if not request.base:
        raise InvalidInput(
            "from_tag", "is missing, as are from_pattern and from_running", "Set one of them"
        )
    remote = read_remote(repository, request.remote)
    places = [("", repository.object_of(HEADS + request.branch))]
    places.append((f" on {remote.name}", remote.branch(request.branch)))
    for place, commit in places:
        if commit:
            raise RecoveryError(
                f"branch {request.branch}",
                f"exists already{place}, at {commit[:12]}",
                "Use another name or branch, or delete it",
            )
    return find_base(repository, remote, request.base)


def _new_state(workspace: Workspace, request: StartRequest, base: Base) -> State:
    tree = Path(request.worktree).expanduser().resolve() if request.worktree else workspace.tree
    if request.worktree and tree.exists() and any(tree.iterdir()):
        raise InvalidInput("worktree", f"{tree} is not empty", "Name a new folder")
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    return State(
        name=request.name,
        branch=request.branch,
        remote=request.remote,
        base_tag=base.tag,
        base_commit=base.commit,
        worktree=str(tree),
        checkout=request.checkout,
        created=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _require_same(state: State, request: StartRequest) -> None:
    """Raise InvalidInput where the hotfix was started in another way than is asked for now."""
    asked = {
        "branch": (request.branch, state.branch),
        "from_tag": (request.base.tag or state.base_tag, state.base_tag),
        "remote": (request.remote, state.remote),
    }
    for option, (now, then) in asked.items():
        if now != then:
            raise InvalidInput(
                option,
                f"is {now}, but hotfix {state.name} was started with {then}",
                "Use another name, or abort that hotfix first",
            )


def _make(workspace: Workspace, state: State, checkout: str) -> bool:
    """Do what is missing of branch and worktree; say whether there was anything."""
    if state.is_pushed:
        return False
    repository, ref = workspace.repository, HEADS + state.branch
    changed = False
    if repository.object_of(ref) is None:
        remove_stale_lock(repository, ref)
        repository.run("update-ref", ref, state.base_commit, "0" * len(state.base_commit))
        changed = True
    # What a person is resolving stays as it is.
    is_free = state.picking is None or not state.picking.is_left
    is_wider = checkout == FULL and state.checkout == SPARSE and is_free
    tree = Path(state.worktree)
    if STARTED not in state.steps or is_wider or not is_worktree(repository, tree):
        state.checkout = FULL if is_wider else state.checkout
        add_worktree(repository, tree, state.branch, checkout=state.checkout)
        changed = True
    if STARTED not in state.steps:
        workspace.reach(state, STARTED)
    elif changed:
        workspace.save(state)
    return changed


def _delete_ref(workspace: Workspace, ref: str, expected: str = "") -> None:
    remove_stale_lock(workspace.repository, ref)
    if workspace.repository.object_of(ref) is not None:
        workspace.repository.run("update-ref", "-d", ref, *([expected] if expected else []))
