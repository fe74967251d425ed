# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Prometheus of a test's own, which asks for certificates or passwords."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.probe import says_ok

from .workloads import wait_until

USERNAME, PASSWORD = "oncall", "s3cret-password"
# Of the password above; the fewest rounds that Prometheus takes.
PASSWORD_HASH = "$2b$04$nlC7HK1f4gYDXEFfKGF6K.ERp/SR9J8UqdYDuig8fgesjBb8.epa2"


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it signed for 127.0.0.1; the server and the client share it."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def made_in(cls, folder: Path) -> Certificates:
        authority, certificate, key = (folder / n for n in ("ca.pem", "cert.pem", "key.pem"))
        extensions = folder / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        ca_key, request = folder / "ca-key.pem", folder / "request.pem"
        new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        for command in (
            f"req -x509 {new_key} -days 2 -keyout {ca_key} -out {authority} -subj /CN=authority",
            f"req {new_key} -keyout {key} -out {request} -subj /CN=test",
            f"x509 -req -in {request} -CA {authority} -CAkey {ca_key} -CAcreateserial -days 2"
            f" -extfile {extensions} -out {certificate}",
        ):
            subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
        return cls(authority, certificate, key)

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority)
        context.load_cert_chain(self.certificate, self.key)
        return context


@contextlib.contextmanager
def guarded_prometheus(folder: Path, certificates: Certificates, *, users: bool) -> Iterator[str]:
    """The URL of one that asks for a password if it has users, else for a client's certificate."""
    web, config = folder / "web.yml", folder / "prometheus.yml"
    lines = [
        "tls_server_config:",
        f"  cert_file: {certificates.certificate}",
        f"  key_file: {certificates.key}",
    ]
    if users:
        lines += ["basic_auth_users:", f"  {USERNAME}: {PASSWORD_HASH}"]
    else:
        lines += [
            "  client_auth_type: RequireAndVerifyClientCert",
            f"  client_ca_file: {certificates.authority}",
        ]
    web.write_text("\n".join(lines))
    config.write_text("{}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *("prometheus", f"--config.file={config}", f"--web.config.file={web}"),
            *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port, certificates), "Prometheus answers")
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int, certificates: Certificates) -> bool:
    if says_ok(f"https://127.0.0.1:{port}/-/ready", certificates.context):
        return True
    # With users it answers 401, which is an answer.
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as tcp:
        certificates.context.wrap_socket(tcp, server_hostname="127.0.0.1").close()
        return True
    return False
