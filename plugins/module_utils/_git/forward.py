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
    CONTAINED,
    Commit,
    Conflict,
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


def bring_into(tree: Repository, branch: str, tip: str, base_commit: str, release: Release) -> str:
    """Make the commit that ``branch`` is to be at, and return it; ``tip`` where it has all of it.

    ``tree`` is a worktree that nobody else uses; it is left at the new commit. Raises
    RecoveryError with the conflicting files.
    """
    if tree.contains(tip, release.head):
        return tip
    discard_unfinished(tree, tip)
    try:
        if release.forward == MERGE:
            _merge(tree, branch, release)
        else:
            _cherry_pick(tree, base_commit, release)
    except Conflict as conflict:
        discard_unfinished(tree, tip)
        raise RecoveryError(
            f"branch {branch}",
            f"{conflict.subject} {conflict.cause}, so nothing was tagged or pushed",
            "Run again with forward=merge_request, and resolve it in the merge request",
            conflict={"branch": branch, "files": conflict.files, "change": conflict.subject},
        ) from conflict
    return tree.read("rev-parse", "HEAD")


def _merge(tree: Repository, branch: str, release: Release) -> None:
    message = f"Merge hotfix {release.tag} into {branch}"
    command = ("merge", "--no-ff", "--no-edit", "--quiet", "-m", message, release.head)
    output = tree.run(*command, accepts=(0, 1, 2, 128))
    if output.status != 0:
        files = unmerged_files(tree)
        if files:
            raise Conflict(f"the merge of {release.tag}", files)
        raise tree.error(command, output)


def _cherry_pick(tree: Repository, base_commit: str, release: Release) -> None:
    commits = tree.run("log", "--reverse", "--format=%H %s", f"{base_commit}..{release.head}").lines
    for line in commits:
        name, _, subject = line.partition(" ")
        if Commit(name, subject).apply(tree, "HEAD") == CONTAINED:
            continue
