# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions in the names of tags: which is newer, and which comes next.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    require_ref_name,
    shown,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable

# Two to four numbers; https://semver.org for the rest.
NUMBERS = r"(?P<numbers>\d+(?:\.\d+){1,3})"
REST = r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+(?P<build>[0-9A-Za-z.-]+))?"
VERSION = re.compile(NUMBERS + REST)
TAG = re.compile(rf"(?P<prefix>.*?){NUMBERS}{REST}")
# Where a tag format has the version.
PLACE = "{version}"


@functools.total_ordering
@dataclasses.dataclass(frozen=True)
class Version:
    """``numbers`` such as (1, 2, 3), and the pre-release such as ``rc.1`` or nothing."""

    numbers: tuple[int, ...]
    pre: str = ""

    def __str__(self) -> str:
        text = ".".join(map(str, self.numbers))
        return f"{text}-{self.pre}" if self.pre else text

    def __lt__(self, other: Version) -> bool:
        return self._precedence < other._precedence

    @property
    def line(self) -> tuple[int, ...]:
        """All but the last number: the line that patches are made for."""
        return self.numbers[:-1] if len(self.numbers) > 2 else self.numbers

    @property
    def next_patch(self) -> Version:
        """1.2.3 -> 1.2.4, 1.2 -> 1.2.1; the next of a pre-release is what it was made for."""
        if self.pre:
            return Version(self.numbers)
        if len(self.numbers) == 2:
            return Version((*self.numbers, 1))
        return Version((*self.numbers[:-1], self.numbers[-1] + 1))

    @property
    def _precedence(self) -> tuple[t.Any, ...]:
        # SemVer 2.0.0, 11: a pre-release is older, numbers before words, the shorter before longer.
        parts = [
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre.split(".")
        ]
        padded = self.numbers + (0,) * (4 - len(self.numbers))
        return (padded, not self.pre, parts if self.pre else [])


@dataclasses.dataclass(frozen=True)
class TagFormat:
    """How a version is written as a tag: ``prefix`` before it and ``suffix`` behind it."""

    prefix: str
    suffix: str = ""

    @classmethod
    def from_option(cls, text: str) -> TagFormat:
        """From ``v{version}`` and the like. Raises InvalidInput."""
        prefix, place, suffix = text.partition(PLACE)
        if not place or PLACE in suffix:
            raise InvalidInput("tag_format", f"has not one {PLACE} in it", f"Try v{PLACE}")
        require_ref_name("tag_format", f"{prefix}1.2.3{suffix}")
        return cls(prefix, suffix)

    @classmethod
    def of_tag(cls, tag: str) -> TagFormat | None:
        """The format that ``tag`` has, or None where it holds no version."""
        found = TAG.fullmatch(tag)
        return cls(found["prefix"]) if found else None

    def version_of(self, tag: str) -> Version | None:
        if not tag.startswith(self.prefix) or not tag.endswith(self.suffix):
            return None
        return parse_version(tag[len(self.prefix) : len(tag) - len(self.suffix)])

    def tag_of(self, version: Version) -> str:
        return f"{self.prefix}{version}{self.suffix}"


def parse_version(text: str) -> Version | None:
    found = VERSION.fullmatch(text)
    if found is None:
        return None
    return Version(tuple(map(int, found["numbers"].split("."))), found["pre"] or "")


def format_for(base_tag: str, option: str | None) -> TagFormat | None:
    """How versions are written in this repository: as asked for, else as in the base tag."""
    return TagFormat.from_option(option) if option else TagFormat.of_tag(base_tag)


def newest_first(tags: Iterable[str], option: str | None) -> list[tuple[Version, str]]:
    """The tags that hold a version, the newest first; others are left out."""
    versions = []
    for tag in tags:
        tag_format = format_for(tag, option)
        version = tag_format.version_of(tag) if tag_format else None
        if version is not None:
            versions.append((version, tag))
    return sorted(versions, reverse=True)


def release_tag(base_tag: str, asked: str | None, option: str | None) -> tuple[str, str]:
    """The version and the tag of a release that began at ``base_tag``.

    ``asked`` is a version (``1.2.4``) or a whole tag (``v1.2.4``); without it, the next patch.
    Raises InvalidInput where that cannot be told.
    """
    tag_format = format_for(base_tag, option)
    base = tag_format.version_of(base_tag) if tag_format else None
    if asked:
        version = parse_version(asked)
        if version is not None and tag_format is not None:
            return str(version), require_ref_name("version", tag_format.tag_of(version))
        version = tag_format.version_of(asked) if tag_format else None
        return str(version or asked), require_ref_name("version", asked)
    if tag_format is None or base is None:
        raise InvalidInput(
            "version",
            f"the next one cannot be told, because tag {shown(base_tag)} holds no version",
            "Set version",
        )
    return str(base.next_patch), tag_format.tag_of(base.next_patch)


def next_release(base_tag: str, option: str | None) -> tuple[str, str]:
    """The next patch after ``base_tag`` and its tag; both "" where the tag holds no version."""
    try:
        return release_tag(base_tag, None, option)
    except InvalidInput:
        return "", ""
