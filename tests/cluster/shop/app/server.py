# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: pages for users, endpoints for operators, and an orderly end."""

from __future__ import annotations

import json
import logging
import os
import signal
import socketserver
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from . import metrics as metrics_module
from .cache import Cache
from .limits import ConcurrencyLimiter, RateLimiter
from .logs import log, set_up_logs
from .metrics import Metrics
from .pages import Answer, Context, Page, with_faults
from .release import Release
from .settings import LiveSettings, Settings, SettingsError

MAX_BODY_BYTES = 64 * 1024
LAST_REQUESTS_SECONDS = 5.0
KIB = 1024


class Application:
    """One process: its release, its settings, its pages and what it counts."""

    def __init__(
        self,
        name: str,
        release: Release,
        settings_folder: Path,
        pages: Mapping[str, Page],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.release = release
        self.settings = LiveSettings(
            release.settings, settings_folder, os.environ if environment is None else environment
        )
        self.pages = pages
        self.metrics = Metrics(release.version)
        self.concurrency = ConcurrencyLimiter()
        self.draining = threading.Event()
        self.stopping = threading.Event()
        self._rate = RateLimiter()
        self._cache = Cache()
        self._leaked: list[bytearray] = []
        self.metrics.add_gauge(
            "http_requests_in_flight", "Requests under way.", lambda: self.concurrency.in_flight
        )
        self.metrics.add_gauge(
            "http_requests_in_flight_limit",
            "Requests that may be under way at once; 0 is no limit.",
            lambda: self.settings.current().max_concurrent_requests,
        )

    def answer_user(self, path: str) -> Answer:
        """The answer to a user's request, within the limits; never raises."""
        settings = self.settings.current()
        page = self.pages.get(path)
        if page is None:
            return Answer({"error": f"no page {path}"}, HTTPStatus.NOT_FOUND)
        if not self._rate.allows(settings.rate_limit_per_second):
            return Answer({"error": "too many requests"}, HTTPStatus.TOO_MANY_REQUESTS)
        if not self.concurrency.enter(settings.max_concurrent_requests, settings.queue_seconds):
            return Answer({"error": "overloaded"}, HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            context = Context(
                self.release.version, settings, self.metrics, self._cache, self.stopping
            )
            return with_faults(page, context)
        except Exception:
            log(logging.ERROR, "page failed", with_exception=True, page=path)
            return Answer({"error": "internal error"}, HTTPStatus.INTERNAL_SERVER_ERROR)
        finally:
            self.concurrency.leave()

    def is_ready(self) -> bool:
        return not self.draining.is_set() and not self.settings.current().fault_never_ready

    def watch(self) -> None:
        """Say when settings changed, and leak memory if this release does; until the end."""
        before = self.settings.current()
        last_error = ""
        while not self.stopping.wait(1.0):
            now = self.settings.current()
            if now != before:
                log(logging.INFO, "settings changed", changed=_difference(before, now))
                before = now
            if self.settings.last_error != last_error:
                last_error = self.settings.last_error
                if last_error:
                    log(logging.ERROR, "settings not taken over", error=last_error)
            self._leak(now.fault_leak_mib_per_second)

    def _leak(self, mebibytes: float) -> None:
        if mebibytes > 0:
            # Written to, or the kernel would not count the pages.
            self._leaked.append(bytearray(b"x" * int(mebibytes * KIB * KIB)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    # Buffered, so that headers and body leave in one packet.
    wbufsize = -1
    server: Server

    def version_string(self) -> str:
        """The ``Server`` header, by which users' side can tell who served them."""
        return f"{self.server.application.name}/{self.server.application.release.version}"

    def do_GET(self) -> None:
        application = self.server.application
        path = urlsplit(self.path).path
        match path:
            case "/healthz":
                self._send(HTTPStatus.OK, {"status": "alive"})
            case "/readyz":
                ready = application.is_ready()
                status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
                self._send(status, {"ready": ready})
            case "/settings":
                self._send(HTTPStatus.OK, application.settings.current().without_passwords())
            case "/version":
                self._send(HTTPStatus.OK, {"version": application.release.version})
            case "/metrics":
                text = application.metrics.render().encode()
                self._send_bytes(HTTPStatus.OK, metrics_module.CONTENT_TYPE, text)
            case _:
                self._serve_user(path)

    def do_PUT(self) -> None:
        if urlsplit(self.path).path != "/settings":
            self._send(HTTPStatus.NOT_FOUND, {"error": "only /settings can be changed"})
            return
        try:
            changes = json.loads(self.rfile.read(self._body_length()))
            if not isinstance(changes, dict):
                raise SettingsError("request: not a JSON object")
            settings = self.server.application.settings.override(changes)
        except ValueError as error:
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        self._send(HTTPStatus.OK, settings.without_passwords())

    def _body_length(self) -> int:
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= MAX_BODY_BYTES:
            raise ValueError(f"request: body of {length} bytes, at most {MAX_BODY_BYTES}")
        return length

    def _serve_user(self, path: str) -> None:
        application = self.server.application
        started = time.monotonic()
        answer = application.answer_user(path)
        seconds = time.monotonic() - started
        page = path if path in application.pages else "other"
        code = answer.status.value
        # Before it is sent, since a user who has given up waiting counts as well.
        application.metrics.requests.increase(self.command, page, str(code))
        application.metrics.latency.observe(seconds, page)
        level = logging.INFO if code < HTTPStatus.INTERNAL_SERVER_ERROR else logging.ERROR
        log(level, "request", page=path, code=code, seconds=round(seconds, 4))
        self._send(answer.status, answer.body)

    def _send(self, status: HTTPStatus, body: Mapping[str, object]) -> None:
        self._send_bytes(status, "application/json", json.dumps(body).encode() + b"\n")

    def _send_bytes(self, status: HTTPStatus, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        if self.server.application.draining.is_set():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are logged as JSON; see _serve_user."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, application: Application, address: str, port: int) -> None:
        self.application = application
        super().__init__((address, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's full name, and no resolver runs in the cluster.
        socketserver.TCPServer.server_bind(self)
        self.server_name = self.application.name
        self.server_port = self.socket.getsockname()[1]

    def handle_error(self, request: object, client_address: object) -> None:
        log(logging.WARNING, "connection lost", with_exception=True, client=str(client_address))


def run(application: Application) -> int:
    """Serve until SIGTERM or SIGINT, then drain; the process' exit code."""
    settings = application.settings.current()
    set_up_logs(settings.log_level)
    if settings.fault_exit_at_start:
        log(logging.CRITICAL, "cannot start", error="this release ends right after its start")
        return 1
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: end.set())
    server = Server(application, "0.0.0.0", settings.port)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    threading.Thread(target=application.watch, daemon=True).start()
    log(logging.INFO, "serving", name=application.name, version=application.release.version)
    end.wait()
    drain(server)
    return 0


def drain(server: Server) -> None:
    """Stop without losing a request: turn unready, serve on until nobody sends, then end."""
    application = server.application
    application.draining.set()
    log(logging.INFO, "draining")
    time.sleep(application.settings.current().drain_seconds)
    server.shutdown()
    application.stopping.set()
    application.concurrency.wait_until_empty(LAST_REQUESTS_SECONDS)
    server.server_close()
    log(logging.INFO, "stopped")


def _difference(before: Settings, after: Settings) -> dict[str, object]:
    old, new = before.without_passwords(), after.without_passwords()
    return {name: [old[name], new[name]] for name in new if old[name] != new[name]}
