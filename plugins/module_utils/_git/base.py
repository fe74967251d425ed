# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tag that is in production: as named, as what runs says, or the newest that matches.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    TAGS,
    Remote,
    deepen,
    fetch_missing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.running import (
    Running,
    tag_that_runs,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_ref_name,
    require_ref_pattern,
    shown,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import newest_first

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository


@dataclasses.dataclass(frozen=True)
class Base:
    """The tag that a hotfix starts from; ``deepened`` says that a shallow source got history."""

    tag: str
    commit: str
    deepened: bool = False


@dataclasses.dataclass(frozen=True)
class BaseRequest:
    """Either ``tag``, or what is ``running``, or ``pattern`` (a glob) and the branch that leads
    to the tag.
    """

    tag: str = ""
    pattern: str = ""
    reachable_from: str = ""
    tag_format: str | None = None
    running: Running = dataclasses.field(default_factory=Running)

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> BaseRequest:
        """Raises InvalidInput for names that git would misread."""
        tag, pattern = options.get("from_tag") or "", options.get("from_pattern") or ""
        branch = options.get("reachable_from") or ""
        if tag:
            require_ref_name("from_tag", tag)
        if pattern:
            require_ref_pattern("from_pattern", pattern)
        if branch:
            require_ref_name("reachable_from", branch)
        running = Running.from_option(options.get("from_running"))
        return cls(tag, pattern, branch, options.get("tag_format"), running)

    def __bool__(self) -> bool:
        return bool(self.tag or self.pattern or self.running)


def find_base(repository: Repository, remote: Remote, request: BaseRequest) -> Base:
    """Find the tag and get its commit. Changes no ref. Raises RecoveryError."""
    tag = request.tag
    if request.running:
        tag = tag_that_runs(remote, request.running, request.tag_format)
    if tag:
        return Base(tag, _commit_of_tag(repository, remote, tag))
    return _newest_reachable(repository, remote, request)


def _commit_of_tag(repository: Repository, remote: Remote, tag: str) -> str:
    here, there = repository.object_of(TAGS + tag), remote.tag(tag)
    if here is None and there is None:
        raise InvalidInput(
            "from_tag",
            f"there is no tag {shown(tag)}, neither in {repository} nor on {remote.name}",
            "Check its name, and that it is pushed",
        )
    if here and there and here != there:
        raise RecoveryError(
            f"tag {tag}",
            f"is {here[:12]} in {repository} and {there[:12]} on {remote.name}",
            f"Find out who moved it, then: git fetch --force {remote.name} tag {tag}",
        )
    if there and not here:
        fetch_missing(repository, remote, [TAGS + tag])
    commit = repository.commit_of(there or here or "")
    if commit is None:
        raise RecoveryError(f"tag {tag}", "does not lead to a commit", "Name another tag")
    return commit


def _newest_reachable(repository: Repository, remote: Remote, request: BaseRequest) -> Base:
    branch = request.reachable_from or remote.default_branch or "main"
    tip = remote.branch(branch)
    if tip is None:
        raise InvalidInput(
            "reachable_from", f"{remote.name} has no branch {shown(branch)}", "Name another branch"
        )
    matching = [tag for tag in remote.tags if fnmatch.fnmatchcase(tag, request.pattern)]
    ranked = newest_first(matching, request.tag_format)
    if not ranked:
        raise InvalidInput(
            "from_pattern",
            f"no tag on {remote.name} matches {shown(request.pattern)} and holds a version",
            "Correct the pattern, or name the tag in from_tag",
        )
    fetch_missing(repository, remote, [HEADS + branch, *(TAGS + tag for _version, tag in ranked)])
    deepened = deepen(repository, remote, [HEADS + branch])
    reachable = set(_merged_into(repository, tip))
    commits = {tag: remote.commit_of_tag(tag) or "" for _version, tag in ranked}
    for version, tag in ranked:
        if commits[tag] not in reachable:
            continue
        # A hotfix that was not merged yet is what runs in production, although nothing but its
        # tag leads to it: it begins at the tag that was found, and is of the same line.
        for newer, other in ranked:
            is_patch = newer > version and newer.line == version.line and not newer.pre
            if is_patch and repository.contains(commits[other], commits[tag]):
                return Base(other, commits[other], deepened)
        return Base(tag, commits[tag], deepened)
    raise InvalidInput(
        "from_pattern",
        f"no tag that matches {shown(request.pattern)} is reachable from {branch}",
        "Name the branch that releases are made from in reachable_from, or the tag in from_tag",
    )


def _merged_into(repository: Repository, tip: str) -> list[str]:
    return repository.run("rev-list", tip).lines
