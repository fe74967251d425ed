# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that answers as Docker's: it sends askers to a place that gives tokens.

It has the image shop/web:1.2.5 at the second look with a token, and ends when it is asked to.
"""

from __future__ import annotations

import base64
import http.server
import json
import sys
from pathlib import Path

LONGEST_LIFE_SECONDS = 120.0
PASSWORD = "Basic " + base64.b64encode(b"robot:right").decode()
looks = 0


class Registry(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        global looks
        asked = self.headers.get("Authorization", "")
        if asked != "Bearer opened":
            address = f"http://127.0.0.1:{self.server.server_address[1]}/token"
            challenge = f'Bearer realm="{address}",service="registry.example"'
            self.answer(401, {"WWW-Authenticate": challenge})
            return
        looks += 1
        there = self.path == "/v2/shop/web/manifests/1.2.5" and looks > 1
        self.answer(200 if there else 404)

    def do_GET(self) -> None:
        if self.path == "/stop":
            self.answer(200)
            self.server.is_over = True
        elif self.headers.get("Authorization") != PASSWORD:
            self.answer(401)
        elif self.path == "/token?service=registry.example&scope=repository%3Ashop/web%3Apull":
            self.answer(200, {"Content-Type": "application/json"}, {"token": "opened"})
        else:
            self.answer(400)

    def answer(
        self, status: int, headers: dict[str, str] | None = None, body: object = None
    ) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Keep the output of the target clean."""


def main() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Registry) as server:
        server.is_over = False
        server.timeout = LONGEST_LIFE_SECONDS
        server.handle_timeout = sys.exit
        Path(sys.argv[1]).write_text(str(server.server_address[1]))
        while not server.is_over:
            server.handle_request()


if __name__ == "__main__":
    main()
