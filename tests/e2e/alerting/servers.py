# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus and Alertmanager of a test's own, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cluster.probe import says_ok
from tests.e2e.support.workloads import wait_until

_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def ask(url: str, data: Any = None) -> Any:
    """The JSON that a server answers, to a GET or, with data, to a POST of it as JSON."""
    request = urllib.request.Request(
        url,
        data=None if data is None else json.dumps(data).encode(),
        headers={"Content-Type": "application/json"},
    )
    with _WITHOUT_PROXY.open(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@contextlib.contextmanager
def prometheus(folder: Path, rules: Path, config: Mapping[str, Any] | None = None) -> Iterator[str]:
    """The URL of one that reads ``rules``; ``config`` is the rest of its configuration."""
    folder.mkdir(exist_ok=True)
    file, url = folder / "prometheus.yml", f"http://127.0.0.1:{free_port()}"
    file.write_text(json.dumps({"rule_files": [str(rules)], **(config or {})}))
    with _running(
        [
            *("prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"),
            *(f"--web.listen-address={url.removeprefix('http://')}", "--web.enable-lifecycle"),
        ],
        url,
        folder / "prometheus.log",
    ):
        yield url


@contextlib.contextmanager
def alertmanager(folder: Path, config: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """The URL of one that tells whom ``config`` says; ``env`` is all of its environment."""
    folder.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{free_port()}"
    with _running(
        [
            *("prometheus-alertmanager", f"--config.file={config}"),
            *(f"--storage.path={folder / 'data'}", "--cluster.listen-address="),
            f"--web.listen-address={url.removeprefix('http://')}",
        ],
        url,
        folder / "alertmanager.log",
        {"PATH": os.environ["PATH"], **(env or {})},
    ):
        yield url


@contextlib.contextmanager
def _running(
    command: Sequence[str], url: str, log: Path, env: dict[str, str] | None = None
) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
    try:
        wait_until(lambda: says_ok(f"{url}/-/ready"), f"{command[0]} answers, see {log}")
        yield
    finally:
        process.terminate()
        process.wait(10)
