# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reached the API server, from its audit log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster

OURS = "oncall.recovery"
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# The API server writes the line before it answers, but a watch's only when it ends.
_SETTLE_SECONDS = 0.3


class Requests:
    """Requests of the collection's modules, filled in when the block ends."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    @property
    def writes(self) -> list[dict[str, Any]]:
        """Those that store something, unless they were dry runs."""
        return [r for r in self.all if r["verb"] in WRITES and "dryRun" not in r["requestURI"]]

    @property
    def dry_runs(self) -> list[dict[str, Any]]:
        return [r for r in self.all if "dryRun=All" in r["requestURI"]]

    @property
    def verbs(self) -> list[str]:
        return [request["verb"] for request in self.all]


@contextmanager
def requests_to(cluster: Cluster, namespace: str) -> Iterator[Requests]:
    """Notes what modules ask the API server about a namespace while the block runs."""
    if cluster.audit_log is None:
        pytest.skip("the provider shows no audit log")
    requests = Requests()
    start = cluster.audit_log.stat().st_size
    yield requests
    time.sleep(_SETTLE_SECONDS)
    requests.all = list(_ours(cluster.audit_log, start, namespace))


def _ours(log: Path, start: int, namespace: str) -> Iterator[dict[str, Any]]:
    with log.open("rb") as stream:
        stream.seek(start)
        for line in stream:
            entry = json.loads(line)
            asked_about = entry.get("objectRef", {}).get("namespace")
            if OURS in entry.get("userAgent", "") and asked_about == namespace:
                yield entry
