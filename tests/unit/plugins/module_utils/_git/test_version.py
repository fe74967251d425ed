# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version comes next, and which is newer."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.version import (
    TagFormat,
    newest_first,
    next_release,
    parse_version,
    release_tag,
)


@pytest.mark.parametrize(
    ("base", "asked", "tag_format", "expected"),
    [
        pytest.param("v1.2.3", None, None, ("1.2.4", "v1.2.4"), id="next patch"),
        pytest.param("1.2.9", None, None, ("1.2.10", "1.2.10"), id="no prefix"),
        pytest.param("release-1.2.3", None, None, ("1.2.4", "release-1.2.4"), id="prefix kept"),
        pytest.param("web/v1.2.3", None, None, ("1.2.4", "web/v1.2.4"), id="part of a monorepo"),
        pytest.param("app2-1.2.3", None, None, ("1.2.4", "app2-1.2.4"), id="digit in the prefix"),
        pytest.param("v1.2", None, None, ("1.2.1", "v1.2.1"), id="two numbers"),
        pytest.param("v1.2.3.4", None, None, ("1.2.3.5", "v1.2.3.5"), id="four numbers"),
        pytest.param("v1.3.0-rc.2", None, None, ("1.3.0", "v1.3.0"), id="after a pre-release"),
        pytest.param("v1.2.3+7", None, None, ("1.2.4", "v1.2.4"), id="build metadata dropped"),
        pytest.param("v1.2.3", "1.3.0", None, ("1.3.0", "v1.3.0"), id="version asked for"),
        pytest.param("v1.2.3", "v1.3.0", None, ("1.3.0", "v1.3.0"), id="tag asked for"),
        pytest.param("v1.2.3", "special", None, ("special", "special"), id="tag without a version"),
        pytest.param("nightly", "v2", None, ("v2", "v2"), id="base without a version"),
        pytest.param(
            "rel_1.2.3_final",
            None,
            "rel_{version}_final",
            ("1.2.4", "rel_1.2.4_final"),
            id="format given",
        ),
    ],
)
def test_release_gets_its_version(
    base: str, asked: str | None, tag_format: str | None, expected: tuple[str, str]
) -> None:
    assert release_tag(base, asked, tag_format) == expected


@pytest.mark.parametrize(
    ("base", "asked", "tag_format", "says"),
    [
        ("nightly", None, None, "tag 'nightly' holds no version"),
        ("v1.2.3", None, "release-{version}", "tag 'v1.2.3' holds no version"),
        ("v1.2.3", "--force", None, "begins with a dash"),
        ("v1.2.3", "1.2.4 ", None, "not a valid name"),
        ("v1.2.3", None, "v", "has not one {version} in it"),
        ("v1.2.3", None, "-{version}", "begins with a dash"),
        ("v1.2.3", None, "{version}{version}", "has not one {version} in it"),
    ],
)
def test_version_that_cannot_be_told_is_refused(
    base: str, asked: str | None, tag_format: str | None, says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        release_tag(base, asked, tag_format)
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("base", "expected"), [("v1.2.3", ("1.2.4", "v1.2.4")), ("nightly", ("", ""))]
)
def test_next_release_is_told_where_there_is_one(base: str, expected: tuple[str, str]) -> None:
    assert next_release(base, None) == expected


def test_order_is_that_of_semver() -> None:
    # The example of https://semver.org, number 11, with more numbers before and behind.
    ordered = [
        "0.9.10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.0.10",
        "1.0.10.1",
        "1.1",
        "2.0",
    ]
    versions = [parse_version(text) for text in ordered]
    assert None not in versions
    for older, newer in itertools.pairwise(v for v in versions if v):
        assert older < newer


def test_newest_comes_first_and_other_tags_are_left_out() -> None:
    tags = ["v1.2.9", "v1.2.10", "nightly", "v2", "v1.10.0-rc.1", "v1.2.10-rc.1"]
    assert [tag for _version, tag in newest_first(tags, None)] == [
        "v1.10.0-rc.1",
        "v1.2.10",
        "v1.2.10-rc.1",
        "v1.2.9",
    ]


def test_format_takes_its_own_tags_alone() -> None:
    tag_format = TagFormat.from_option("web/{version}")
    assert tag_format.version_of("web/1.2.3") == parse_version("1.2.3")
    assert tag_format.version_of("api/1.2.3") is None
    assert tag_format.version_of("web/latest") is None
