# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Websockets to the API server, with the same credentials as all other requests.

Made here and not by ``kubernetes.stream``, which leaves out the headers of impersonation: a command
would then run with the rights of another user.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    MissingLibrary,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.plain_credentials import (
    PlainConfiguration,
)

# https://kubernetes.io/docs/reference/using-api/ has the API server speak it since 1.0.
PROTOCOL = "v4.channel.k8s.io"


def open_websocket(
    configuration: t.Any, headers: t.Any, url: str, subject: str, seconds: float
) -> t.Any:
    """Connect; ``seconds`` bounds this and every wait for data.

    Raises ApiError where the server answers no, Unreachable, or MissingLibrary.
    """
    try:
        import websocket
    except ImportError as error:
        raise MissingLibrary(
            "Python package websocket-client",
            f"cannot be imported ({error})",
            "Install it where the module runs: pip install websocket-client",
        ) from error
    # The library writes these itself, and a second Accept is of no use to it.
    own = ("accept", "user-agent")
    lines = [f"{name}: {value}" for name, value in headers.iteritems() if name.lower() not in own]
    try:
        return websocket.create_connection(
            re.sub("^http", "ws", url),
            timeout=seconds,
            header=lines,
            subprotocols=[PROTOCOL],
            sslopt=_tls_options(configuration),
            **_proxy_options(configuration),
        )
    except websocket.WebSocketBadStatusException as error:
        body = getattr(error, "resp_body", None) or b""
        raise ApiError.from_response(
            subject, int(error.status_code), _decoded(body) or str(error)
        ) from error
    except (OSError, websocket.WebSocketException) as error:
        raise Unreachable(
            subject, f"no websocket to the API server ({error})", "Check what is between"
        ) from error


def _tls_options(configuration: t.Any) -> dict[str, t.Any]:
    if isinstance(configuration, PlainConfiguration):
        options: dict[str, t.Any] = {"context": configuration.tls}
        if configuration.tls_server_name:
            options["server_hostname"] = configuration.tls_server_name
        return options
    import ssl

    verifies = bool(configuration.verify_ssl)
    return {
        "cert_reqs": ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE,
        "check_hostname": verifies,
        "ca_certs": configuration.ssl_ca_cert,
        "certfile": configuration.cert_file,
        "keyfile": configuration.key_file,
    }


def _proxy_options(configuration: t.Any) -> dict[str, t.Any]:
    proxy = getattr(configuration, "proxy", None)
    if not proxy:
        return {}
    from urllib.parse import urlsplit

    parts = urlsplit(proxy)
    if not parts.hostname:
        raise RecoveryError("proxy", f"{proxy!r} is no address", "Write it as http://host:port")
    return {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port,
        "proxy_type": "http",
    }


def _decoded(body: bytes) -> t.Any:
    import json

    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
