# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials that are plain data: a token or a certificate, in options or in one kubeconfig.

Importing the ``kubernetes`` package takes longer than rolling one workload back, and most runs
need nothing of it. Whatever else a credential asks for is left to that package.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import os
import tempfile
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

KNOWN_OF_CLUSTER = {
    "server",
    "certificate-authority",
    "certificate-authority-data",
    "insecure-skip-tls-verify",
    "tls-server-name",
    "extensions",
}
KNOWN_OF_USER = {
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "extensions",
}
# Options that only the package's own connection pool understands.
OPTIONS_FOR_THE_PACKAGE = ("proxy", "username", "password")


class NotPlain(Exception):
    """These credentials need the ``kubernetes`` package, be it only to tell what is wrong."""


@dataclasses.dataclass
class PlainConfiguration:
    """What a connection needs, with the names of ``kubernetes.client.Configuration``.

    ``namespace`` is the context's. ``authority``, ``certificate`` and ``key`` are PEM.
    """

    host: str = ""
    namespace: str = "default"
    verify_ssl: bool = True
    tls_server_name: str | None = None
    token: str = ""
    authority: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    username: str | None = None
    password: str | None = None

    def auth_settings(self) -> dict[str, dict[str, str]]:
        if not self.token:
            return {}
        value = f"Bearer {self.token}"
        return {"BearerToken": {"in": "header", "key": "authorization", "value": value}}

    def connection_pool(self, connections: int) -> t.Any:
        """A urllib3 PoolManager whose connections share one TLS context."""
        import urllib3

        return urllib3.PoolManager(
            maxsize=connections,
            ssl_context=self.tls,
            server_hostname=self.tls_server_name,
        )

    @functools.cached_property
    def tls(self) -> ssl.SSLContext:
        """Raises ssl.SSLError or ValueError for what is no certificate."""
        import ssl

        from urllib3.util.ssl_ import create_urllib3_context

        context = create_urllib3_context()
        context.check_hostname = self.verify_ssl
        context.verify_mode = ssl.CERT_REQUIRED if self.verify_ssl else ssl.CERT_NONE
        if self.authority:
            context.load_verify_locations(cadata=self.authority.decode())
        elif self.verify_ssl:
            context.load_default_certs()
        if self.certificate:
            _load_certificate(context, self.certificate, self.key or b"")
        return context


def plain_configuration(options: Mapping[str, t.Any]) -> PlainConfiguration:
    """What the connection ``options`` (by name) say, loaded in kubernetes.core's order.

    Raises NotPlain where they say more than this module understands, or nothing usable.
    """
    if any(options.get(name) for name in OPTIONS_FOR_THE_PACKAGE) or _has_proxy():
        raise NotPlain
    try:
        configuration = _configuration(options)
        # Read now, so that the package gets to name what is wrong with a certificate.
        configuration.connection_pool(1).clear()
    except NotPlain:
        raise
    except Exception as error:
        raise NotPlain from error
    return configuration


def _configuration(options: Mapping[str, t.Any]) -> PlainConfiguration:
    token, host = options.get("api_key"), options.get("host")
    if host and (token or (options.get("client_cert") and options.get("client_key"))):
        configuration = PlainConfiguration()
    else:
        configuration = _from_kubeconfig(*_kubeconfig(options), options.get("context"))
    if host:
        configuration.host = host.rstrip("/")
    if token:
        configuration.token = token
    if options.get("validate_certs") is not None:
        configuration.verify_ssl = options["validate_certs"]
    attributes = {"ca_cert": "authority", "client_cert": "certificate", "client_key": "key"}
    for option, attribute in attributes.items():
        if options.get(option):
            setattr(configuration, attribute, Path(options[option]).read_bytes())
    return configuration


def _kubeconfig(options: Mapping[str, t.Any]) -> tuple[Mapping[str, t.Any], Path]:
    """The kubeconfig, and the folder that its paths start from."""
    kubeconfig = options.get("kubeconfig")
    if isinstance(kubeconfig, dict):
        return kubeconfig, Path()
    if not kubeconfig and not options.get("context") and "KUBERNETES_SERVICE_HOST" in os.environ:
        raise NotPlain
    path = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    if os.pathsep in path:
        raise NotPlain
    import yaml

    file = Path(path).expanduser()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_bytes(), loader), file.parent


def _from_kubeconfig(
    kubeconfig: Mapping[str, t.Any], folder: Path, context_name: str | None
) -> PlainConfiguration:
    context = _named(kubeconfig, "contexts", context_name or kubeconfig["current-context"])
    cluster = _named(kubeconfig, "clusters", context["cluster"])
    user = _named(kubeconfig, "users", context["user"])
    if set(cluster) - KNOWN_OF_CLUSTER or set(user) - KNOWN_OF_USER:
        raise NotPlain
    return PlainConfiguration(
        host=cluster["server"].rstrip("/"),
        namespace=context.get("namespace") or "default",
        verify_ssl=not cluster.get("insecure-skip-tls-verify"),
        tls_server_name=cluster.get("tls-server-name"),
        token=user.get("token") or "",
        authority=_content(cluster, "certificate-authority", folder),
        certificate=_content(user, "client-certificate", folder),
        key=_content(user, "client-key", folder),
    )


def _named(kubeconfig: Mapping[str, t.Any], plural: str, name: str) -> Mapping[str, t.Any]:
    (found,) = (entry for entry in kubeconfig[plural] if entry["name"] == name)
    content: Mapping[str, t.Any] = found[plural[:-1]]
    return content


def _content(settings: Mapping[str, t.Any], name: str, folder: Path) -> bytes | None:
    """A setting that is in the kubeconfig (and then wins) or in a file that it names."""
    if settings.get(f"{name}-data"):
        return base64.b64decode(settings[f"{name}-data"])
    return (folder / settings[name]).read_bytes() if settings.get(name) else None


def _load_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # OpenSSL reads a certificate's key from a file only; this one is 0600 and gone at once.
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        # A key with a passphrase would have Python ask for it on the terminal.
        context.load_cert_chain(file.name, password=lambda: b"")


def _has_proxy() -> bool:
    return any(
        name.lower() in ("https_proxy", "http_proxy", "all_proxy") and value
        for name, value in os.environ.items()
    )
