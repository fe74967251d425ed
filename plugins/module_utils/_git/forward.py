# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which branches a hotfix goes back into, and the commits that bring it there.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.change import (
    Commit,
    Conflict,
    origin_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    Remote,
    deepen,
    fetch_missing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_ref_pattern,
    shown,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import (
    discard_unfinished,
    unmerged_files,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository
    from ansible_collections.oncall.recovery.plugins.module_utils._git.state import Release

MERGE, CHERRY_PICK, MERGE_REQUEST = "merge", "cherry_pick", "merge_request"


@dataclasses.dataclass(frozen=True)
class Targets:
    """Branches of the remote that take the hotfix, and those that a pattern matched in vain."""

    branches: list[str]
    skipped: list[str]
    deepened: bool = False


def find_targets(
    repository: Repository, remote: Remote, wanted: Sequence[str], base_commit: str
) -> Targets:
    """The branches that ``wanted`` names or, by a pattern such as ``release/*``, matches.

    A pattern takes the branches that contain the tag that the hotfix began at: the others are
    older releases, or other lines, and would get more than the fix. What is named is taken.
    Gets their commits. Raises InvalidInput.
    """
    named, matched = [], []
    for entry in wanted:
        require_ref_pattern("merge_into", entry)
        if any(character in entry for character in "*?["):
            matched += remote.matching(entry)
        elif remote.branch(entry) is None:
            has = ", ".join(remote.branches[:10]) or "none"
            raise InvalidInput(
                "merge_into", f"{remote.name} has no branch {shown(entry)} (have {has})", "Name one"
            )
        else:
            named.append(entry)
    candidates = list(dict.fromkeys([*named, *matched]))
    tips = [HEADS + branch for branch in candidates]
    fetch_missing(repository, remote, tips)
    deepened = deepen(repository, remote, tips, base_commit)
    open_ones = [
        branch
        for branch in candidates
        if branch in named or repository.contains(remote.refs[HEADS + branch], base_commit)
    ]
    return Targets(open_ones, [b for b in candidates if b not in open_ones], deepened)


@dataclasses.dataclass(frozen=True)
class Brought:
    """The commit that a branch is to be at, and what a person should know about it."""

    commit: str
    note: str = ""


def bring_into(
    tree: Repository, branch: str, tip: str, base_commit: str, release: Release
) -> Brought:
    """Make the commit that ``branch`` is to be at; it is ``tip`` where that has all of it.

    ``tree`` is a worktree that nobody else uses; it is left at the new commit. Raises
    RecoveryError with the conflicting files.
    """
    if tree.contains(tip, release.head):
        return Brought(tip)
    if tree.read("rev-parse", "HEAD") != tip:
        discard_unfinished(tree, tip)
    note = ""
    try:
        if release.forward == MERGE:
            note = _merge(tree, branch, tip, base_commit, release)
        else:
            _cherry_pick(tree, tip, base_commit, release)
    except Conflict as conflict:
        discard_unfinished(tree, tip)
        raise RecoveryError(
            f"branch {branch}",
            f"{conflict.subject} {conflict.cause}, so nothing was tagged or pushed",
            "Run again with forward=merge_request, and resolve it in the merge request",
            conflict={"branch": branch, "files": conflict.files, "change": conflict.subject},
        ) from conflict
    return Brought(tree.read("rev-parse", "HEAD"), note)


def _merge(tree: Repository, branch: str, tip: str, base_commit: str, release: Release) -> str:
    message = f"Merge hotfix {release.tag} into {branch}"
    options = ("--no-ff", "--no-edit", "--quiet", "-m", message, release.head)
    output = tree.run("merge", *options, accepts=(0, 1, 2, 128))
    if output.status == 0:
        return ""
    files = unmerged_files(tree)
    if not files:
        raise tree.error(("merge",), output)
    if not all(_has(tree, tip, commit) for commit in _commits(tree, base_commit, release)):
        raise Conflict(f"the merge of {release.tag}", files)
    # The fixes were made there and picked from there, and the work went on: there is nothing to
    # bring, and the merge only says so.
    discard_unfinished(tree, tip)
    tree.run("merge", "--strategy=ours", *options)
    return f"{branch} has the originals of all commits, so the merge leaves its files as they are"


def _cherry_pick(tree: Repository, tip: str, base_commit: str, release: Release) -> None:
    for commit in _commits(tree, base_commit, release):
        if not _has(tree, tip, commit):
            Commit(commit, tree.read("show", "--no-patch", "--format=%s", commit)).apply(tree)


def _commits(tree: Repository, base_commit: str, release: Release) -> list[str]:
    """The commits of the hotfix, the oldest first."""
    return tree.run("rev-list", "--reverse", "--no-merges", release.head, f"^{base_commit}").lines


def _has(tree: Repository, tip: str, commit: str) -> bool:
    """Whether the branch at ``tip`` has what ``commit`` was picked from."""
    origin = origin_of(tree, commit)
    return origin is not None and tree.commit_of(origin) is not None and tree.contains(tip, origin)
