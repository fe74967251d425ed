# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus metrics in the text format 0.0.4. Safe to use from many threads."""

from __future__ import annotations

import bisect
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)

_STARTED_AT = time.time()


class Metric(Protocol):
    name: str
    help: str
    kind: str

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Suffix of the name, labels and value of every series."""


class Counter:
    kind = "counter"

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self._labels = labels
        self._lock = threading.Lock()
        self._values: dict[tuple[str, ...], float] = {}

    def increase(self, *label_values: str) -> None:
        with self._lock:
            self._values[label_values] = self._values.get(label_values, 0.0) + 1.0

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        with self._lock:
            values = dict(self._values)
        for label_values, value in sorted(values.items()):
            yield "", dict(zip(self._labels, label_values, strict=True)), value


class Histogram:
    kind = "histogram"

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self._labels = labels
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, value: float, *label_values: str) -> None:
        with self._lock:
            counts = self._counts.setdefault(label_values, [0] * (len(LATENCY_BUCKETS) + 1))
            counts[bisect.bisect_left(LATENCY_BUCKETS, value)] += 1
            self._sums[label_values] = self._sums.get(label_values, 0.0) + value

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        with self._lock:
            counts_by_labels = {key: list(value) for key, value in self._counts.items()}
            sums = dict(self._sums)
        for label_values, counts in sorted(counts_by_labels.items()):
            labels = dict(zip(self._labels, label_values, strict=True))
            below = 0
            for bound, count in zip((*LATENCY_BUCKETS, float("inf")), counts, strict=True):
                below += count
                yield "_bucket", {**labels, "le": _number(bound)}, below
            yield "_sum", labels, sums[label_values]
            yield "_count", labels, below


class Gauge:
    kind = "gauge"

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        read: Callable[[], float],
        labels: dict[str, str] | None = None,
        kind: str = "gauge",
    ) -> None:
        self.name = name
        self.help = help
        self.kind = kind
        self._read = read
        self._labels = labels or {}

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        yield "", self._labels, self._read()


class Metrics:
    """All metrics of the process."""

    def __init__(self, version: str) -> None:
        self.requests = Counter(
            "http_requests_total", "Requests answered.", ("method", "page", "code")
        )
        self.latency = Histogram(
            "http_request_duration_seconds", "Time until the answer was made.", ("page",)
        )
        self.dependency_requests = Counter(
            "dependency_requests_total", "Calls to other services.", ("dependency", "result")
        )
        self.dependency_latency = Histogram(
            "dependency_request_duration_seconds", "Time of calls to others.", ("dependency",)
        )
        self.cache_requests = Counter("cache_requests_total", "Look-ups in the cache.", ("result",))
        self._all: list[Metric] = [
            self.requests,
            self.latency,
            self.dependency_requests,
            self.dependency_latency,
            self.cache_requests,
            Gauge("shop_build_info", "The release.", lambda: 1.0, {"version": version}),
            *_process_metrics(),
        ]

    def add_gauge(self, name: str, help: str, read: Callable[[], float]) -> None:  # noqa: A002
        self._all.append(Gauge(name, help, read))

    def render(self) -> str:
        lines = []
        for metric in self._all:
            lines.append(f"# HELP {metric.name} {metric.help}")
            lines.append(f"# TYPE {metric.name} {metric.kind}")
            for suffix, labels, value in metric.samples():
                lines.append(f"{metric.name}{suffix}{_label_text(labels)} {_number(value)}")
        return "\n".join(lines) + "\n"


def _process_metrics() -> list[Metric]:
    return [
        Gauge("process_resident_memory_bytes", "Resident memory.", _resident_memory),
        Gauge("process_start_time_seconds", "Start, as Unix time.", lambda: _STARTED_AT),
        Gauge("process_cpu_seconds_total", "CPU time.", _cpu_seconds, kind="counter"),
    ]


def _resident_memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _label_text(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else repr(float(value))
