# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to what the shop depends on: an upstream API and a database.

A new kind of database is one function and one line in ``DATABASES``.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, urlsplit

from .metrics import Metrics
from .settings import Settings

POSTGRESQL_PORT = 5432
# PostgreSQL's SSLRequest: the message's length and a code that no protocol version uses.
POSTGRESQL_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
# A proxy from the environment has no business inside of a cluster.
_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DependencyError(Exception):
    """A dependency did not do its part; ``result`` is the metric's label for how."""

    def __init__(self, dependency: str, result: str, detail: str) -> None:
        super().__init__(f"{dependency}: {detail}")
        self.result = result


def ask_upstream(settings: Settings, metrics: Metrics) -> dict[str, object]:
    """A quote from the upstream API or its fallback; raises DependencyError."""
    if settings.upstream_fallback == "always":
        return _fetch("fallback", settings.upstream_fallback_url, settings, metrics)
    try:
        return _fetch("upstream", settings.upstream_url, settings, metrics)
    except DependencyError:
        if settings.upstream_fallback == "never":
            raise
        return _fetch("fallback", settings.upstream_fallback_url, settings, metrics)


def ask_database(settings: Settings, metrics: Metrics) -> dict[str, object]:
    """What the database says; raises DependencyError."""
    with _measured("database", metrics):
        url = urlsplit(settings.database_url)
        ask = DATABASES.get(url.scheme)
        if ask is None:
            raise ValueError(f"no kind of database is called {url.scheme!r}")
        time.sleep(settings.fault_query_delay_seconds)
        return ask(url, settings.database_timeout_seconds)


@contextlib.contextmanager
def _measured(dependency: str, metrics: Metrics) -> Iterator[None]:
    """Count and time a call, and turn what can go wrong into a DependencyError."""
    started = time.monotonic()
    result = "ok"
    try:
        yield
    except (OSError, ValueError, sqlite3.Error) as error:
        result = _kind_of(error)
        raise DependencyError(dependency, result, str(error)) from error
    finally:
        metrics.dependency_requests.increase(dependency, result)
        metrics.dependency_latency.observe(time.monotonic() - started, dependency)


def _kind_of(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(error, urllib.error.HTTPError):
        return f"http_{error.code}"
    if isinstance(reason, TimeoutError):
        return "timeout"
    if isinstance(reason, ConnectionRefusedError):
        return "refused"
    return "error"


def _fetch(
    dependency: str, base_url: str, settings: Settings, metrics: Metrics
) -> dict[str, object]:
    with _measured(dependency, metrics):
        if urlsplit(base_url).scheme != "http":
            raise ValueError("its URL is not set to one that begins with http://")
        url = f"{base_url.rstrip('/')}/quote"
        with _WITHOUT_PROXY.open(url, timeout=settings.upstream_timeout_seconds) as answer:
            return {"source": dependency, **json.load(answer)}


def _ask_sqlite(url: SplitResult, timeout: float) -> dict[str, object]:
    """``sqlite:////path/of/file``: the number of orders in a table made on first use."""
    with contextlib.closing(sqlite3.connect(url.path, timeout=timeout)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)")
        (count,) = connection.execute("SELECT count(*) FROM orders").fetchone()
    return {"orders": count}


def _ask_postgresql(url: SplitResult, timeout: float) -> dict[str, object]:
    """Whether a PostgreSQL server answers there. No log-in, no query: that needs a driver."""
    address = (url.hostname or "", url.port or POSTGRESQL_PORT)
    with socket.create_connection(address, timeout=timeout) as connection:
        connection.sendall(POSTGRESQL_SSL_REQUEST)
        answer = connection.recv(1)
    if answer not in (b"S", b"N"):
        raise ValueError("what answers there is not a PostgreSQL server")
    return {"reachable": True}


DATABASES: dict[str, Callable[[SplitResult, float], dict[str, object]]] = {
    "sqlite": _ask_sqlite,
    "postgresql": _ask_postgresql,
}
