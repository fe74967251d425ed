# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's certificate authority and everything it signs, by openssl."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from ..process import run

_DAYS = "3650"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_NEXT_STEP = "check that openssl works: openssl version (3.0 or newer is needed)"


class Authority:
    """Signs certificates into a folder that only its owner can read."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.folder = state / "certificates"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._config = self.folder / "openssl.cnf"

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def key(self) -> Path:
        return self.folder / "ca.key"

    def pair(self, name: str) -> tuple[Path, Path]:
        """Where the certificate and the key called ``name`` are."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def create(self) -> None:
        """Makes the authority itself."""
        # The system's configuration would add extensions of its own.
        self._config.write_text("[req]\ndistinguished_name = subject\n[subject]\n")
        self._openssl(
            *("req", "-x509", "-new", "-config", self._config, *_KEY, "-days", _DAYS),
            *("-subj", "/CN=oncall-recovery-test", "-keyout", self.key, "-out", self.certificate),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"),
        )

    def issue(self, name: str, subject: str, names: Sequence[str] = ()) -> None:
        """Signs a certificate for both ends of a connection.

        :param subject: such as ``/O=system:masters/CN=admin``; group and user for Kubernetes.
        :param names: a server's names, such as ``IP:127.0.0.1`` and ``DNS:localhost``.
        """
        certificate, key = self.pair(name)
        alternative = ("-addext", f"subjectAltName={','.join(names)}") if names else ()
        self._openssl(
            *("req", "-x509", "-new", "-config", self._config, *_KEY, "-days", _DAYS),
            *("-subj", subject),
            *("-CA", self.certificate, "-CAkey", self.key, "-keyout", key, "-out", certificate),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-addext", "extendedKeyUsage=serverAuth,clientAuth", *alternative),
        )

    def signing_key(self, name: str) -> Path:
        """Makes a key that signs service account tokens."""
        key = self.folder / f"{name}.key"
        self._openssl("genrsa", "-out", key, "2048")
        return key

    def kubeconfig(self, name: str, server: str, to: Path) -> None:
        """Writes a kubeconfig (mode 0600) that logs in with the certificate ``name``."""
        certificate, key = self.pair(name)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "recovery",
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": _encoded(self.certificate),
                    },
                }
            ],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate-data": _encoded(certificate),
                        "client-key-data": _encoded(key),
                    },
                }
            ],
            "contexts": [{"name": "recovery", "context": {"cluster": "recovery", "user": name}}],
            "current-context": "recovery",
        }
        to.touch(mode=0o600)
        to.write_text(json.dumps(config, indent=2) + "\n")

    def _openssl(self, *arguments: str | Path) -> None:
        run(
            ["openssl", *map(str, arguments)],
            owner=self._state,
            log=self._state / "logs" / "openssl.log",
            next_step=_NEXT_STEP,
        )


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
