# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing one change onto the branch of a worktree: a commit by cherry-pick, or a patch file.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import require_plain
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import (
    has_staged_changes,
    in_progress,
    unmerged_files,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import (
        Output,
        Repository,
    )

PICKED, CONTAINED = "picked", "contained"
# What `git cherry-pick -x` writes below a message.
PICKED_FROM = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40,64})\)$", re.MULTILINE)
# The first line of a patch that holds a message and an author, as `git format-patch` writes it.
MAIL = re.compile(rb"\s*(From [0-9a-f]{40,64} |(From|Date|Subject|Message-ID): )", re.IGNORECASE)
FAILED_FILE = re.compile(
    r"^error: (?:patch failed: )?(.+?)(?::\d+|: patch does not apply|: does not exist in index|"
    r": already exists in index)$",
    re.MULTILINE,
)
AM = ("am", "--quiet", "--3way", "--no-scissors", "--quoted-cr=nowarn")


class Conflict(RecoveryError):
    """A change that does not fit; ``files`` are those that conflict."""

    def __init__(self, subject: str, files: list[str], said: str = "") -> None:
        self.files = files
        listed = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
        where = f"conflicts in {listed}" if files else "does not apply"
        super().__init__(subject, f"{where} ({said})" if said and not files else where)


@dataclasses.dataclass(frozen=True)
class Commit:
    """A commit to pick. ``mainline`` is the number of the parent that a merge is seen from."""

    id: str
    subject: str
    mainline: int = 0

    def __str__(self) -> str:
        return f"commit {self.id[:12]} ({self.subject})" if self.subject else self.id[:12]

    def apply(self, tree: Repository) -> str:
        """Pick it; return what became of it. Raises Conflict, which is then left in the tree."""
        if tree.contains("HEAD", self.id) or self.id in _picked_beside(tree, self.id):
            return CONTAINED
        mainline = ["--mainline", str(self.mainline)] if self.mainline else []
        output = tree.run("cherry-pick", "-x", *mainline, self.id, accepts=(0, 1, 128))
        return _after(tree, self, "cherry-pick", output)

    def proceed(self, tree: Repository) -> str:
        """Go on after a person has resolved its conflict."""
        if "CHERRY_PICK_HEAD" not in in_progress(tree):
            return PICKED
        output = tree.run("cherry-pick", "--continue", accepts=(0, 1, 128))
        return _after(tree, self, "cherry-pick", output)


@dataclasses.dataclass(frozen=True)
class Patch:
    """A patch file: mails as ``git format-patch`` writes them, or a plain diff.

    :param message: the commit's message, for a plain diff.
    """

    path: Path
    content: bytes
    message: str

    @property
    def id(self) -> str:
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def subject(self) -> str:
        return self.path.name

    def __str__(self) -> str:
        return f"patch {self.path.name}"

    @property
    def is_mail(self) -> bool:
        return MAIL.match(self.content) is not None

    def apply(self, tree: Repository) -> str:
        """Apply and commit it; return what became of it. Raises Conflict."""
        reverse = ("apply", "--check", "--cached", "--reverse", "-")
        if tree.run(*reverse, stdin=self.content, accepts=(0, 1, 128)).status == 0:
            return CONTAINED
        if self.is_mail:
            output = tree.run(*AM, self._carriage_returns, stdin=self.content, accepts=(0, 1, 128))
            return _after(tree, self, "am", output)
        apply = ("apply", "--index", "--3way", "--whitespace=nowarn", "-")
        output = tree.run(*apply, stdin=self.content, accepts=(0, 1, 128))
        if output.status != 0:
            raise Conflict(str(self), _failed_files(tree, self.content), _last_line(output))
        return self._commit(tree)

    def proceed(self, tree: Repository) -> str:
        """Go on after a person has resolved its conflict."""
        if self.is_mail:
            if "rebase-apply" not in in_progress(tree):
                return PICKED
            output = tree.run("am", "--continue", accepts=(0, 1, 128))
            return _after(tree, self, "am", output)
        return self._commit(tree) if has_staged_changes(tree) else PICKED

    @property
    def _carriage_returns(self) -> str:
        # Where the headers end in one, too, the whole file was converted on its way here.
        first = self.content.lstrip().partition(b"\n")[0]
        return "--no-keep-cr" if first.endswith(b"\r") else "--keep-cr"

    def _commit(self, tree: Repository) -> str:
        tree.run("commit", "--quiet", "--cleanup=whitespace", "--file=-", stdin=self.message)
        return PICKED


Change: t.TypeAlias = "Commit | Patch"


def read_patches(paths: t.Sequence[str], message: str) -> list[Patch]:
    """Read patch files. Raises InvalidInput."""
    return [_read_patch(path, message) for path in paths]


def origin_of(tree: Repository, commit: str) -> str | None:
    """The commit that ``commit`` says it was picked from; the last where it went several ways."""
    origins = PICKED_FROM.findall(tree.run("show", "--no-patch", "--format=%B", commit).stdout)
    return origins[-1] if origins else None


def _picked_beside(tree: Repository, commit: str) -> set[str]:
    """What the branch's commits that ``commit`` does not build on say they were picked from."""
    return set(PICKED_FROM.findall(tree.run("log", "--format=%B", "HEAD", f"^{commit}").stdout))


def _after(tree: Repository, change: Change, command: str, output: Output) -> str:
    """What became of a change after git ended with ``output``; raises Conflict."""
    if output.status == 0:
        return PICKED
    files = unmerged_files(tree)
    if files:
        raise Conflict(str(change), files)
    if not in_progress(tree):
        raise tree.error((command,), output)
    if command == "cherry-pick" and not has_staged_changes(tree):
        tree.run("cherry-pick", "--skip")
        return CONTAINED
    patch = tree.run("am", "--show-current-patch=diff").raw if command == "am" else b""
    raise Conflict(str(change), _failed_files(tree, patch), _last_line(output))


def _failed_files(tree: Repository, patch: bytes) -> list[str]:
    """The files that conflict, or those that git says the patch does not apply to."""
    unmerged = unmerged_files(tree)
    if unmerged or not patch:
        return unmerged
    check = tree.run("apply", "--check", "--cached", "-", stdin=patch, accepts=(0, 1, 128))
    return sorted(set(FAILED_FILE.findall(check.stderr)))


def _last_line(output: Output) -> str:
    lines = [line for line in output.stderr.splitlines() if line.startswith("error:")]
    return lines[-1].removeprefix("error: ") if lines else ""


def _read_patch(path: str, message: str) -> Patch:
    file = Path(require_plain("patches", path)).expanduser()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidInput(
            "patches", f"{file} cannot be read ({error.strerror})", "Correct the path"
        ) from error
    if not content.strip():
        raise InvalidInput("patches", f"{file} is empty", "Name another file")
    return Patch(file, content, message or f"Apply {file.name}\n")
