# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on loopback that speaks HTTPS, and breaks off where the test wants it to.

Real sockets and real TLS: what a library makes of a broken connection cannot be written down
beforehand.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import threading
from enum import Enum
from pathlib import Path

BODY = b'{"kind": "List", "metadata": {"resourceVersion": "7"}, "items": []}'
LONGEST_SILENCE_SECONDS = 10.0


class Break(Enum):
    """Where a connection breaks off. Everything after ``BEFORE_TLS`` has been read in whole."""

    BEFORE_TLS = "closed as soon as it was accepted, as a load balancer without servers does"
    NO_TLS = "an answer in plain text where TLS was asked for"
    CLOSED = "closed after the request, without an answer"
    RESET = "reset after the request, without an answer"
    HALF = "closed in the middle of the answer"
    GARBAGE = "bytes in place of the answer that do not decrypt"
    SILENT = "no answer for as long as the other side waits"


def answer(status: int = 200, body: bytes = BODY, **headers: str) -> bytes:
    """An HTTP answer; underscores in names of headers stand for hyphens."""
    told = {"Content_Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} Said", *(f"{k.replace('_', '-')}: {v}" for k, v in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    file, key = folder / "all.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        f" -keyout {key} -out {file} -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


class Server:
    """Does one step of the script per connection, then answers every request well.

    ``requests`` are the heads of what was read, ``connections`` how many were accepted.
    """

    def __init__(self, pem: Path, *steps: Break | bytes, port: int = 0) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._steps = list(steps)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._is_over = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        self.url = f"https://127.0.0.1:{self.port}"
        self.requests: list[list[str]] = []
        self.connections = 0

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._is_over.set()
        # Closing alone does not wake up a thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                accepted, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            step = self._steps.pop(0) if self._steps else answer()
            threading.Thread(target=self._serve, args=(accepted, step), daemon=True).start()

    def _serve(self, accepted: socket.socket, step: Break | bytes) -> None:
        with contextlib.suppress(OSError), contextlib.closing(accepted):
            self._break_off(accepted, step)

    def _break_off(self, accepted: socket.socket, step: Break | bytes) -> None:
        accepted.settimeout(LONGEST_SILENCE_SECONDS)
        if step is Break.BEFORE_TLS:
            # An orderly end, where closing with unread bytes would be a reset.
            accepted.shutdown(socket.SHUT_WR)
            accepted.recv(65536)
        elif step is Break.NO_TLS:
            accepted.recv(65536)
            accepted.sendall(answer(400))
        else:
            with self._context.wrap_socket(accepted, server_side=True) as secured:
                if head := _read_request(secured):
                    self.requests.append(head)
                    self._reply(secured, step)

    def _reply(self, secured: ssl.SSLSocket, step: Break | bytes) -> None:
        if isinstance(step, bytes):
            secured.sendall(step)
        elif step is Break.HALF:
            secured.sendall(answer()[: -len(BODY) // 2])
        elif step is Break.RESET:
            _reset(secured)
        elif step is Break.GARBAGE:
            os.write(secured.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
            secured.recv(1)
        elif step is Break.SILENT:
            self._is_over.wait(LONGEST_SILENCE_SECONDS)


def _read_request(secured: ssl.SSLSocket) -> list[str]:
    """Read one whole request; the lines of its head."""
    head: list[str] = []
    with secured.makefile("rb") as stream:
        while line := stream.readline().decode().strip():
            head.append(line)
        lengths = [line for line in head if line.lower().startswith("content-length:")]
        stream.read(sum(int(line.partition(":")[2]) for line in lengths))
    return head


def _reset(connection: socket.socket) -> None:
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()
