# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hotfix of one file in a large repository: our modules beside plain git and git-flow.

Every turn releases the same fix from the same tag and is undone on the server afterwards. The
modules run as processes, without Ansible around them: its own start takes the same time whatever
it starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.debian.packages import ensure_installed
from tests.cluster.places import cache_folder

from .comparison import Comparison, compare
from .module_process import run

FILES_IN_A_FOLDER = 100
FILES_OF_A_COMMIT = 3
# Production is behind main by a fifth of the commits.
AHEAD_OF_PRODUCTION = 5
BASE, TAG, NAME = "v1.0.0", "v1.0.1", "bench"
FIX = "refs/heads/fix"
IDENTITY = {"NAME": "Bench", "EMAIL": "bench@shop.example"}


def measure_hotfix(folder: Path, *, files: int, commits: int, runs: int) -> list[Comparison]:
    """Compare start, pick and finish on a repository of ``files`` files and ``commits`` commits."""
    programs = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    if not (Path(programs.stdout.strip()) / "git-flow").exists():
        ensure_installed(["git-flow"], cache_folder() / "git-servers")
    lab = _Lab(folder / "hotfix", files, commits)
    sizes = f"{files} files"
    return [
        compare(
            f"hotfix in a clone, {sizes}",
            "plain git in a worktree with all files",
            lambda: lab.ours(str(lab.clone)),
            lab.plain_in_worktree,
            between=lab.undo,
            runs=runs,
            bound=0.5,
        ),
        compare(
            f"hotfix by URL, {sizes}",
            "plain git in a new clone with all files",
            lambda: lab.ours(lab.url),
            lab.plain_in_new_clone,
            between=lab.undo,
            runs=runs,
            bound=0.5,
        ),
        compare(
            f"hotfix in a clone, {sizes}",
            "git flow hotfix, which needs a branch at the tag",
            lambda: lab.ours(str(lab.clone)),
            lab.git_flow,
            between=lab.undo,
            runs=runs,
            # It works in the caller's own checkout; a half is asked of full checkouts only.
            bound=1.0,
        ),
    ]


