# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Worktrees: places to work in that leave the caller's checkout, index and stash alone.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import (
    FULL_SETTINGS,
    Repository,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

SPARSE, FULL = "sparse", "full"
# The files at the top; a merge writes others only where they conflict.
SPARSE_PATTERNS = "/*\n!/*/\n"
# In a worktree's git folder, what says that a person or a killed run is in the middle of something.
IN_PROGRESS = ("CHERRY_PICK_HEAD", "MERGE_HEAD", "REVERT_HEAD", "rebase-apply", "rebase-merge")


def add_worktree(
    repository: Repository, folder: Path, what: str, *, checkout: str, detach: bool = False
) -> Repository:
    """Check ``what`` (a branch, or with ``detach`` a commit) out in a new folder.

    Whatever a killed run has left there is removed before.
    """
    remove_worktree(repository, folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = ["--detach"] if detach else []
    repository.run("worktree", "add", "--no-checkout", *options, str(folder), what)
    tree = repository.at(folder, is_sparse=checkout == SPARSE)
    if checkout == SPARSE:
        patterns = git_dir_of(tree) / "info" / "sparse-checkout"
        patterns.parent.mkdir(exist_ok=True)
        patterns.write_text(SPARSE_PATTERNS, encoding="ascii")
    tree.run("read-tree", "-m", "-u", "HEAD")
    return tree


def fill(tree: Repository) -> None:
    """Check out what a sparse worktree lacks, without touching what is there, for a person.

    A file that is left out counts as unchanged whatever somebody writes to it.
    """
    tree = _leaving_nothing_out(tree)
    # It complains about files that conflict and about those that are there, and does the rest.
    tree.run("checkout-index", "--all", "--quiet", accepts=range(256))
    patterns = git_dir_of(tree) / "info" / "sparse-checkout"
    patterns.unlink(missing_ok=True)


def write_files(tree: Repository, folder: Path) -> None:
    """Write all files of the worktree's index into a new or empty folder that git knows nothing of.

    Of a sparse worktree nothing is left out. Raises InvalidInput for a folder that is in use.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput("try_in", f"{folder} is not empty", "Name a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _leaving_nothing_out(tree).run("checkout-index", "--all", "--quiet", f"--prefix={folder}/")


def release_worktree(repository: Repository, folder: Path, commit: str) -> None:
    """Have the worktree stand at ``commit`` with all files and on no branch.

    One that is on the commit already keeps what tests have built in it, as far as git ignores it.
    """
    if is_worktree(repository, folder):
        tree = repository.at(folder, is_sparse=False)
        is_whole = not (git_dir_of(tree) / "info" / "sparse-checkout").exists()
        if is_whole and tree.commit_of("HEAD") == commit:
            tree.run("checkout", "--quiet", "--force", "--detach")
            tree.run("clean", "--quiet", "--force", "-d")
            return
    add_worktree(repository, folder, commit, checkout=FULL, detach=True)


def remove_worktree(repository: Repository, folder: Path) -> bool:
    """Remove a worktree, whole or half made; say whether there was one.

    ``git worktree prune`` would also forget worktrees of the caller's whose disk is away.
    """
    known = [entry for entry in _entries(repository) if _folder_of(entry) == folder]
    for entry in known:
        shutil.rmtree(entry)
    existed = folder.exists()
    if existed:
        shutil.rmtree(folder)
    return existed or bool(known)


@contextlib.contextmanager
def passing_worktree(repository: Repository, folder: Path, commit: str) -> Iterator[Repository]:
    """A sparse worktree at ``commit`` that is gone when the block ends."""
    try:
        yield add_worktree(repository, folder, commit, checkout=SPARSE, detach=True)
    finally:
        remove_worktree(repository, folder)


def git_dir_of(tree: Repository) -> Path:
    """The worktree's own folder inside the repository's."""
    return Path(tree.read("rev-parse", "--absolute-git-dir"))


def is_worktree(repository: Repository, folder: Path) -> bool:
    """Whether the folder is a worktree of this repository that was checked out to its end."""
    entries = [entry for entry in _entries(repository) if _folder_of(entry) == folder]
    return folder.is_dir() and any((entry / "index").exists() for entry in entries)


def unmerged_files(tree: Repository) -> list[str]:
    """The files that conflict, as paths from the top of the repository."""
    entries = tree.run("ls-files", "--unmerged", "-z").fields
    return sorted({entry.partition("\t")[2] for entry in entries})


def discard_unfinished(tree: Repository, commit: str) -> None:
    """Put the worktree and its branch back to ``commit``, whatever a killed git was doing."""
    git_dir = git_dir_of(tree)
    # The run holds the hotfix's lock, so no git works here any more; these were left by a kill.
    for lock in git_dir.glob("*.lock"):
        lock.unlink(missing_ok=True)
    for name in IN_PROGRESS:
        path = git_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    shutil.rmtree(git_dir / "sequencer", ignore_errors=True)
    tree.run("reset", "--hard", "--quiet", commit)


def in_progress(tree: Repository) -> list[str]:
    git_dir = git_dir_of(tree)
    return [name for name in IN_PROGRESS if (git_dir / name).exists()]


def has_staged_changes(tree: Repository) -> bool:
    return not tree.succeeds("diff-index", "--cached", "--quiet", "HEAD")


def remove_stale_lock(repository: Repository, ref: str) -> None:
    """Remove the lock of a ref that only this hotfix writes, left behind by a killed git."""
    (repository.common_dir / f"{ref}.lock").unlink(missing_ok=True)


def branch_of(tree: Repository) -> str:
    """The branch that the worktree is on; "" where it is on none."""
    ref = tree.run("symbolic-ref", "--quiet", "HEAD", accepts=(0, 1)).stdout.strip()
    return ref.removeprefix("refs/heads/")


def _leaving_nothing_out(tree: Repository) -> Repository:
    """The worktree with an index that has every file, none of them left out of the checkout."""
    tree = dataclasses.replace(tree, settings=FULL_SETTINGS)
    entries = tree.run("ls-files", "-z", "-t").raw.split(b"\0")
    left_out = b"\0".join(entry[2:] for entry in entries if entry.startswith(b"S "))
    tree.run("update-index", "-z", "--no-skip-worktree", "--stdin", stdin=left_out)
    return tree


def _entries(repository: Repository) -> list[Path]:
    folder = repository.common_dir / "worktrees"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _folder_of(entry: Path) -> Path | None:
    """The worktree that an entry is about; None where a kill left it without."""
    try:
        text = (entry / "gitdir").read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    return Path(text.rstrip("\n")).parent
