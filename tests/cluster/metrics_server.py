# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small server of ``metrics.k8s.io``, for ``kubectl top`` and autoscalers; a program of its own.

The numbers are the kubelets' own (``stats/summary``), read through the API server when asked. It
stands in for the project metrics-server, whose image cannot be had without a registry.

It runs beside the cluster. The API server finds it by a Service of type ExternalName, which needs
neither kube-proxy nor DNS, and verifies its certificate. It answers only to the API server, known
by the client certificate of its aggregation layer; whether a user may read metrics is decided
there, before a request comes here.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import re
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

GROUP = "metrics.k8s.io"
VERSION = f"{GROUP}/v1beta1"
ROOT = f"/apis/{VERSION}"
USER = "system:metrics-server"
SERVICE = "recovery-metrics"
NAMESPACE = "kube-system"
# What the API server expects in the certificate of this server.
SERVER_NAME = f"{SERVICE}.{NAMESPACE}.svc"

FRESH_SECONDS = 2.0
# Roughly what the kubelet's CPU rate is an average of.
WINDOW = "10s"
_NODES_AT_ONCE = 8
_TIMEOUT_SECONDS = 10.0
_OPENAPI_PATH = "/openapi/v2"
_SELECTORS: tuple[str, ...] = ("labelSelector", "fieldSelector")

Object = dict[str, Any]
Fetch = Callable[[str], Object]
"""The API server's answer to a path; raises OSError or HTTPException."""


def registration(address: str, port: int, authority: Path) -> list[Object]:
    """The objects that tell the API server where this server is, and allow it to read.

    :param address: as the API server reaches it.
    :param authority: certificate of the authority that signed this server's, for SERVER_NAME.
    """
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": address},
    }
    api_service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta1.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": SERVICE, "namespace": NAMESPACE, "port": port},
            "caBundle": base64.b64encode(authority.read_bytes()).decode(),
        },
    }
    return [*_permissions(), service, api_service]


def _permissions() -> list[Object]:
    api = "rbac.authorization.k8s.io"
    role = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]},
        ],
    }
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": api, "kind": "User", "name": USER}],
    }
    return [role, binding]


class ApiServer:
    """Reads from the API server as the client of a certificate."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._address = urlsplit(url).netloc
        self._context = context

    def __call__(self, path: str) -> Object:
        connection = http.client.HTTPSConnection(
            self._address, context=self._context, timeout=_TIMEOUT_SECONDS
        )
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise http.client.HTTPException(f"{path}: HTTP {answer.status}")
            found: Object = json.load(answer)
        return found


class Readings:
    """The latest numbers of all nodes and their pods, as objects of ``metrics.k8s.io``."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._summaries: list[Object] = []

    def nodes(self, selectors: dict[str, str]) -> list[Object]:
        """NodeMetrics of the nodes that ``labelSelector`` and ``fieldSelector`` select."""
        chosen = self._selected("/api/v1/nodes", selectors)
        found = [node_metrics(summary) for summary in self._fresh_summaries()]
        return [metrics for metrics in found if metrics and _key(metrics) in chosen]

    def pods(self, namespace: str, selectors: dict[str, str]) -> list[Object]:
        """PodMetrics of the selected pods in a namespace, or in all when it is empty."""
        path = f"/api/v1/namespaces/{quote(namespace)}/pods" if namespace else "/api/v1/pods"
        chosen = self._selected(path, selectors)
        found = [pod for summary in self._fresh_summaries() for pod in pod_metrics(summary)]
        return [metrics for metrics in found if _key(metrics) in chosen]

    def _selected(self, path: str, selectors: dict[str, str]) -> dict[tuple[str, str], Object]:
        # The API server itself applies selectors, so all that it understands works here as well.
        query = f"?{urlencode(selectors)}" if selectors else ""
        return {_key(item): item for item in self._fetch(path + query)["items"]}

    def _fresh_summaries(self) -> list[Object]:
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                nodes = self._fetch("/api/v1/nodes")["items"]
                with ThreadPoolExecutor(_NODES_AT_ONCE) as pool:
                    read = pool.map(self._summary_of, [node["metadata"]["name"] for node in nodes])
                    self._summaries = [summary for summary in read if summary]
                self._read_at = time.monotonic()
            return self._summaries

    def _summary_of(self, node: str) -> Object | None:
        """A node's readings; None when its kubelet does not answer."""
        try:
            return self._fetch(f"/api/v1/nodes/{quote(node)}/proxy/stats/summary")
        except (OSError, ValueError, http.client.HTTPException) as error:
            print(f"no readings from node {node}: {error}", file=sys.stderr, flush=True)
            return None


def node_metrics(summary: Object) -> Object | None:
    """NodeMetrics out of a kubelet's summary; None before its first reading."""
    node = summary["node"]
    usage = _usage(node)
    if usage is None:
        return None
    return {**_head("NodeMetrics", {"name": node["nodeName"]}, node), "usage": usage}


def pod_metrics(summary: Object) -> Iterator[Object]:
    """PodMetrics out of a kubelet's summary, of the pods whose containers all have readings."""
    for pod in summary.get("pods", []):
        containers = pod.get("containers", [])
        usages = [_usage(container) for container in containers]
        if not usages or None in usages:
            continue
        metadata = {key: pod["podRef"][key] for key in ("name", "namespace")}
        yield {
            **_head("PodMetrics", metadata, containers[0]),
            "containers": [
                {"name": container["name"], "usage": usage}
                for container, usage in zip(containers, usages, strict=True)
            ],
        }