class _Lab:
    """The server, the clones of both sides, and the steps of each side."""

    def __init__(self, folder: Path, files: int, commits: int) -> None:
        folder.mkdir()
        self.folder = folder
        self.server = folder / "server.git"
        self.clone = folder / "clone"
        self.flow = folder / "flow"
        self.clones = folder / "clones"
        self.env = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **{f"GIT_{r}_{k}": v for r in ("AUTHOR", "COMMITTER") for k, v in IDENTITY.items()},
        }
        self._git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "server.git")
        self._import(files, commits)
        self._git(self.server, "repack", "-adq")
        self.refs = self._refs()
        self._git(folder, "clone", "--quiet", self.url, "clone")
        self._git(folder, "clone", "--quiet", self.url, "flow")
        self._prepare_flow()

    @property
    def url(self) -> str:
        return f"file://{self.server}"

    def ours(self, repo: str) -> None:
        """Start, pick and finish, with the modules' own defaults."""
        steps: dict[str, dict[str, Any]] = {
            "start": {"from_tag": BASE},
            "pick": {"commits": [self.refs[FIX]]},
            "finish": {},
        }
        common = {"repo": repo, "name": NAME, "clones": str(self.clones)}
        for step, options in steps.items():
            run(f"git_hotfix_{step}", env=self.env, **common, **options)

    def plain_in_worktree(self) -> None:
        """The same steps by hand, without touching what is checked out in the clone."""
        tree = self.folder / "tree"
        self._git(self.clone, "fetch", "--quiet", "origin")
        self._git(self.clone, "worktree", "add", "--quiet", "-b", "hotfix", str(tree), BASE)
        self._plain(tree)
        self._git(self.clone, "worktree", "remove", "--force", str(tree))
        self._git(self.clone, "branch", "--quiet", "-D", "hotfix")

    def plain_in_new_clone(self) -> None:
        """The same steps by hand, as in a CI job that begins with a checkout."""
        tree = self.folder / "new"
        self._git(self.folder, "clone", "--quiet", self.url, str(tree))
        self._git(tree, "checkout", "--quiet", "-b", "hotfix", BASE)
        self._plain(tree)
        shutil.rmtree(tree)

    def git_flow(self) -> None:
        """git-flow starts from a branch alone, so one at the tag is made before the clock runs."""
        git = self._git
        git(self.flow, "fetch", "--quiet", "origin")
        git(self.flow, "flow", "hotfix", "start", TAG)
        git(self.flow, "cherry-pick", "-x", FIX.replace("heads", "remotes/origin"))
        git(self.flow, "flow", "hotfix", "finish", "-m", TAG, TAG)
        git(self.flow, "push", "--quiet", "--atomic", "origin", "main", TAG)

    def undo(self) -> None:
        """Put the refs of the server and of the clones back as they were; off the clock."""
        for ref in self._refs():
            if ref not in self.refs:
                self._git(self.server, "update-ref", "-d", ref)
        for ref, commit in self.refs.items():
            self._git(self.server, "update-ref", ref, commit)
        for clone in (self.clone, self.flow):
            self._git(clone, "tag", "--delete", TAG, accepts=(0, 1))
            shutil.rmtree(clone / ".git" / "oncall-recovery", ignore_errors=True)
        shutil.rmtree(self.clones, ignore_errors=True)
        self._git(self.flow, "checkout", "--quiet", "main")
        self._git(self.flow, "reset", "--quiet", "--hard", self.refs["refs/heads/main"])
        self._git(self.flow, "branch", "--quiet", "--force", "production", BASE)
        self._git(self.flow, "branch", "--quiet", "-D", f"hotfix/{TAG}", accepts=(0, 1))
        for clone in (self.clone, self.flow):
            self._git(clone, "fetch", "--quiet", "--force", "origin")

    def _plain(self, tree: Path) -> None:
        """Pick, tag, merge and push in a checkout of the hotfix's branch."""
        git = self._git
        git(tree, "cherry-pick", "-x", FIX.replace("heads", "remotes/origin"))
        git(tree, "tag", "--annotate", "--message", TAG, TAG)
        git(tree, "checkout", "--quiet", "--detach", "origin/main")
        git(tree, "merge", "--quiet", "--no-ff", "--message", f"Merge {TAG}", "hotfix")
        git(tree, "push", "--quiet", "--atomic", "origin", "HEAD:refs/heads/main", TAG)

    def _prepare_flow(self) -> None:
        self._git(self.flow, "branch", "--quiet", "production", BASE)
        for key, value in {
            "branch.master": "production",
            "branch.develop": "main",
            "prefix.feature": "feature/",
            "prefix.release": "release/",
            "prefix.hotfix": "hotfix/",
            "prefix.support": "support/",
            "prefix.versiontag": "",
        }.items():
            self._git(self.flow, "config", f"gitflow.{key}", value)

    def _refs(self) -> dict[str, str]:
        listed = self._git(self.server, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split() for line in listed.splitlines())

    def _import(self, files: int, commits: int) -> None:
        stream = b"".join(_history(files, commits))
        command = ["git", "fast-import", "--quiet"]
        subprocess.run(command, cwd=self.server, env=self.env, input=stream, check=True)

    def _git(self, folder: Path, *arguments: str, accepts: tuple[int, ...] = (0,)) -> str:
        return self._run(folder, "git", *arguments, accepts=accepts)

    def _run(self, folder: Path, *command: str, accepts: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            command, cwd=folder, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode not in accepts:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout


def _history(files: int, commits: int) -> Iterator[bytes]:
    """The stream for git fast-import: main, the production tag on its way, and a fix beside it."""
    production = commits - commits // AHEAD_OF_PRODUCTION
    for number in range(1, commits + 1):
        yield _commit("refs/heads/main", number)
        if number == 1:
            yield from (_file(index, 1) for index in range(files))
        else:
            first = number * FILES_OF_A_COMMIT
            yield from (_file((first + i) % files, number) for i in range(FILES_OF_A_COMMIT))
        if number == production:
            yield b"reset refs/tags/" + BASE.encode() + b"\nfrom refs/heads/main\n\n"
    yield _commit(FIX, commits + 1) + b"from refs/heads/main\n" + _file(files // 2, -1)


def _commit(ref: str, number: int) -> bytes:
    who = f"{IDENTITY['NAME']} <{IDENTITY['EMAIL']}> {1700000000 + number * 600} +0000"
    message = f"change {number}\n"
    return f"commit {ref}\ncommitter {who}\ndata {len(message)}\n{message}".encode()


def _file(index: int, number: int) -> bytes:
    """A file of half a kilobyte, whose first line tells the commit."""
    lines = [f"version {number} of file {index}", *(f"line {n} of {index}" for n in range(30))]
    content = "\n".join(lines) + "\n"
    folder, name = divmod(index, FILES_IN_A_FOLDER)
    path = f"part{folder:04}/file{name:02}.txt"
    return f"M 644 inline {path}\ndata {len(content)}\n{content}\n".encode()
