# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells Prometheus which pods to scrape; a program of its own.

Debian builds Prometheus without its Kubernetes discovery. This keeps a file for Prometheus' file
discovery, by a watch on all pods and the usual annotations:

- ``prometheus.io/scrape: "true"``
- ``prometheus.io/port`` (default: the first port that a container names)
- ``prometheus.io/path`` (default: ``/metrics``)

Series carry ``namespace``, ``pod`` and the pod's labels.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_RETRY_SECONDS = 1.0
# The API server ends a watch itself after this; a connection that died silently ends it too.
_WATCH_SECONDS = 300

Pod = dict[str, Any]


def target(pod: Pod) -> dict[str, Any] | None:
    """The entry for Prometheus' file discovery, or None when the pod is not to be scraped now."""
    metadata, status = pod["metadata"], pod.get("status", {})
    annotations = metadata.get("annotations", {})
    port = annotations.get("prometheus.io/port") or _first_port(pod)
    if (
        annotations.get("prometheus.io/scrape") != "true"
        or not status.get("podIP")
        or status.get("phase") in ("Succeeded", "Failed")
        or port is None
    ):
        return None
    labels = {
        re.sub(r"[^a-zA-Z0-9_]", "_", name): value
        for name, value in metadata.get("labels", {}).items()
    }
    labels.update(
        namespace=metadata["namespace"],
        pod=metadata["name"],
        __metrics_path__=annotations.get("prometheus.io/path", "/metrics"),
    )
    return {"targets": [f"{status['podIP']}:{port}"], "labels": labels}


def _first_port(pod: Pod) -> int | None:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            return int(port["containerPort"])
    return None


class ApiServer:
    """Reads pods as the client of a certificate."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._address = urlsplit(url).netloc
        self._context = context

    def list_pods(self) -> tuple[list[Pod], str]:
        """All pods, and the resource version to watch from."""
        with self._get("/api/v1/pods") as response:
            found = json.load(response)
        return found["items"], found["metadata"]["resourceVersion"]

    def watch_pods(self, version: str) -> Iterator[dict[str, Any]]:
        """Watch events until the API server ends the watch."""
        query = f"watch=true&resourceVersion={version}&timeoutSeconds={_WATCH_SECONDS}"
        with self._get(f"/api/v1/pods?{query}") as response:
            for line in response:
                yield json.loads(line)

    def _get(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(
            self._address, context=self._context, timeout=_WATCH_SECONDS + 30
        )
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200:
            raise http.client.HTTPException(f"{path}: HTTP {response.status}")
        return response


class Targets:
    """The file, rewritten whole whenever what it says changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._by_uid: dict[str, dict[str, Any]] = {}
        self._written: str | None = None

    def replace(self, pods: list[Pod]) -> None:
        self._by_uid.clear()
        for pod in pods:
            self._put(pod)
        self._write()

    def follow(self, event: dict[str, Any]) -> None:
        pod = event["object"]
        if event["type"] == "DELETED":
            self._by_uid.pop(pod["metadata"]["uid"], None)
        elif event["type"] in ("ADDED", "MODIFIED"):
            self._put(pod)
        else:
            raise http.client.HTTPException(f"watch ended: {pod.get('message')}")
        self._write()

    def _put(self, pod: Pod) -> None:
        entry = target(pod)
        if entry is None:
            self._by_uid.pop(pod["metadata"]["uid"], None)
        else:
            self._by_uid[pod["metadata"]["uid"]] = entry

    def _write(self) -> None:
        text = json.dumps(list(self._by_uid.values()), indent=2)
        if text == self._written:
            return
        arriving = self._file.with_suffix(".arriving")
        arriving.write_text(text)
        arriving.rename(self._file)
        self._written = text


def keep_until_trouble(server: ApiServer, targets: Targets) -> None:
    """Keeps the file while the API server answers; a watch that ends is trouble, too."""
    try:
        pods, version = server.list_pods()
        targets.replace(pods)
        for event in server.watch_pods(version):
            targets.follow(event)
    except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
        print(f"{error}; trying again", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the API server's URL")
    parser.add_argument("--authority", required=True, help="certificate to trust")
    parser.add_argument("--certificate", required=True, help="to log in with")
    parser.add_argument("--key", required=True)
    parser.add_argument("--to", required=True, type=Path, help="the file to keep")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.authority)
    context.load_cert_chain(options.certificate, options.key)
    server, targets = ApiServer(options.server, context), Targets(options.to)
    while True:
        keep_until_trouble(server, targets)
        time.sleep(_RETRY_SECONDS)


if __name__ == "__main__":
    main()
