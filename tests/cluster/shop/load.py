# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of the shop: requests at a steady rate, and what became of them.

Requests start on schedule whether or not earlier ones were answered, as users do. Each opens a
connection of its own and is never retried.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import math
import queue
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ClusterError
from .load_report import NO_ENDPOINT, REFUSED, TIMEOUT, Outcome, Report, summarise
from .targets import EndpointsWatch, Targets, fixed_target

MAX_RATE = 200.0
MAX_SECONDS = 3600.0
MAX_BODY_BYTES = 1024 * 1024
_SPARE_USERS = 8


class LoadGenerator:
    """Sends requests from threads of its own between ``start`` and ``stop``.

    :param targets: gives the addresses (host, port) to spread requests over, asked every time.
    :param path: of the page to ask for.
    :param rate: requests per second.
    :param timeout_seconds: after which a user gives up.
    :raises ClusterError: for a rate that is out of bounds.
    """

    def __init__(
        self, targets: Targets, path: str = "/", rate: float = 20.0, timeout_seconds: float = 2.0
    ) -> None:
        if not 0 < rate <= MAX_RATE:
            raise ClusterError(f"a rate of {rate} per second", f"ask for at most {MAX_RATE:.0f}")
        self._targets = targets
        self._path = path
        self._rate = rate
        self._timeout = timeout_seconds
        # Enough for every request to wait for its time-out.
        self._users = math.ceil(rate * timeout_seconds) + _SPARE_USERS
        self._turn = itertools.count()
        self._due: queue.SimpleQueue[float | None] = queue.SimpleQueue()
        self._outcomes: list[Outcome] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started = 0.0
        self._started_at_unix = 0.0

    def __enter__(self) -> LoadGenerator:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        self._started = time.monotonic()
        self._started_at_unix = time.time()
        jobs = [self._schedule, *[self._be_a_user] * self._users]
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Report:
        """Send no more, wait for the answers under way, and say how it went."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * self._timeout + 1)
        return self.report()

    def report(self) -> Report:
        """How it went until now, without the requests under way."""
        with self._lock:
            outcomes = list(self._outcomes)
        return summarise(outcomes, self._started_at_unix)

    def _schedule(self) -> None:
        for number in range(int(self._rate * MAX_SECONDS)):
            due = number / self._rate
            if self._stopping.wait(max(0.0, self._started + due - time.monotonic())):
                break
            self._due.put(due)
        for _user in range(self._users):
            self._due.put(None)

    def _be_a_user(self) -> None:
        while (due := self._due.get()) is not None:
            failure, served_by = self._ask()
            waited = time.monotonic() - self._started - due
            with self._lock:
                self._outcomes.append(Outcome(due, waited, failure, served_by))

    def _ask(self) -> tuple[str, str]:
        """One request: why it failed ("" if it did not), and what the server calls itself."""
        addresses = self._targets()
        if not addresses:
            return NO_ENDPOINT, ""
        host, port = addresses[next(self._turn) % len(addresses)]
        started = time.monotonic()
        connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        try:
            connection.request("GET", self._path, headers={"Connection": "close"})
            answer = connection.getresponse()
            answer.read(MAX_BODY_BYTES)
        except (OSError, http.client.HTTPException) as error:
            return _reason(error), ""
        finally:
            connection.close()
        # The time-out above is one for each read.
        if time.monotonic() - started > self._timeout:
            return TIMEOUT, ""
        failure = f"http_{answer.status}" if answer.status >= 400 else ""
        return failure, answer.headers.get("Server", "").split(" ")[0]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return REFUSED
    return type(error).__name__


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``run``."""
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--url", help="of one server: on loopback, or a pod of the cluster")
    target.add_argument("--service", help="a Service, whose ready pods are asked in turn")
    parser.add_argument("--namespace", default="shop", help="of the Service")
    parser.add_argument("--kubeconfig", type=Path, help="of the cluster")
    parser.add_argument("--path", default="/", help="page to ask for")
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds until users give up")
    parser.add_argument("--quiet", action="store_true", help="no line per second")


def run(options: argparse.Namespace) -> int:
    """Send requests as asked and print the report as JSON; 0 if nobody saw a failure, else 1.

    :raises ClusterError: for options out of bounds, or an address outside of the cluster.
    """
    if not 0 < options.seconds <= MAX_SECONDS:
        raise ClusterError(f"{options.seconds} seconds", f"ask for at most {MAX_SECONDS:.0f}")
    with contextlib.ExitStack() as stack:
        path = options.path
        if options.url:
            targets = fixed_target(options.url, options.kubeconfig)
            path = urlsplit(options.url).path or path
        elif options.kubeconfig is None:
            raise ClusterError("no cluster to find the Service in", "add --kubeconfig FILE")
        else:
            targets = stack.enter_context(
                EndpointsWatch(options.kubeconfig, options.namespace, options.service)
            )
        load = stack.enter_context(LoadGenerator(targets, path, options.rate, options.timeout))
        _follow(load, options.seconds, options.quiet)
        report = load.stop()
    print(json.dumps(report.as_json(), indent=2))
    return 0 if report.failed == 0 else 1


def _follow(load: LoadGenerator, seconds: float, quiet: bool) -> None:
    """Wait for the end, with a line for every second that is over."""
    end = time.monotonic() + seconds
    shown = 0
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(1.0, left))
        if quiet:
            continue
        over = load.report().seconds[:-1]
        for second in over[shown:]:
            print(f"{second.second:4d} s: {second}", file=sys.stderr, flush=True)
        shown = max(shown, len(over))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.cluster.shop.load", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args(arguments))
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
