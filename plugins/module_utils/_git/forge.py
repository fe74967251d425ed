# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking for a merge where a branch is protected: the page to open, or the request itself.

Knows GitHub (https://docs.github.com/en/rest/pulls/pulls) and GitLab
(https://docs.gitlab.com/api/merge_requests/).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
import urllib.parse

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._git.safety import SCP_LIKE
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._git.access import Access

GITHUB, GITLAB, NO_FORGE = "github", "gitlab", "none"
SECONDS_TO_ANSWER = 30
MOST_CHARACTERS_OF_AN_ANSWER = 300


@dataclasses.dataclass(frozen=True)
class Forge:
    """A server that takes merge requests, and the project there.

    :param site: its pages, such as ``https://gitlab.example``.
    :param api: its REST API, such as ``https://gitlab.example/api/v4``.
    :param project: its path there, such as ``shop/web``.
    """

    kind: str
    site: str
    api: str
    project: str

    def page_to_open(self, source: str, target: str) -> str:
        """Where a person opens the request with two clicks; "" where it is not known."""
        if self.kind == GITHUB:
            span = f"{urllib.parse.quote(target)}...{urllib.parse.quote(source)}"
            return f"{self.site}/{self.project}/compare/{span}?expand=1"
        if self.kind == GITLAB:
            query = urllib.parse.urlencode(
                {"merge_request[source_branch]": source, "merge_request[target_branch]": target}
            )
            return f"{self.site}/{self.project}/-/merge_requests/new?{query}"
        return ""

    def request_merge(self, source: str, target: str, title: str, access: Access) -> str:
        """The URL of the open request from ``source`` to ``target``, made where there is none."""
        if self.kind == GITHUB:
            owner = self.project.partition("/")[0]
            path = f"/repos/{urllib.parse.quote(self.project)}/pulls"
            query = {"state": "open", "head": f"{owner}:{source}", "base": target}
            body = {"title": title, "head": source, "base": target}
            url = "html_url"
        else:
            path = f"/projects/{urllib.parse.quote(self.project, safe='')}/merge_requests"
            query = {"state": "opened", "source_branch": source, "target_branch": target}
            body = {"title": title, "source_branch": source, "target_branch": target}
            url = "web_url"
        there = self._ask(f"{path}?{urllib.parse.urlencode(query)}", access)
        if isinstance(there, list) and there:
            return str(there[0][url])
        return str(self._ask(path, access, body)[url])

    def _ask(self, path: str, access: Access, body: Mapping[str, str] | None = None) -> t.Any:
        import ssl
        import urllib.error
        import urllib.request

        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {access.token}",
            "User-Agent": "oncall.recovery",
        }
        data = json.dumps(body).encode() if body else None
        if data:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(f"{self.api}{path}", data, headers)
        trust = ssl.create_default_context(cafile=access.ca_cert or None)
        # A redirect would carry the token to wherever it points.
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=trust),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        try:
            with opener.open(request, timeout=SECONDS_TO_ANSWER) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read(MOST_CHARACTERS_OF_AN_ANSWER).decode("utf-8", "replace")
            raise self._failed(f"answered {error.code}: {said}", access) from None
        except (OSError, ValueError) as error:
            raise self._failed(f"did not answer as expected ({error})", access) from None

    def _failed(self, cause: str, access: Access) -> RecoveryError:
        return RecoveryError(
            self.api,
            " ".join(cause.replace(access.token, MASK).split()),
            "All refs are pushed. Check the token and api_url and run again, or open the request "
            "by hand",
        )


def forge_of(remote_url: str, kind: str, api_url: str) -> Forge:
    """The forge that hosts the remote. ``kind`` "" lets its host's name decide.

    Raises InvalidInput for an ``api_url`` that the token must not be sent to.
    """
    host, project, scheme = _place_of(remote_url)
    name = host.partition(":")[0].lower()
    known = GITHUB if "github" in name else GITLAB if "gitlab" in name else NO_FORGE
    kind = kind or known
    site = f"{scheme}://{host}"
    if api_url and not api_url.startswith(("https://", "http://")):
        raise InvalidInput("api_url", "is no HTTP URL", "Correct it")
    if kind == GITHUB:
        api = "https://api.github.com" if name == "github.com" else f"{site}/api/v3"
    else:
        api = f"{site}/api/v4"
    return Forge(kind if host else NO_FORGE, site, (api_url or api).rstrip("/"), project)


def _place_of(url: str) -> tuple[str, str, str]:
    """Host with its port, path without ``.git``, and scheme of the pages of a remote's URL."""
    parsed = urllib.parse.urlsplit(url) if "://" in url else None
    if parsed is None:
        short = SCP_LIKE.match(url)
        host = short["host"] if short else ""
        path, scheme = url[short.end() :] if short else "", "https"
    elif parsed.scheme == "file":
        return "", "", ""
    else:
        is_web = parsed.scheme in ("http", "https")
        # The port of ssh is not the one of the pages.
        host = parsed.netloc.rpartition("@")[2] if is_web else parsed.hostname or ""
        path, scheme = parsed.path, parsed.scheme if is_web else "https"
    return host, path.strip("/").removesuffix(".git"), scheme
