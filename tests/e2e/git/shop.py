# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop's repository on a server, the clone that somebody works in, and the modules on it.

main is ahead of the production tag v1.2.3 by these commits::

    v1.2.3 -- feature -- fix -- more        main
       `----- next                          release/1.3
    v1.1.0 -- old                           release/1.1, which has not the tag
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..support.modules import Answer, run_module

NAME = "INC-4711"
BRANCH = f"hotfix/{NAME}"
ODD_FILES = {
    "docs/with space.txt": b"one\ntwo\nthree\n",
    "docs/\u00dcber uns.txt": "Gr\u00fc\u00dfe\nzwei\ndrei\n".encode(),
    "windows/crlf.txt": b"one\r\ntwo\r\nthree\r\n",
}
IDENTITY = {"NAME": "Ada", "EMAIL": "ada@shop.example"}


def environment(home: Path) -> dict[str, str]:
    """All that a process gets to see: no configuration of this machine."""
    who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in IDENTITY.items()}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **who,
    }


def git(
    folder: Path, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> str:
    """Run git as somebody who works in ``folder``, and return what it printed."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        env={**environment(folder), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip("\n")


def write(folder: Path, files: Mapping[str, bytes | str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(folder: Path, subject: str, files: Mapping[str, bytes | str]) -> str:
    """Commit the files, and return the commit."""
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


def lines(*changed: str) -> str:
    """A file of twenty lines; ``changed`` are lines as in ``3=three``."""
    text = {number: f"line {number}" for number in range(1, 21)}
    for change in changed:
        number, _equals, content = change.partition("=")
        text[int(number)] = content
    return "".join(f"{line}\n" for line in text.values())


def build(folder: Path) -> None:
    """Make the server's repository ``shop.git`` in ``folder``."""
    seed = folder / "seed"
    seed.mkdir(parents=True)
    git(seed, "init", "--quiet", "--template=", "--initial-branch=main")
    commit(seed, "begin", {"README.md": "shop\n", "app/cart.py": lines(), **ODD_FILES})
    git(seed, "tag", "--annotate", "v1.1.0", "--message", "1.1.0")
    git(seed, "branch", "release/1.1")
    commit(seed, "grow", {"app/pay.py": lines()})
    git(seed, "tag", "--annotate", "v1.2.3", "--message", "1.2.3")
    git(seed, "branch", "release/1.3")
    commit(seed, "feature", {"app/search.py": lines()})
    commit(seed, "fix", {"app/cart.py": lines("10=fixed")})
    commit(seed, "more", {"app/pay.py": lines("2=more")})
    git(seed, "checkout", "--quiet", "release/1.3")
    commit(seed, "next", {"app/next.py": "next\n"})
    git(seed, "checkout", "--quiet", "release/1.1")
    commit(seed, "old", {"app/old.py": "old\n"})
    git(seed, "checkout", "--quiet", "main")
    git(folder, "clone", "--quiet", "--template=", "--bare", "seed", "shop.git")
    server = folder / "shop.git"
    for setting in ("uploadpack.allowFilter", "http.receivepack", "receive.fsckObjects"):
        git(server, "config", setting, "true")
    (server / "hooks").mkdir(exist_ok=True)
    shutil.rmtree(seed)


@dataclass
class Shop:
    """One test's copy of it all."""

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def server(self) -> Path:
        return self.folder / "shop.git"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def tree(self) -> Path:
        """The hotfix's worktree."""
        return self.work / ".git" / "oncall-recovery" / "hotfix" / NAME / "tree"

    def clone(self, *options: str) -> None:
        """Clone the server's repository for somebody to work in."""
        url = f"file://{self.server}"
        git(self.folder, "clone", "--quiet", "--template=", *options, url, str(self.work))

    def run(self, module: str, *, check: bool = False, **options: Any) -> Answer:
        """Run a module on the clone; ``options`` win over those of all runs."""
        everywhere = {"repo": str(self.work), **self.options}
        if module != "info":
            everywhere["name"] = NAME
        env = {**environment(self.home), **self.env}
        name = f"git_hotfix_{module}"
        return run_module(name, None, check=check, env=env, **{**everywhere, **options})

    def start(self, **options: Any) -> Answer:
        base = {} if {"from_pattern", "state"} & set(options) else {"from_tag": "v1.2.3"}
        return self.run("start", **{**base, **options})

    def pick(self, *commits: str, **options: Any) -> Answer:
        wanted = {"commits": list(commits)} if commits else {}
        return self.run("pick", **wanted, **options)

    def finish(self, **options: Any) -> Answer:
        return self.run("finish", **options)

    def hotfix(self, **options: Any) -> Answer:
        """Start, pick the fix and finish with ``options``."""
        for answer in (self.start(), self.pick(self.fix)):
            assert not answer.failed, answer.message
        return self.finish(**options)

    @property
    def fix(self) -> str:
        return self.commit("main^{/^fix}")

    def commit(self, revision: str) -> str:
        return git(self.server, "rev-parse", f"{revision}^{{commit}}")

    def refs(self) -> dict[str, str]:
        """All refs of the server."""
        listed = git(self.server, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split() for line in listed.splitlines())

    def push_as_somebody_else(self, branch: str, files: Mapping[str, str]) -> str:
        """A commit that a colleague pushes."""
        other = self.folder / "other"
        shutil.rmtree(other, ignore_errors=True)
        git(self.folder, "clone", "--quiet", "--template=", "--branch", branch, "shop.git", "other")
        made = commit(other, "theirs", files)
        git(other, "push", "--quiet", "origin", branch)
        return made

    def hook(self, name: str, script: str) -> None:
        """Make the server run a script, as a protected branch's would be."""
        path = self.server / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def content(self, revision: str, path: str) -> str:
        return git(self.server, "show", f"{revision}:{path}")

    def callers(self) -> dict[str, str]:
        """What belongs to whoever works in the clone."""
        status = git(self.work, "status", "--porcelain=v2", "--branch", "--untracked-files=all")
        index = git(self.work, "ls-files", "--stage", "-v")
        heads = git(self.work, "for-each-ref", "refs/heads", "refs/tags", "refs/stash")
        config = (self.work / ".git" / "config").read_text()
        others = git(self.work, "worktree", "list")
        # A push moves what is known of the remote's branches, and only that.
        status = "\n".join(x for x in status.splitlines() if not x.startswith("# branch.ab"))
        return {
            "status": status,
            "index": index,
            "heads": heads,
            "config": config,
            "worktrees": others,
        }

    def assert_sound(self) -> None:
        """git finds nothing wrong, neither here nor on the server."""
        for folder in (self.server, self.work):
            found = git(folder, "fsck", "--full", "--strict", "--no-dangling", "--no-progress")
            assert not found, found
