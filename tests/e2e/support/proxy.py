# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback between a module and the real API server, for trouble at a chosen moment."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
import yaml
from kubernetes.client import Configuration
from kubernetes.config.kube_config import KubeConfigLoader

Hook = Callable[[str, str], None]
"""Called with the method and the path of each request before it is passed on."""


@contextmanager
def proxy_to(kubeconfig: Path, before: Hook) -> Iterator[str]:
    """The URL of a proxy that passes everything on with the rights of ``kubeconfig``."""
    upstream = _pool(kubeconfig)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, before))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
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


def _handler(upstream: urllib3.HTTPSConnectionPool, before: Hook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

        def _pass_on(self) -> None:
            before(self.command, self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
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

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    return Handler
