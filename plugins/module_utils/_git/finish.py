# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finishing a hotfix: version, merges, tag, and one push of all of it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git import state as steps
from ansible_collections.oncall.recovery.plugins.module_utils._git.finish_request import (
    FinishRequest,
    require_same_release,
    require_something_to_release,
    state_to_try,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.forge import (
    NO_FORGE,
    forge_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.forward import (
    MERGE_REQUEST,
    Targets,
    bring_into,
    find_targets,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.released import (
    default_message,
    push_refused,
    released_result,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    TAGS,
    Remote,
    fetch_missing,
    push_atomically,
    read_remote,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import require_commit
from ansible_collections.oncall.recovery.plugins.module_utils._git.start import require_state
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import (
    Release,
    State,
    Workspace,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.tag import (
    drop_tag,
    make_tag,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.taken_over import (
    release_on_remote,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import release_tag
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import (
    passing_worktree,
    release_worktree,
    remove_stale_lock,
    remove_worktree,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

# Others may push while the merges are made; whoever keeps pushing wins in the end.
MOST_PUSHES = 4


def release_hotfix(workspace: Workspace, request: FinishRequest) -> dict[str, t.Any]:
    """Release the hotfix, or go on where a killed run stopped. Raises RecoveryError."""
    if request.dry_run and request.base and workspace.load() is None:
        return _Finish(workspace, state_to_try(workspace, request), request).run()
    state = require_state(workspace)
    if state.is_finished:
        require_same_release(state, request)
        changed = False if request.dry_run else _settle_worktree(workspace, state, request)
        return {**released_result(state), "changed": changed}
    if not (request.dry_run and request.try_commit):
        require_something_to_release(workspace, state)
    return _Finish(workspace, state, request).run()


def _settle_worktree(workspace: Workspace, state: State, request: FinishRequest) -> bool:
    """Keep or remove the worktree of what is released; say whether that made a difference."""
    folder, was_kept = Path(state.worktree), state.is_kept
    if request.keep_worktree:
        release_worktree(workspace.repository, folder, state.prepared.head)
    was_removed = not request.keep_worktree and remove_worktree(workspace.repository, folder)
    state.is_kept = request.keep_worktree
    if state.is_finished and state.is_kept != was_kept:
        workspace.save(state)
    return was_removed or state.is_kept != was_kept


class _Finish:
    """One run: what it was asked, what the remote is like, and what it found out."""

    def __init__(self, workspace: Workspace, state: State, request: FinishRequest) -> None:
        self.workspace = workspace
        self.repository = workspace.repository
        self.state = state
        self.request = request
        self.remote: Remote = read_remote(self.repository, state.remote)
        self.targets = Targets([], [])
        self.notes: list[str] = []

    def run(self) -> dict[str, t.Any]:
        if not self.is_pushed:
            self._take_over()
        if not self.is_pushed:
            self.state.release = self._plan()
            if self.request.dry_run:
                self._try()
                return {**self._told(), "changed": True}
            self.workspace.save(self.state)
            self._push()
        elif self.request.dry_run:
            return {**self._told(), "changed": True}
        if not self.state.is_pushed:
            self.workspace.reach(self.state, steps.PUSHED)
        self._request_merges()
        self._tidy()
        return {**self._told(), "changed": True}

    @property
    def release(self) -> Release:
        return self.state.prepared

    @property
    def is_pushed(self) -> bool:
        """The push is atomic, so the tag on the remote says that all of it went through."""
        if self.state.is_pushed:
            return True
        release = self.state.release
        has_tag = release is not None and release.tag_object != ""
        return has_tag and self.remote.tag(self.release.tag) == self.release.tag_object

    def _take_over(self) -> None:
        """Go on with the same release where another run has pushed it, and its clone is lost."""
        self._find_targets(self.request.merge_into)
        found = release_on_remote(
            self.repository,
            self.remote,
            self.state,
            self.request,
            self._head(),
            self.targets.branches,
        )
        if found is None:
            return
        self.state.release = found
        self.notes.append(f"{found.tag} was pushed by an earlier run, and is taken over")
        if self.request.dry_run:
            return
        if self.repository.object_of(TAGS + found.tag) is None:
            self.repository.run("update-ref", TAGS + found.tag, found.tag_object)
        self.repository.run("update-ref", HEADS + self.state.branch, found.head)
        self.workspace.save(self.state)

    def _plan(self) -> Release:
        """The release to make; keeps what an interrupted run prepared of the same one."""
        state, earlier = self.state, self.state.release
        version, tag = release_tag(
            state.base_tag, self.request.version or None, self.request.tag_format
        )
        here = self.repository.object_of(TAGS + tag)
        is_ours = earlier is not None and earlier.tag == tag and self._is_our_tag(here, earlier)
        for place, found in (
            (str(self.repository), None if is_ours else here),
            (self.remote.name, self.remote.tag(tag)),
        ):
            if found:
                raise RecoveryError(
                    f"tag {tag}", f"exists already in {place}", "Name another one in version"
                )
        head = self._head()
        if self.request.forward == MERGE_REQUEST:
            self._require_branch_to_push(head)
        is_outdated = earlier is not None and not (is_ours and earlier.head == head)
        if earlier and is_outdated and not self.request.dry_run:
            drop_tag(self.repository, earlier)
        release = Release(version, tag, head, self.request.forward)
        if earlier and (earlier.head, earlier.forward) == (head, release.forward):
            release.targets = earlier.targets
            release.tag_object = earlier.tag_object if is_ours else ""
        return release

    def _head(self) -> str:
        """The commit to release."""
        if self.request.dry_run and self.request.try_commit:
            return require_commit(self.repository, "try_commit", self.request.try_commit)
        return self.repository.object_of(HEADS + self.state.branch) or self.state.base_commit

    def _require_branch_to_push(self, head: str) -> None:
        """Raise RecoveryError where the remote's branch has commits that ours would overwrite."""
        there = self.remote.branch(self.state.branch)
        if there is None or there == head:
            return
        fetch_missing(self.repository, self.remote, [HEADS + self.state.branch])
        if not self.repository.contains(head, there):
            raise RecoveryError(
                f"branch {self.state.branch}",
                f"has other commits on {self.remote.name}",
                f"Merge them into the branch in {self.state.worktree}, then run again",
            )

    def _is_our_tag(self, here: str | None, earlier: Release) -> bool:
        """Whether the local tag is one that an interrupted run made, noted or not."""
        if here is None:
            return False
        return here == earlier.tag_object or self.repository.commit_of(here) == earlier.head

    def _push(self) -> None:
        pushes_left = MOST_PUSHES
        while True:
            self._prepare(self.workspace.scratch)
            self._tag()
            refs = self._refs()
            refusal = push_atomically(self.repository, self.remote, refs)
            if refusal is None:
                return
            self.remote = read_remote(self.repository, self.state.remote)
            if self.is_pushed:
                return
            pushes_left -= 1
            # Servers word it in many ways that somebody was faster; their refs tell for sure.
            moved = [ref for ref in refs if self.remote.refs.get(ref, "") != refs[ref][1]]
            if not pushes_left or not moved or self.remote.tag(self.release.tag):
                break
            self.notes.append("somebody pushed meanwhile, so the merges were made again")
            self._find_targets(self.targets.branches)
        drop_tag(self.repository, self.release)
        self.release.tag_object = ""
        self.workspace.save(self.state)
        raise push_refused(self.state, self.remote, refusal)

    def _prepare(self, folder: Path) -> None:
        """Make the commits that the targets are to be at, unless they are made."""
        release, remote = self.release, self.remote
        if release.forward == MERGE_REQUEST:
            release.targets = {branch: {} for branch in self.targets.branches}
            return
        done = {
            branch: target
            for branch, target in release.targets.items()
            if branch in self.targets.branches and target["from"] == remote.branch(branch)
        }
        todo = [branch for branch in self.targets.branches if branch not in done]
        release.targets = done
        if not todo:
            return
        first = remote.refs[HEADS + todo[0]]
        with passing_worktree(self.repository, folder, first) as tree:
            for branch in todo:
                tip = remote.refs[HEADS + branch]
                brought = bring_into(tree, branch, tip, self.state.base_commit, release)
                release.targets[branch] = {"from": tip, "to": brought.commit}
                self.notes += [brought.note] if brought.note else []
                if not self.request.dry_run:
                    self.workspace.save(self.state)
        if not self.request.dry_run:
            self.workspace.reach(self.state, steps.PREPARED)

    def _tag(self) -> None:
        if self.release.tag_object:
            return
        remove_stale_lock(self.repository, TAGS + self.release.tag)
        message = self.request.message or default_message(self.state)
        self.release.tag_object = make_tag(
            self.repository, self.release, message, self.request.signing
        )
        self.workspace.reach(self.state, steps.TAGGED)

    def _refs(self) -> dict[str, tuple[str, str]]:
        """Exactly what is pushed."""
        release = self.release
        refs = {TAGS + release.tag: (release.tag_object or release.head, "")}
        if release.forward == MERGE_REQUEST:
            branch = HEADS + self.state.branch
            refs[branch] = (release.head, self.remote.refs.get(branch, ""))
        for branch, target in release.targets.items():
            if target and target["to"] != target["from"]:
                refs[HEADS + branch] = (target["to"], target["from"])
        return refs

    def _try(self) -> None:
        """Make the merges in a place that is thrown away, and ask the remote about the push."""
        with tempfile.TemporaryDirectory() as folder:
            self._prepare(Path(folder) / "merge")
        refusal = push_atomically(self.repository, self.remote, self._refs(), dry_run=True)
        if refusal:
            raise push_refused(self.state, self.remote, refusal)

    def _request_merges(self) -> None:
        release, access = self.release, self.repository.access
        if release.forward != MERGE_REQUEST:
            return
        forge = forge_of(self.remote.push_url, self.request.forge, self.request.api_url)
        for branch in release.targets:
            if branch in release.requests:
                continue
            if access.token and forge.kind != NO_FORGE:
                title = f"Merge hotfix {release.tag} into {branch}"
                url = forge.request_merge(self.state.branch, branch, title, access)
            else:
                url = forge.page_to_open(self.state.branch, branch)
            release.requests[branch] = url
            self.workspace.save(self.state)

    def _tidy(self) -> None:
        """Remove what only the work needed: the tag leads to all that was released."""
        remove_worktree(self.repository, self.workspace.scratch)
        _settle_worktree(self.workspace, self.state, self.request)
        ref = HEADS + self.state.branch
        remove_stale_lock(self.repository, ref)
        if self.repository.object_of(ref) == self.release.head:
            self.repository.run("update-ref", "-d", ref, self.release.head)
        self.workspace.reach(self.state, steps.FINISHED)

    def _find_targets(self, wanted: Sequence[str]) -> None:
        self.targets = find_targets(self.repository, self.remote, wanted, self.state.base_commit)
        if self.targets.deepened:
            self.notes.append(f"the shallow {self.repository} was deepened to merge")
        for branch in self.targets.skipped:
            self.notes.append(f"{branch} does not contain {self.state.base_tag}, so it was skipped")

    def _told(self) -> dict[str, t.Any]:
        pushed = sorted(self._refs()) if not self.request.dry_run else []
        return {**released_result(self.state), "pushed": pushed, "notes": self.notes}
