# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where merge requests are opened."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._git.forge import forge_of


@pytest.mark.parametrize(
    ("url", "kind", "api_url", "expected"),
    [
        pytest.param(
            "https://github.com/shop/web.git",
            "",
            "",
            ("github", "https://github.com", "https://api.github.com", "shop/web"),
            id="github.com",
        ),
        pytest.param(
            "git@github.example:shop/web.git",
            "",
            "",
            ("github", "https://github.example", "https://github.example/api/v3", "shop/web"),
            id="GitHub Enterprise over ssh",
        ),
        pytest.param(
            "ssh://git@gitlab.example:2222/a/b/web.git",
            "",
            "",
            ("gitlab", "https://gitlab.example", "https://gitlab.example/api/v4", "a/b/web"),
            id="GitLab with groups and a port of ssh",
        ),
        pytest.param(
            "https://robot@git.example:8443/shop/web/",
            "gitlab",
            "",
            ("gitlab", "https://git.example:8443", "https://git.example:8443/api/v4", "shop/web"),
            id="named by the caller",
        ),
        pytest.param(
            "https://git.example/shop/web",
            "github",
            "https://api.example/",
            ("github", "https://git.example", "https://api.example", "shop/web"),
            id="API elsewhere",
        ),
        pytest.param(
            "https://git.example/shop/web",
            "",
            "",
            ("none", "https://git.example", "https://git.example/api/v4", "shop/web"),
            id="unknown",
        ),
    ],
)
def test_forge_is_told_by_its_url(
    url: str, kind: str, api_url: str, expected: tuple[str, str, str, str]
) -> None:
    forge = forge_of(url, kind, api_url)
    assert (forge.kind, forge.site, forge.api, forge.project) == expected


@pytest.mark.parametrize("url", ["file:///srv/git/gitlab.git", "/srv/git/gitlab.git"])
def test_path_is_no_forge(url: str) -> None:
    forge = forge_of(url, "", "")
    assert forge.kind == "none"
    assert forge.page_to_open("hotfix/x", "main") == ""


def test_names_of_branches_cannot_add_to_the_query() -> None:
    forge = forge_of("https://gitlab.example/shop/web", "", "")
    page = forge.page_to_open("hotfix/a&b=c", "main")
    assert page.endswith(
        "source_branch%5D=hotfix%2Fa%26b%3Dc&merge_request%5Btarget_branch%5D=main"
    )


def test_token_goes_to_no_other_place_than_http() -> None:
    with pytest.raises(InvalidInput, match="is no HTTP URL"):
        forge_of("https://gitlab.example/shop/web", "", "file:///etc/passwd")
