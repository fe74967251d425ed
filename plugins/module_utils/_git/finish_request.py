# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a hotfix is asked to be finished, and what has to hold before.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.base import (
    BaseRequest,
    find_base,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.forward import MERGE
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import HEADS, read_remote
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import require_revision
from ansible_collections.oncall.recovery.plugins.module_utils._git.state import State, Workspace
from ansible_collections.oncall.recovery.plugins.module_utils._git.tag import Signing
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import release_tag
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import SPARSE

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class FinishRequest:
    """How the hotfix is to be released."""

    version: str = ""
    tag_format: str | None = None
    merge_into: Sequence[str] = ("main",)
    forward: str = MERGE
    message: str = ""
    signing: Signing = dataclasses.field(default_factory=Signing)
    forge: str = ""
    api_url: str = ""
    # What to try it with in check mode while nothing was started.
    base: BaseRequest = dataclasses.field(default_factory=BaseRequest)
    remote: str = "origin"
    keep_worktree: bool = False
    # What to try it with in check mode, in the place of the hotfix's branch.
    try_commit: str = ""
    dry_run: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any], *, dry_run: bool) -> FinishRequest:
        """Raises InvalidInput for names that git would misread."""
        try_commit = options["try_commit"] or ""
        return cls(
            try_commit=require_revision("try_commit", try_commit) if try_commit else "",
            version=options["version"] or "",
            tag_format=options["tag_format"],
            merge_into=options["merge_into"],
            forward=options["forward"],
            message=options["tag_message"] or "",
            signing=Signing.from_options(options),
            forge=options["forge"] or "",
            api_url=options["api_url"] or "",
            base=BaseRequest.from_options(options),
            remote=options["remote"],
            keep_worktree=options["keep_worktree"],
            dry_run=dry_run,
        )


def state_to_try(workspace: Workspace, request: FinishRequest) -> State:
    """The state of a hotfix that was not started, and holds nothing but its tag."""
    remote = read_remote(workspace.repository, request.remote)
    base = find_base(workspace.repository, remote, request.base)
    return State(
        name=workspace.name,
        branch=f"hotfix/{workspace.name}",
        remote=request.remote,
        base_tag=base.tag,
        base_commit=base.commit,
        worktree="",
        checkout=SPARSE,
        created="",
    )


def require_something_to_release(workspace: Workspace, state: State) -> None:
    """Raise InvalidInput for a hotfix that is empty or in the middle of a pick."""
    repository = workspace.repository
    if state.picking is not None:
        raise InvalidInput(
            f"hotfix {state.name}", "a pick is not at its end", "Run git_hotfix_pick again first"
        )
    head = repository.object_of(HEADS + state.branch)
    if state.is_pushed or (head and head != state.base_commit):
        return
    raise InvalidInput(
        f"hotfix {state.name}",
        f"has no commit since {state.base_tag}, so there is nothing to release",
        "Bring the fix in with git_hotfix_pick first",
    )


def require_same_release(state: State, request: FinishRequest) -> None:
    """Raise InvalidInput where a finished hotfix is asked to be released as something else."""
    release = state.prepared
    if not request.version:
        return
    _version, tag = release_tag(state.base_tag, request.version, request.tag_format)
    if tag != release.tag:
        raise InvalidInput(
            "version", f"is {request.version}, but it was released as {release.tag}", "Start anew"
        )
