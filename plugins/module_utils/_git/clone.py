# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories that are named by a URL: a bare clone of their own, kept for the next run.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import remote_address
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import (
    Repository,
    open_repository,
    require_git,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    is_url,
    require_plain,
    require_ref_name,
    require_url,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access

DEFAULT_CLONES = "~/.cache/oncall-recovery/git"


def repository_at(
    repo: str, access: Access, *, remote: str, clones: str = "", clone_filter: str = ""
) -> Repository:
    """The repository that ``repo`` names: a path, or a URL that is cloned when it is not yet.

    ``clones`` is the folder of the clones, ``clone_filter`` what a new one leaves out until it is
    needed, such as ``blob:none``. Raises RecoveryError.
    """
    require_ref_name("remote", remote)
    if not is_url(repo):
        return _with_lazy_url(open_repository(repo, access), remote)
    require_git()
    require_url("repo", repo)
    folder = Path(require_plain("clones", clones or DEFAULT_CLONES)).expanduser().absolute()
    clone = folder / clone_name(repo)
    if not clone.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_at_a_time(folder / f"{clone.name}.lock"):
            if not clone.is_dir():
                _clone(repo, clone, access, clone_filter)
    return _with_lazy_url(Repository(clone, access), remote)


def clone_name(url: str) -> str:
    """A folder name that a person recognises and that no other URL has."""
    last = re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", last).strip(".-") or "repository"
    return f"{readable[:40]}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.git"


def _with_lazy_url(repository: Repository, remote: str) -> Repository:
    setting = ("config", "--type=bool", "--get", f"remote.{remote}.promisor")
    if repository.run(*setting, accepts=(0, 1)).stdout.strip() != "true":
        return repository
    return dataclasses.replace(repository, lazy_url=remote_address(repository, remote))


def _clone(url: str, clone: Path, access: Access, clone_filter: str) -> None:
    for leftover in clone.parent.glob(f"{clone.name}.part-*"):
        shutil.rmtree(leftover)
    part = Path(tempfile.mkdtemp(prefix=f"{clone.name}.part-", dir=clone.parent))
    options = [f"--filter={require_plain('clone_filter', clone_filter)}"] if clone_filter else []
    try:
        Repository(clone.parent, access).run(
            "clone", "--quiet", "--bare", *options, "--", url, str(part), url=url
        )
        part.rename(clone)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
