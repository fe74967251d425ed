# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's rulebooks by the real ansible-rulebook, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .playbooks import environment
from .prometheus import Certificates
from .workloads import wait_until

CHECKOUT = Path(__file__).resolve().parents[3]
INVENTORY = CHECKOUT / "extensions" / "eda" / "inventory.yml"
# Java takes its time where other suites have the machine.
START_SECONDS = 60.0


@dataclass(frozen=True)
class Rulebook:
    """One that runs; the token is what its senders have to know."""

    url: str
    token: str
    certificates: Certificates
    log: Path

    def said(self) -> str:
        return self.log.read_text()

    def lines(self, about: str) -> list[str]:
        return [line for line in self.said().splitlines() if about in line]

    def send(
        self,
        message: Any,
        *,
        token: str | None = None,
        shows_certificate: bool = True,
    ) -> int:
        """The HTTP status of the answer to a message, which is JSON unless it is bytes."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        known = self.token if token is None else token
        request = urllib.request.Request(
            self.url,
            data=body,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {known}"},
        )
        context = ssl.create_default_context(cafile=self.certificates.authority)
        if shows_certificate:
            context = self.certificates.context
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@contextlib.contextmanager
def running_rulebook(
    folder: Path,
    name: str = "alert_response",
    *,
    env: Mapping[str, str] | None = None,
    **variables: Any,
) -> Iterator[Rulebook]:
    """Run a rulebook of the collection with ``folder`` as its home, as the guide says."""
    folder.mkdir(exist_ok=True)
    certificates = Certificates.made_in(folder)
    token = "t" + secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    settings = {
        "alert_response_port": port,
        "alert_response_certificate": str(certificates.certificate),
        "alert_response_key": str(certificates.key),
        "alert_response_namespaces": [],
        "alert_response_playbooks": [],
        "alert_response_cluster": "",
        **variables,
    }
    log = folder / "rulebook.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            rulebook_command(name, write_variables(folder, settings)),
            cwd=folder,
            env={**rulebook_environment(folder), "alert_response_token": token, **(env or {})},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or _listens(port),
            f"ansible-rulebook listens, see {log}",
            START_SECONDS,
        )
        assert process.poll() is None, log.read_text()
        yield Rulebook(f"https://127.0.0.1:{port}/endpoint", token, certificates, log)
    finally:
        process.terminate()
        process.wait(20)


def write_variables(folder: Path, variables: Mapping[str, Any]) -> Path:
    file = folder / "alert_response.yml"
    file.write_text(json.dumps(variables))
    return file


def rulebook_command(name: str, variables: Path) -> list[str]:
    return [
        *(str(Path(sys.executable).with_name("ansible-rulebook")), "-r", f"oncall.recovery.{name}"),
        *("-i", str(INVENTORY), "-e", str(variables), "-E", "alert_response_token"),
    ]


def rulebook_environment(home: Path) -> dict[str, str]:
    """That of a person whose path has ansible-rulebook on it, as it has to have."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**environment(home), "PATH": path}


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
