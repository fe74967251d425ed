# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that answer what a test wrote down, and remember what they were asked."""

from __future__ import annotations

from typing import Any

from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import (
    Endpoint,
    Reply,
)

URL = "http://127.0.0.1:9090"


class Canned(Endpoint):
    """Answers one reply to everything; ``asked`` holds paths and parameters."""

    asked: list[tuple[str, dict[str, Any]]]

    @classmethod
    def reply(cls, content: Any, status: int = 200, url: str = URL, token: str = "") -> Canned:
        endpoint = cls(url, token=token)
        object.__setattr__(endpoint, "asked", [])
        object.__setattr__(endpoint, "_reply", Reply(status, content))
        return endpoint

    def get(self, path: str, parameters: Any, seconds: float) -> Reply:
        self.asked.append((path, dict(parameters)))
        reply: Reply = self.__dict__["_reply"]
        return reply
