# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the commits that are to be picked, here or on the remote.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.change import Commit
from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import (
    HEADS,
    Remote,
    deepen,
    fetch_commit,
    fetch_missing,
    read_remote,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import require_commit
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_revision,
    shown,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository

OBJECT_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
STEPS_BACK = re.compile(r"[~^]")
RANGE = ".."


class Selection:
    """Turns what a person wrote into commits; asks the remote only where it has to."""

    def __init__(self, repository: Repository, remote_name: str, mainline: int) -> None:
        self._repository = repository
        self._remote_name = remote_name
        self._mainline = mainline
        self._remote: Remote | None = None
        self.notes: list[str] = []

    def commits(self, entries: Sequence[str]) -> list[Commit]:
        """In the order given, a range from its oldest; each once. Raises InvalidInput."""
        # All entries are looked at before any is looked up.
        spans = [_span(entry) for entry in entries]
        found: dict[str, None] = {}
        for first, last in spans:
            found.update(dict.fromkeys(self._listed(first, last)))
        return [self._commit(name) for name in found]

    def _listed(self, first: str, last: str) -> list[str]:
        newest = self._resolve(last)
        if not first:
            self._deepen_to(newest)
            return [newest]
        oldest = self._resolve(first)
        options = ["--first-parent"] if self._mainline else []
        listed = self._repository.run("rev-list", "--reverse", *options, newest, f"^{oldest}").lines
        if not listed:
            raise InvalidInput(
                "commits", f"range {first}{RANGE}{last} is empty", "The older commit comes first"
            )
        return listed

    def _resolve(self, name: str) -> str:
        """The full name of a commit; branches are meant as they are on the remote."""
        if OBJECT_NAME.fullmatch(name):
            if self._repository.commit_of(name) is None:
                fetch_commit(self._repository, self._read_remote(), name)
            return require_commit(self._repository, "commits", name)
        remote = self._read_remote()
        short = name.removeprefix(f"{remote.name}/")
        branch = STEPS_BACK.split(short, maxsplit=1)[0]
        tip = remote.branch(branch)
        if tip is not None:
            fetch_missing(self._repository, remote, [HEADS + branch])
            return require_commit(self._repository, "commits", tip + short[len(branch) :])
        if self._repository.commit_of(name) is None:
            fetch_missing(self._repository, remote, [ref for ref in remote.refs if HEADS in ref])
        return require_commit(self._repository, "commits", name)

    def _commit(self, name: str) -> Commit:
        shown_commit = self._repository.run("show", "--no-patch", "--format=%P%n%s", name).lines
        parents = shown_commit[0].split() if shown_commit else []
        subject = shown_commit[1] if len(shown_commit) > 1 else ""
        if len(parents) < 2:
            return Commit(name, subject)
        if not self._mainline:
            raise InvalidInput(
                "mainline",
                f"is needed, because commit {name[:12]} ({subject}) is a merge",
                "Set it to 1 to pick what the merge brought into its first parent",
            )
        if self._mainline > len(parents):
            raise InvalidInput(
                "mainline",
                f"is {self._mainline}, but commit {name[:12]} has {len(parents)} parents",
            )
        return Commit(name, subject, self._mainline)

    def _deepen_to(self, commit: str) -> None:
        """A commit without its parent cannot be picked; a shallow source may have cut it off."""
        shallow_file = self._repository.common_dir / "shallow"
        if not shallow_file.exists():
            return
        if commit in shallow_file.read_text(encoding="ascii").split():
            remote = self._read_remote()
            branches = [HEADS + branch for branch in remote.branches]
            deepen(self._repository, remote, branches)
            self.notes.append(f"the shallow {self._repository} was deepened to reach {commit[:12]}")

    def _read_remote(self) -> Remote:
        if self._remote is None:
            self._remote = read_remote(self._repository, self._remote_name)
        return self._remote


def _span(entry: str) -> tuple[str, str]:
    """``older..newer`` as two revisions; a single one as ("", revision). Raises InvalidInput."""
    first, dots, last = entry.partition(RANGE)
    if not dots:
        return "", require_revision("commits", entry)
    if last.startswith("."):
        raise InvalidInput("commits", f"{shown(entry)} has three dots", "Write older..newer")
    return require_revision("commits", first), require_revision("commits", last)
