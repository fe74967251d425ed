# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tag of a release: annotated, and signed with a GPG or an SSH key on request.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import TAGS
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import require_plain
from ansible_collections.oncall.recovery.plugins.module_utils._git.worktree import (
    remove_stale_lock,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._git.repository import Repository
    from ansible_collections.oncall.recovery.plugins.module_utils._git.state import Release

NO_SIGNATURE, GPG, SSH = "none", "gpg", "ssh"
FORMATS = {GPG: "openpgp", SSH: "ssh"}
BEGIN = {GPG: "-----BEGIN PGP SIGNATURE-----", SSH: "-----BEGIN SSH SIGNATURE-----"}


@dataclasses.dataclass(frozen=True)
class Signing:
    """How tags are signed. ``key`` is a GPG key's name or an SSH key's path; "" is git's own."""

    kind: str = NO_SIGNATURE
    key: str = ""

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> Signing:
        """Raises InvalidInput for a key that git would misread."""
        key = options["signing_key"] or ""
        return cls(options["sign"], require_plain("signing_key", key) if key else "")


def make_tag(repository: Repository, release: Release, message: str, signing: Signing) -> str:
    """Make the local tag, unless a killed run has, and return its object."""
    ref = TAGS + release.tag
    made = repository.object_of(ref)
    # A tag of somebody else's was refused before; one that just came makes git fail below.
    if made and repository.commit_of(made) == release.head:
        if is_signed(repository, made, signing):
            return made
        repository.run("update-ref", "-d", ref, made)
    settings = repository.settings
    if signing.kind in FORMATS:
        settings += (("gpg.format", FORMATS[signing.kind]),)
        if signing.key:
            settings += (("user.signingKey", signing.key),)
    how = "--sign" if signing.kind in FORMATS else "--annotate"
    command = ("tag", how, "--cleanup=whitespace", "--file=-", release.tag, release.head)
    output = dataclasses.replace(repository, settings=settings).run(*command, stdin=message)
    made = repository.object_of(ref) or ""
    # git 2.39 makes the tag, without a signature, where ssh-keygen does not find the key.
    if not is_signed(repository, made, signing):
        repository.run("update-ref", "-d", ref, made)
        raise repository.error(command, output, "Check signing_key, and that it can be used here")
    return made


def is_signed(repository: Repository, tag_object: str, signing: Signing) -> bool:
    """Whether the tag has the signature that is asked for, if any is."""
    if signing.kind not in FORMATS:
        return True
    return BEGIN[signing.kind] in repository.run("cat-file", "-p", tag_object).lines


def drop_tag(repository: Repository, release: Release) -> None:
    """Remove the local tag that was made and not pushed, and no other."""
    ref = TAGS + release.tag
    remove_stale_lock(repository, ref)
    if release.tag_object and repository.object_of(ref) == release.tag_object:
        repository.run("update-ref", "-d", ref, release.tag_object)
