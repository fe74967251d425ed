# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that is on the remote already, pushed by a run whose clone is lost, as in CI.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._git.forward import (
    MERGE,
    MERGE_REQUEST,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    TAGS,
    Remote,
    fetch_missing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import Release, State
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import release_tag

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._git.finish_request import (
        FinishRequest,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository


def release_on_remote(
    repository: Repository,
    remote: Remote,
    state: State,
    request: FinishRequest,
    head: str,
    branches: Sequence[str],
) -> Release | None:
    """The release, where the remote's tag holds the very files that ``head`` has.

    It must build on the same production tag, and be in the branches; None for any other tag.
    """
    version, tag = release_tag(state.base_tag, request.version or None, request.tag_format)
    there = remote.tag(tag)
    if there is None:
        return None
    fetch_missing(repository, remote, [TAGS + tag, *(HEADS + branch for branch in branches)])
    commit = repository.commit_of(there)
    if commit is None or not _is_same(repository, state, head, commit):
        return None
    targets = {branch: _target(remote, branch, request.forward) for branch in branches}
    if request.forward == MERGE and not all(
        repository.contains(target["to"], commit) for target in targets.values()
    ):
        return None
    return Release(version, tag, commit, request.forward, targets=targets, tag_object=there)


def _target(remote: Remote, branch: str, forward: str) -> dict[str, str]:
    tip = remote.refs[HEADS + branch]
    return {} if forward == MERGE_REQUEST else {"from": tip, "to": tip}


def _is_same(repository: Repository, state: State, head: str, commit: str) -> bool:
    trees = {repository.read("rev-parse", f"{name}^{{tree}}") for name in (head, commit)}
    return len(trees) == 1 and repository.contains(commit, state.base_commit)
