# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tag is what runs in production: as its image says, and the annotations beside it.

The annotations are ``org.opencontainers.image.version`` and ``.revision``
(https://specs.opencontainers.org/image-spec/annotations/).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_plain,
    shown,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import (
    newest_first,
    parse_version,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._git.remote import Remote

COMMIT = re.compile(r"[0-9a-f]{7,64}")
LENGTHS_OF_A_WHOLE_COMMIT = (40, 64)


@dataclasses.dataclass(frozen=True)
class Running:
    """What is known of what runs; "" where something is not known.

    :param image: a reference such as ``registry.example/web:1.2.3@sha256:...``.
    :param version: a version or a tag.
    :param revision: the commit that it was built from.
    """

    image: str = ""
    version: str = ""
    revision: str = ""

    @classmethod
    def from_option(cls, option: Mapping[str, t.Any] | None) -> Running:
        """Raises InvalidInput for what holds control characters, or nothing at all."""
        if option is None:
            return cls()
        values = {field: option.get(field) or "" for field in ("image", "version", "revision")}
        for field, value in values.items():
            if value:
                require_plain(f"from_running.{field}", value)
        if not any(values.values()):
            raise InvalidInput("from_running", "is empty", "Give image, version or revision")
        return cls(**values)

    def __bool__(self) -> bool:
        return bool(self.image or self.version or self.revision)

    @property
    def clues(self) -> dict[str, str]:
        """What may name a tag, the surest first: what it is, and the text."""
        found = {
            f"image {shown(self.image)}": tag_of_image(self.image),
            f"version {shown(self.version)}": self.version,
            f"revision {shown(self.revision)}": self.revision,
        }
        return {what: text for what, text in found.items() if text}


def tag_of_image(image: str) -> str:
    """``1.2.3`` of ``registry.example:5000/shop/web:1.2.3@sha256:...``; "" without a tag."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2]


def tag_that_runs(remote: Remote, running: Running, tag_format: str | None) -> str:
    """The tag of the remote that what runs was built from.

    Raises InvalidInput where nothing names a tag, and RecoveryError where two things name
    different commits: a hotfix that begins at the wrong one would take back what users have.
    """
    named: dict[str, str] = {}
    for what, text in running.clues.items():
        tag = _tag_named(remote, what, text, tag_format)
        if tag:
            named[what] = tag
    if not named:
        told = ", ".join(running.clues) or f"image {shown(running.image)}"
        raise InvalidInput(
            "from_running",
            f"{told}: no tag on {remote.name} belongs to that",
            "Name the tag in from_tag, or how tags are written in tag_format",
        )
    commits = {what: remote.commit_of_tag(tag) or "" for what, tag in named.items()}
    if len(running.revision) in LENGTHS_OF_A_WHOLE_COMMIT and COMMIT.fullmatch(running.revision):
        commits[f"revision {shown(running.revision)}"] = running.revision
    if len(set(commits.values())) > 1:
        told = ", ".join(
            f"{what} means {named.get(what, 'that commit')}"
            for what in running.clues
            if what in commits
        )
        raise RecoveryError(
            "from_running", f"it contradicts itself: {told}", "Name the tag in from_tag"
        )
    return next(iter(named.values()))


def _tag_named(remote: Remote, what: str, text: str, tag_format: str | None) -> str:
    """The tag that ``text`` is, or whose version or commit it is; "" where there is none."""
    if text in remote.tags:
        return text
    ranked = newest_first(remote.tags, tag_format)
    version = parse_version(text.removeprefix("v"))
    tags = [tag for other, tag in ranked if version is not None and other == version]
    if not tags and COMMIT.fullmatch(text):
        leading = [tag for tag in remote.tags if (remote.commit_of_tag(tag) or "").startswith(text)]
        tags = [tag for _version, tag in ranked if tag in leading] or leading
    if len({remote.commit_of_tag(tag) for tag in tags}) > 1:
        raise InvalidInput(
            "from_running",
            f"{what} belongs to several tags ({', '.join(sorted(tags)[:5])})",
            "Say how tags are written in tag_format, or name the tag in from_tag",
        )
    return tags[0] if tags else ""
