# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remote: what refs it has, getting commits from it, and pushing to it in one go.

Nothing here changes a local ref: objects are fetched by their full names, and the caller's
remote-tracking branches move only where git itself moves them, after a push.

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
from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    is_url,
    require_ref_name,
    require_url,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADS, TAGS = "refs/heads/", "refs/tags/"
PEELED = "^{}"
FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
# No ref moves, and FETCH_HEAD, which a person may want, stays as well.
FETCH_OBJECTS = (*FETCH, "--refmap=", "--no-write-fetch-head", "--no-auto-maintenance")
DEEPEN_BY = (50, 200, 800, 3200)
MOST_REMOTE_LINES = 8


@dataclasses.dataclass(frozen=True)
class Remote:
    """A remote and the refs that it had when it was read: full name -> object name.

    An annotated tag has its commit beside it, under its name with ``^{}``. Pull requests and
    other refs than branches and tags are left out.
    """

    name: str
    url: str
    push_url: str
    refs: dict[str, str]
    default_branch: str

    @property
    def branches(self) -> list[str]:
        return sorted(ref.removeprefix(HEADS) for ref in self.refs if ref.startswith(HEADS))

    @property
    def tags(self) -> list[str]:
        return sorted(
            ref.removeprefix(TAGS)
            for ref in self.refs
            if ref.startswith(TAGS) and not ref.endswith(PEELED)
        )

    def branch(self, name: str) -> str | None:
        return self.refs.get(HEADS + name)

    def tag(self, name: str) -> str | None:
        """The object of the tag, which is a tag object where it is annotated."""
        return self.refs.get(TAGS + name)

    def commit_of_tag(self, name: str) -> str | None:
        return self.refs.get(TAGS + name + PEELED) or self.tag(name)

    def matching(self, pattern: str) -> list[str]:
        """The branches that a glob matches; ``*`` goes past slashes, too."""
        return [branch for branch in self.branches if fnmatch.fnmatchcase(branch, pattern)]


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A push that changed nothing: by ref, what git said of it, and what the server said."""

    refs: dict[str, str]
    said: list[str]


def read_remote(repository: Repository, name: str) -> Remote:
    """Ask the remote for its refs. Raises InvalidInput for one that is not or must not be used."""
    require_ref_name("remote", name)
    if name not in repository.run("remote").lines:
        raise InvalidInput(
            "remote", f"{repository} has no remote {name}", f"Add it: git remote add {name} URL"
        )
    url = remote_address(repository, name)
    push_url = remote_address(repository, name, "--push")
    output = repository.run("ls-remote", "--symref", name, "HEAD", f"{HEADS}*", f"{TAGS}*", url=url)
    refs, default_branch = {}, ""
    for line in output.lines:
        what, _tab, ref = line.partition("\t")
        if what.startswith("ref: "):
            default_branch = what.removeprefix("ref: ").removeprefix(HEADS)
        elif ref.startswith((HEADS, TAGS)):
            refs[ref] = what
    return Remote(name, url, push_url, refs, default_branch)


def fetch_missing(repository: Repository, remote: Remote, wanted: Iterable[str]) -> None:
    """Get the objects of the remote's refs ``wanted`` (full names) that are not here yet."""
    listed = repository.run("for-each-ref", "--format=%(objectname)").lines
    missing = sorted({ref for ref in wanted if remote.refs[ref] not in set(listed)})
    # A partial clone would fetch what it is asked about, one by one and with all its history.
    if missing and not repository.is_partial:
        request = "\n".join(remote.refs[ref] for ref in missing)
        found = repository.run("cat-file", "--batch-check", stdin=request).lines
        missing = [ref for ref, line in zip(missing, found, strict=True) if _is_missing(line)]
    if missing:
        repository.run(*FETCH_OBJECTS, remote.name, *missing, url=remote.url)


