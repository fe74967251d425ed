# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback between a module and the real API server, for trouble at a chosen moment."""

from __future__ import annotations

import json
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import urllib3
import yaml
from kubernetes.client import Configuration
from kubernetes.config.kube_config import KubeConfigLoader

from .web import QuietHandler, serving


class Trouble(Enum):
    """What happens to a request, or to its answer, on the way."""

    RESET_BEFORE = "the connection is reset before the server has the request"
    RESET_AFTER = "the connection is reset after the server has done it"
    HALF_THE_ANSWER = "the answer ends in the middle"
    STALL = "the server has done it, and no answer comes"
    ENDED_AT_ONCE = "a watch ends before its first event"
    EXPIRED = "a watch says that its version is too old"


@dataclass(frozen=True)
class Answer:
    """An answer that the proxy gives, with the request passed on before, or not."""

    status: int
    message: str = "made up by the proxy"
    headers: dict[str, str] = field(default_factory=dict)
    is_passed_on: bool = False


Fault = Trouble | Answer
Hook = Callable[[str, str], Fault | None]
"""Called with the method and the path of each request; returns what goes wrong with it."""
LONGEST_STALL_SECONDS = 40.0


class Faults:
    """Lets requests that match go wrong, one fault each, until there are no more faults.

    :param method: of the requests, or ``WATCH``.
    :param part: of their paths.
    """

    def __init__(self, method: str, part: str, *faults: Fault, for_ever: bool = False) -> None:
        self._method, self._part = method, part
        self._faults = list(faults)
        self._for_ever = for_ever
        self._lock = threading.Lock()
        self.matched = 0

    def __call__(self, method: str, path: str) -> Fault | None:
        is_watch = "watch" in parse_qs(urlsplit(path).query)
        if ("WATCH" if is_watch else method) != self._method or self._part not in path:
            return None
        with self._lock:
            self.matched += 1
            if self._for_ever:
                return self._faults[0]
            return self._faults.pop(0) if self._faults else None


@contextmanager
def proxy_to(kubeconfig: Path, hook: Hook) -> Iterator[str]:
    """The URL of a proxy that passes everything on with the rights of ``kubeconfig``."""
    upstream = _pool(kubeconfig)
    try:
        with serving(_handler(upstream, hook)) as url:
            yield url
    finally:
        upstream.close()


def _pool(kubeconfig: Path) -> urllib3.HTTPSConnectionPool:
    configuration = Configuration()
    loader = KubeConfigLoader(
        yaml.safe_load(kubeconfig.read_text()),
        config_base_path=str(kubeconfig.parent),
        temp_file_path=tempfile.gettempdir(),
    )
    loader.load_and_set(configuration)
    address = urlsplit(configuration.host)
    assert address.hostname
    return urllib3.HTTPSConnectionPool(
        address.hostname,
        address.port,
        maxsize=20,
        ca_certs=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
    )


def _handler(upstream: urllib3.HTTPSConnectionPool, hook: Hook) -> type[QuietHandler]:
    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            fault = hook(self.command, self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault is Trouble.RESET_BEFORE:
                self._reset()
            elif fault is Trouble.ENDED_AT_ONCE:
                self._answer(200, b"")
            elif fault is Trouble.EXPIRED:
                self._answer(200, _expired_event())
            elif isinstance(fault, Answer) and not fault.is_passed_on:
                self._made_up(fault)
            else:
                self._pass_on(body, fault)

        def _pass_on(self, body: bytes, fault: Fault | None) -> None:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host",)}
            answer = upstream.request(
                self.command,
                self.path,
                body=body or None,
                headers=headers,
                preload_content=False,
                decode_content=False,
                retries=False,
            )
            if fault is None:
                self._stream(answer)
                return
            # A watch has no end to wait for.
            whole = b"" if "watch=true" in self.path else answer.read()
            if isinstance(fault, Answer):
                self._made_up(fault)
            elif fault is Trouble.HALF_THE_ANSWER:
                self._half(whole)
            elif fault is Trouble.STALL:
                self._stall()
            else:
                self._reset()

        def _stream(self, answer: urllib3.BaseHTTPResponse) -> None:
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Encoding", "Retry-After"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in answer.stream(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            answer.release_conn()

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def _made_up(self, fault: Answer) -> None:
            status = {"kind": "Status", "message": fault.message, "reason": "MadeUp"}
            self._answer(fault.status, json.dumps(status).encode(), **fault.headers)

        def _half(self, whole: bytes) -> None:
            """As many bytes as half of the answer, where the whole was announced."""
            whole = whole or b'{"type": "MODIFIED", "object": {"metadata":'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True

        def _stall(self) -> None:
            """Say nothing until the other side hangs up."""
            deadline = time.monotonic() + LONGEST_STALL_SECONDS
            self.connection.settimeout(0.2)
            while time.monotonic() < deadline:
                try:
                    if not self.connection.recv(1):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            self.close_connection = True

        def _reset(self) -> None:
            """Close at once, so that the other side sees a reset and no orderly end."""
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (OSError, ValueError):
                # After a reset there is nobody left to talk to.
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    return Handler


def _expired_event() -> bytes:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource"}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
