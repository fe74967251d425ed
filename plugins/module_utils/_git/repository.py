# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running git, by GitPython, in one repository or one of its worktrees.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_plain,
    shown,
)
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK, URL_PASSWORD

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access

# GIT_CONFIG_COUNT came with 2.31; `git am --quoted-cr` with 2.32.
OLDEST_GIT = (2, 32)
MOST_LINES_OF_AN_ERROR = 6
# They would lead git to another repository than the one that was asked for.
MISLEADING_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
# Only the files at the top are checked out, and the index has a line for each folder below.
SPARSE_SETTINGS = (
    ("core.sparseCheckout", "true"),
    ("core.sparseCheckoutCone", "true"),
    ("index.sparse", "true"),
)
FULL_SETTINGS = (("core.sparseCheckout", "false"), ("index.sparse", "false"))


class GitError(RecoveryError):
    """git ended with an error; ``stderr`` is what it said, without secrets."""

    def __init__(self, subject: str, cause: str, next_step: str = "", stderr: str = "") -> None:
        super().__init__(subject, cause, next_step)
        self.stderr = stderr


@dataclasses.dataclass(frozen=True)
class Output:
    """What a git process left. Bytes that are no UTF-8 are backslash escapes but in ``raw``."""

    status: int
    stdout: str
    stderr: str
    raw: bytes = b""

    @property
    def lines(self) -> list[str]:
        # Not splitlines: the subject of a commit may hold what Python takes for an end of line.
        return self.stdout.removesuffix("\n").split("\n") if self.stdout else []

    @property
    def fields(self) -> list[str]:
        """The output of an option ``-z``."""
        return [field for field in self.stdout.split("\0") if field]


@dataclasses.dataclass(frozen=True)
class Repository:
    """A folder that git works in.

    :param folder: the checkout, the bare repository or a worktree.
    :param settings: configuration of every process beside that of ``access``.
    :param lock: a file descriptor that local git processes inherit, so that a lock on it lasts
        until the last of them has ended, even where this process is killed.
    """

    folder: Path
    access: Access
    settings: tuple[tuple[str, str], ...] = ()
    lock: int | None = None
    # Where a partial clone gets what it lacks; any git process may have to.
    lazy_url: str = ""

    def __str__(self) -> str:
        return str(self.folder)

    def at(self, folder: Path, *, is_sparse: bool) -> Repository:
        """The same repository, in one of its worktrees."""
        settings = SPARSE_SETTINGS if is_sparse else FULL_SETTINGS
        return dataclasses.replace(self, folder=folder, settings=settings)

    @functools.cached_property
    def common_dir(self) -> Path:
        """The folder that all worktrees of the repository share."""
        return Path(self.read("rev-parse", "--path-format=absolute", "--git-common-dir"))

    @property
    def is_partial(self) -> bool:
        return bool(self.lazy_url)

    def run(
        self,
        *arguments: str,
        stdin: str | bytes = b"",
        accepts: Iterable[int] = (0,),
        url: str = "",
        env: dict[str, str] | None = None,
    ) -> Output:
        """Run git and return what it printed.

        ``url`` is the address it talks to, if any; it gets the credentials then. Raises
        GitError where the exit code is not among those that ``accepts`` names.
        """
        import git

        if isinstance(stdin, str):
            stdin = stdin.encode("utf-8", "surrogateescape")
        added = self.access.environment(url or self.lazy_url, self.settings)
        # A connection may leave processes behind, such as ssh's; they must not hold the lock.
        inherited = () if url or self.lock is None else (self.lock,)
        with tempfile.TemporaryFile() as stream:
            stream.write(stdin)
            stream.seek(0)
            status, stdout, stderr = git.Git(str(self.folder)).execute(
                ["git", *arguments],
                istream=stream,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                env={**added, **(env or {})},
                pass_fds=inherited,
            )
        output = Output(status, _text(stdout), self.scrubbed(_text(stderr)), bytes(stdout or b""))
        if status not in tuple(accepts):
            raise self.error(arguments, output)
        return output

    def read(self, *arguments: str) -> str:
        """The output of a git command that prints one thing."""
        return self.run(*arguments).stdout.strip()

    def succeeds(self, *arguments: str) -> bool:
        """Whether a git command that answers by its exit code says yes."""
        return self.run(*arguments, accepts=(0, 1)).status == 0

    def commit_of(self, revision: str) -> str | None:
        """The full name of the commit that ``revision`` leads to, or None."""
        name = ("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        output = self.run(*name, accepts=(0, 1, 128))
        return output.stdout.strip() if output.status == 0 else None

    def object_of(self, ref: str) -> str | None:
        """What a full ref such as ``refs/tags/v1.2.3`` holds, or None where there is none."""
        output = self.run("rev-parse", "--quiet", "--verify", ref, accepts=(0, 1, 128))
        return output.stdout.strip() if output.status == 0 else None

    def contains(self, descendant: str, ancestor: str) -> bool:
        return self.succeeds("merge-base", "--is-ancestor", ancestor, descendant)

    def scrubbed(self, text: str) -> str:
        """``text`` without the token and without passwords in URLs."""
        for secret in self.access.secrets:
            text = text.replace(secret, MASK)
        return URL_PASSWORD.sub(rf"\1:{MASK}@", text)

    def error(self, arguments: Sequence[str], output: Output, next_step: str = "") -> GitError:
        told = [line.strip() for line in output.stderr.splitlines() if line.strip()]
        told = [line for line in told if not line.startswith("hint:")]
        said = "; ".join(told[-MOST_LINES_OF_AN_ERROR:]) or f"it ended with {output.status}"
        return GitError(
            str(self.folder), f"git {arguments[0]} failed: {said}", next_step, output.stderr
        )


def open_repository(path: str, access: Access) -> Repository:
    """The repository at ``path``. Raises InvalidInput where there is none, and MissingLibrary."""
    require_git()
    require_plain("repo", path)
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise InvalidInput("repo", f"there is no folder {folder}", "Correct the path")
    repository = Repository(folder, access)
    repository.run("rev-parse", "--git-dir")
    return repository


def require_git() -> None:
    """Raise MissingLibrary without GitPython or a git that is new enough."""
    for name in MISLEADING_VARIABLES:
        os.environ.pop(name, None)
    try:
        import git
    # GitPython raises ImportError, too, where it finds no git.
    except ImportError as error:
        cause = " ".join(str(error).split())[:200]
        raise MissingLibrary(
            "Python package GitPython",
            f"cannot be used ({cause})",
            "Install it and git where the module runs: pip install GitPython",
        ) from error
    version = re.search(r"(\d+)\.(\d+)", git.Git().execute(["git", "version"]))
    if version is None or (int(version[1]), int(version[2])) < OLDEST_GIT:
        needed = ".".join(map(str, OLDEST_GIT))
        raise MissingLibrary(
            "git", f"is {version[0] if version else 'unknown'}, {needed} is needed", "Upgrade it"
        )


def require_commit(repository: Repository, option: str, revision: str) -> str:
    """The full name of a commit that is there. Raises InvalidInput."""
    commit = repository.commit_of(revision)
    if commit is None:
        raise InvalidInput(
            option,
            f"{repository}: there is no commit {shown(revision)}",
            "Check its name, and that it is pushed",
        )
    return commit


def _text(output: t.Any) -> str:
    if isinstance(output, str):
        return output
    return bytes(output or b"").decode("utf-8", "backslashreplace")
