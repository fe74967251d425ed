# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The headers of requests: who asks, on whose behalf, and with which credentials.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def fixed_headers(options: Mapping[str, t.Any], configuration: t.Any, user_agent: str) -> t.Any:
    """What all requests of one client carry; a urllib3 HTTPHeaderDict."""
    # Before release 2, urllib3 had it there only.
    from urllib3._collections import HTTPHeaderDict

    headers = HTTPHeaderDict({"User-Agent": user_agent})
    if configuration.username and configuration.password:
        headers["authorization"] = configuration.get_basic_auth_token()
    if options.get("impersonate_user"):
        headers["Impersonate-User"] = options["impersonate_user"]
    for group in options.get("impersonate_groups") or []:
        headers.add("Impersonate-Group", group)
    return headers


def request_headers(fixed: t.Any, configuration: t.Any, accept: str) -> t.Any:
    """The ``fixed`` ones and the token as it is now, for some sources of tokens renew them.

    Raises InvalidInput, which shows no secret, for what HTTP cannot carry.
    """
    headers = fixed.copy()
    for setting in configuration.auth_settings().values():
        if setting["in"] == "header" and setting["value"]:
            headers[setting["key"]] = setting["value"]
    headers["Accept"] = accept
    for name, value in headers.items():
        if not (value.isprintable() and value.isascii()):
            raise InvalidInput(
                f"what the connection options give for the header {name}",
                "holds a line end or another character that HTTP cannot carry",
                "Look for one in the token, the user and the groups",
            )
    return headers
