# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is handed to git, and what never is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import (
    is_url,
    require_hotfix_name,
    require_plain,
    require_ref_name,
    require_ref_pattern,
    require_revision,
    require_url,
)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (require_plain, "docs/Über uns.txt"),
        (require_hotfix_name, "INC-4711"),
        (require_hotfix_name, "checkout_500.v2"),
        (require_ref_name, "hotfix/INC-4711"),
        (require_ref_name, "release/1.x@stable"),
        (require_ref_name, "v1.2.3+build"),
        (require_ref_pattern, "release/*"),
        (require_ref_pattern, "v1.[0-9]*"),
        (require_revision, "4f2a91c"),
        (require_revision, "origin/main~2"),
        (require_revision, "v1.2.3^2"),
        (require_url, "https://git.example/shop/web.git"),
        (require_url, "https://robot@git.example:8443/shop/web.git"),
        (require_url, "ssh://git@git.example:2222/shop/web.git"),
        (require_url, "git@git.example:shop/web.git"),
        (require_url, "file:///srv/git/shop.git"),
    ],
)
def test_what_is_meant_well_passes(check: Callable[[str, str], str], value: str) -> None:
    assert check("option", value) == value


HARMFUL_ANYWHERE = ["", "-x", "--upload-pack=touch /tmp/x", "a\nb", "a\x00b", "a\x1b[31mb", "a\x7f"]


@pytest.mark.parametrize("value", HARMFUL_ANYWHERE, ids=ascii)
@pytest.mark.parametrize(
    "check",
    [
        require_plain,
        require_hotfix_name,
        require_ref_name,
        require_ref_pattern,
        require_revision,
        require_url,
    ],
)
def test_options_in_disguise_and_control_characters_are_refused_everywhere(
    check: Callable[[str, str], str], value: str
) -> None:
    with pytest.raises(InvalidInput):
        check("option", value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (require_hotfix_name, ".."),
        (require_hotfix_name, "a..b"),
        (require_hotfix_name, "a/b"),
        (require_hotfix_name, ".hidden"),
        (require_hotfix_name, "a.lock"),
        (require_hotfix_name, "a b"),
        (require_hotfix_name, "x" * 101),
        (require_ref_name, "a..b"),
        (require_ref_name, "a b"),
        (require_ref_name, "a~1"),
        (require_ref_name, "a:b"),
        (require_ref_name, "a*"),
        (require_ref_name, "a@{1}"),
        (require_ref_name, "a//b"),
        (require_ref_name, "/a"),
        (require_ref_name, "a/"),
        (require_ref_name, "a/.b"),
        (require_ref_name, "a.lock/b"),
        (require_ref_name, "a."),
        (require_ref_name, "@"),
        (require_ref_name, "a\\b"),
        (require_ref_pattern, "a..*"),
        (require_revision, "main:secret.txt"),
        (require_revision, ":/fix"),
        (require_revision, "a b"),
        (require_revision, "main@{yesterday}"),
    ],
)
def test_what_git_would_misread_is_refused(check: Callable[[str, str], str], value: str) -> None:
    with pytest.raises(InvalidInput):
        check("option", value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ext::sh -c id", "transport 'ext' is not allowed. Use one of file, http, https, ssh"),
        ("EXT::sh", "transport 'EXT'"),
        ("git://git.example/x", "transport 'git'"),
        ("ftp://git.example/x", "transport 'ftp'"),
        ("transport::address", "transport 'transport'"),
        ("https://user:pa/ss@git.example/x", "is not a URL"),
        ("https://user:pass@git.example/x", "has a password in it"),
        ("ssh://-oProxyCommand=id/x", "names no host"),
        ("ssh://-oProxyCommand=id@git.example/x", "names no host"),
        ("https:///x", "names no host"),
        ("git@-oProxyCommand=id:x", "names no host"),
    ],
)
def test_url_that_leaks_or_runs_something_is_refused(url: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_url("repo", url)
    assert says in refused.value.message
    assert "pass@" not in refused.value.message


def test_password_that_is_in_a_configuration_already_may_stay() -> None:
    url = "https://gitlab-ci-token:secret@git.example/x"
    assert require_url("remote", url, may_hold_password=True) == url


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://git.example/x", True),
        ("git@git.example:x", True),
        ("git.example:x", True),
        ("ext::sh", True),
        ("/srv/shop", False),
        ("./odd:name", False),
        ("~/shop", False),
        ("shop", False),
    ],
)
def test_url_is_told_from_a_path_as_git_does(value: str, expected: bool) -> None:
    assert is_url(value) is expected
