# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small HTTP servers on loopback, which end with the test."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS_TO_NOTICE_THE_END = 0.02


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps the output of the tests clean."""

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    # A stalled request must not hold up the end of the test.
    block_on_close = False
    daemon_threads = True


class _TlsServer(_Server):
    def handle_error(self, *_arguments: object) -> None:
        """Clients that refuse the certificate are what such servers are for."""


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The URL of a server that answers with ``handler``, over TLS where there is a context."""
    server = (_TlsServer if tls else _Server)(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(SECONDS_TO_NOTICE_THE_END,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