def fetch_commit(repository: Repository, remote: Remote, commit: str) -> None:
    """Get a commit that no ref names: by itself where the server allows it, else with all refs."""
    by_itself = repository.run(
        *FETCH_OBJECTS, remote.name, commit, url=remote.url, accepts=(0, 1, 128)
    )
    if by_itself.status != 0:
        heads = [ref for ref in remote.refs if ref.startswith(HEADS)]
        repository.run(
            *FETCH_OBJECTS, "--stdin", remote.name, stdin="\n".join(heads), url=remote.url
        )


def deepen(
    repository: Repository, remote: Remote, tips: Sequence[str], known: str | None = None
) -> bool:
    """Get as much history of a shallow repository as it takes; say whether any was fetched.

    ``tips`` are full refs of the remote. It is enough when every commit that they have and
    ``known`` has not is there with its parents. Raises RecoveryError where the remote cannot.
    """
    shallow_file = repository.common_dir / "shallow"
    for depth in (*DEEPEN_BY, None):
        if not _is_cut_off(repository, [remote.refs[tip] for tip in tips], known):
            return depth != DEEPEN_BY[0]
        how_far = f"--deepen={depth}" if depth else "--unshallow"
        repository.run(*FETCH_OBJECTS, how_far, remote.name, *tips, url=remote.url)
    if shallow_file.exists():
        raise RecoveryError(
            f"{repository}", "its history ends too early, and the remote has no more", "Clone anew"
        )
    return True


def push_atomically(
    repository: Repository,
    remote: Remote,
    refs: dict[str, tuple[str, str]],
    *,
    dry_run: bool = False,
) -> Refusal | None:
    """Push exactly ``refs`` or nothing: full name -> (new object, the one expected there or "").

    Returns why nothing was pushed, or None where all was. Raises GitError where the remote could
    not be talked to.
    """
    leases = [f"--force-with-lease={ref}:{expected}" for ref, (_new, expected) in refs.items()]
    command = ["push", "--atomic", "--porcelain", "--no-follow-tags", *leases]
    if dry_run:
        command.append("--dry-run")
    refspecs = [f"{new}:{ref}" for ref, (new, _expected) in refs.items()]
    output = repository.run(
        *command, remote.name, *refspecs, url=remote.push_url, accepts=range(256)
    )
    if output.status == 0:
        return None
    refused = {}
    for line in output.lines:
        flag, _tab, rest = line.partition("\t")
        if flag == "!":
            refspec, _tab, reason = rest.partition("\t")
            refused[refspec.rpartition(":")[2]] = repository.scrubbed(reason)
    if not refused:
        raise repository.error(command, output)
    said = [line for line in output.stderr.splitlines() if line.startswith("remote:")]
    told = [line.removeprefix("remote:").strip() for line in said]
    return Refusal(refused, [line for line in told if line][:MOST_REMOTE_LINES])


def remote_address(repository: Repository, name: str, *options: str) -> str:
    """The URL or path that git would use. Raises InvalidInput for one that must not be used."""
    urls = repository.run("remote", "get-url", "--all", *options, name).lines
    if options and len(urls) > 1:
        raise InvalidInput(
            f"remote {name}",
            f"pushes to {len(urls)} URLs, and what one takes another may refuse",
            "Add a remote with one of them, and name it in remote",
        )
    if is_url(urls[0]):
        # What a CI's checkout wrote into the configuration stays as it is.
        require_url(f"remote {name}", urls[0], may_hold_password=True)
    return urls[0]


def _is_cut_off(repository: Repository, tips: Sequence[str], known: str | None) -> bool:
    shallow_file = repository.common_dir / "shallow"
    if not tips or not shallow_file.exists():
        return False
    boundary = set(shallow_file.read_text(encoding="ascii").split())
    exclude = [f"^{known}"] if known else []
    listed = repository.run("rev-list", *tips, *exclude).lines
    return not boundary.isdisjoint(listed)


def _is_missing(line: str) -> bool:
    return line.endswith(" missing")
