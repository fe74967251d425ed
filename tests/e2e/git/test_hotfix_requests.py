# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge requests on GitHub and GitLab. Neither runs here: a server answers as they document."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from ..support.web import QuietHandler, serving
from .servers import http_server
from .shop import BRANCH, Shop, git

TOKEN = "secret-of-the-api"


class Api:
    """Keeps what it was asked, and the requests that are open."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.open: list[dict[str, Any]] = []
        self.status = 201
        self.url = ""


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
            source = query.get("source_branch") or query.get("head", "").partition(":")[2]
            target = query.get("target_branch") or query.get("base")
            found = [r for r in state.open if (r["source"], r["target"]) == (source, target)]
            self._answer(200, found, query)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            source = body.get("source_branch") or body["head"]
            target = body.get("target_branch") or body["base"]
            url = f"https://forge.example/{len(state.open) + 1}"
            made = {"web_url": url, "html_url": url, "source": source, "target": target}
            if state.status == 201:
                state.open.append(made)
            self._answer(state.status, made, body)

        def _answer(self, status: int, content: Any, told: dict[str, Any]) -> None:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status = 401
            state.asked.append((self.command, self.path.partition("?")[0], told))
            payload = json.dumps(content if status < 300 else {"message": "no"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    with serving(Handler) as url:
        state.url = f"{url}/api"
        yield state


@pytest.fixture
def site(bare_shop: Shop) -> Iterator[str]:
    """The server of the repository shop/web."""
    (bare_shop.folder / "shop").mkdir()
    (bare_shop.folder / "shop" / "web.git").symlink_to(bare_shop.server)
    with http_server(bare_shop.folder, is_open=True) as url:
        yield url


@pytest.fixture
def hosted(shop: Shop, site: str) -> Shop:
    git(shop.work, "remote", "set-url", "origin", f"{site}/shop/web.git")
    return shop


@pytest.mark.parametrize(
    ("forge", "path"),
    [
        ("github", "/api/repos/shop/web/pulls"),
        ("gitlab", "/api/projects/shop%2Fweb/merge_requests"),
    ],
)
def test_requests_are_opened_once(hosted: Shop, api: Api, forge: str, path: str) -> None:
    options = {
        "forward": "merge_request",
        "merge_into": ["main", "release/1.3"],
        "forge": forge,
        "api_url": api.url,
        "token": TOKEN,
    }
    api.status = 403
    refused = hosted.hotfix(**options)
    assert refused.failed
    assert "answered 403" in refused.message
    assert "All refs are pushed" in refused.message
    assert TOKEN not in repr(refused)
    refs = hosted.refs()
    assert "refs/tags/v1.2.4" in refs
    api.status = 201
    done = hosted.finish(**options)
    assert not done.failed, done.message
    urls = {t["branch"]: t["url"] for t in done.result["targets"]}
    assert urls == {"main": "https://forge.example/1", "release/1.3": "https://forge.example/2"}
    assert {asked[1] for asked in api.asked} == {path}
    assert [(r["source"], r["target"]) for r in api.open] == [
        (BRANCH, "main"),
        (BRANCH, "release/1.3"),
    ]
    assert hosted.refs() == refs
    assert not hosted.finish(**options).changed
    assert len(api.open) == 2


def test_request_that_is_open_already_is_found(hosted: Shop, api: Api) -> None:
    mine = "https://forge.example/7"
    api.open = [{"web_url": mine, "source": BRANCH, "target": "main"}]
    options = {"forge": "gitlab", "api_url": api.url, "token": TOKEN}
    done = hosted.hotfix(forward="merge_request", **options)
    assert [target["url"] for target in done.result["targets"]] == [mine]
    assert [asked[0] for asked in api.asked] == ["GET"]


@pytest.mark.parametrize(
    ("forge", "page"),
    [
        ("github", "/shop/web/compare/main...hotfix/INC-4711?expand=1"),
        (
            "gitlab",
            "/shop/web/-/merge_requests/new?merge_request%5Bsource_branch%5D="
            "hotfix%2FINC-4711&merge_request%5Btarget_branch%5D=main",
        ),
        ("none", ""),
    ],
)
def test_without_a_token_the_page_is_named(hosted: Shop, site: str, forge: str, page: str) -> None:
    done = hosted.hotfix(forward="merge_request", forge=forge)
    assert [target["url"] for target in done.result["targets"]] == [page and site + page]