def _usage(reading: Object) -> Object | None:
    cpu = reading.get("cpu", {}).get("usageNanoCores")
    memory = reading.get("memory", {}).get("workingSetBytes")
    if cpu is None or memory is None:
        return None
    return {"cpu": f"{cpu}n", "memory": f"{memory // 1024}Ki"}


def _head(kind: str, metadata: Object, reading: Object) -> Object:
    timestamp = reading["cpu"]["time"]
    return {
        "kind": kind,
        "apiVersion": VERSION,
        "metadata": {**metadata, "creationTimestamp": timestamp},
        "timestamp": timestamp,
        "window": WINDOW,
    }


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


_NODES = re.compile(rf"{ROOT}/nodes(?:/(?P<name>[^/]+))?")
_PODS = re.compile(rf"{ROOT}(?:/namespaces/(?P<namespace>[^/]+))?/pods(?:/(?P<name>[^/]+))?")


def answer(readings: Readings, target: str) -> tuple[HTTPStatus, Object]:
    """The answer to a GET of ``target``, a path with an optional query."""
    parts = urlsplit(target)
    query = parse_qs(parts.query)
    selectors = {key: query[key][0] for key in _SELECTORS if key in query}
    if parts.path == ROOT:
        return HTTPStatus.OK, _resources()
    if parts.path == _OPENAPI_PATH:
        return HTTPStatus.OK, {
            "swagger": "2.0",
            "info": {"title": GROUP, "version": "v1beta1"},
            "paths": {},
        }
    if match := _NODES.fullmatch(parts.path):
        return _one_or_list("NodeMetrics", readings.nodes(selectors), match["name"])
    if match := _PODS.fullmatch(parts.path):
        found = readings.pods(unquote(match["namespace"] or ""), selectors)
        return _one_or_list("PodMetrics", found, match["name"])
    return _not_found(f"there is no {parts.path} in {VERSION}")


def _one_or_list(kind: str, found: list[Object], name: str | None) -> tuple[HTTPStatus, Object]:
    if name is None:
        head = {"kind": f"{kind}List", "apiVersion": VERSION, "metadata": {}}
        return HTTPStatus.OK, {**head, "items": found}
    name = unquote(name)
    for metrics in found:
        if metrics["metadata"]["name"] == name:
            return HTTPStatus.OK, metrics
    return _not_found(f"there are no readings of {name} (yet)")


def _not_found(message: str) -> tuple[HTTPStatus, Object]:
    return HTTPStatus.NOT_FOUND, _failure(HTTPStatus.NOT_FOUND, "NotFound", message)


def _failure(status: HTTPStatus, reason: str, message: str) -> Object:
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**head, "reason": reason, "message": message, "code": status.value}


def _resources() -> Object:
    def resource(name: str, kind: str, namespaced: bool) -> Object:
        head = {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind}
        return {**head, "verbs": ["get", "list"]}

    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": VERSION,
        "resources": [
            resource("nodes", "NodeMetrics", namespaced=False),
            resource("pods", "PodMetrics", namespaced=True),
        ],
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    # Buffered, so that headers and body leave in one packet.
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        if not self._is_from_api_server():
            message = "ask the API server, which asks this server"
            self._send(HTTPStatus.FORBIDDEN, _failure(HTTPStatus.FORBIDDEN, "Forbidden", message))
            return
        try:
            status, body = answer(self.server.readings, self.path)
        except (OSError, ValueError, http.client.HTTPException) as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            body = _failure(status, "ServiceUnavailable", f"the API server gave no answer: {error}")
        self._send(status, body)

    def _is_from_api_server(self) -> bool:
        certificate = self.connection.getpeercert()
        subject = dict(pair for part in certificate["subject"] for pair in part)
        return bool(subject.get("commonName") == self.server.client_name)

    def _send(self, status: HTTPStatus, body: Object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Only trouble is logged; the API server asks every few seconds."""


class Server(ThreadingHTTPServer):
    """:param client_name: the common name in the API server's client certificate."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, client_name: str, fetch: Fetch
    ) -> None:
        super().__init__(address, Handler)
        self.client_name = client_name
        self.readings = Readings(fetch)
        # The handshake is left to the connection's own thread, where a slow client holds up nobody.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: object, client_address: object) -> None:
        print(f"{client_address}: {sys.exc_info()[1]}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the API server's URL")
    parser.add_argument("--authority", required=True, help="certificate to trust on both sides")
    parser.add_argument("--certificate", required=True, help="to log in with, and to serve with")
    parser.add_argument("--key", required=True)
    parser.add_argument("--client-name", required=True, help="common name of the only client")
    parser.add_argument("--address", default="127.0.0.1", help="to listen on")
    parser.add_argument("--port", required=True, type=int)
    options = parser.parse_args()
    client = ssl.create_default_context(cafile=options.authority)
    client.load_cert_chain(options.certificate, options.key)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.authority)
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.load_cert_chain(options.certificate, options.key)
    address = (options.address, options.port)
    Server(address, serving, options.client_name, ApiServer(options.server, client)).serve_forever()


if __name__ == "__main__":
    main()
