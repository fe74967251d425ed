# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about pods: what they use, and why their containers end.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import percent
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    number_text,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case


def cpu(case: Case) -> list[dict[str, t.Any]]:
    """A container uses nearly all CPU that its limit allows; nothing where it has no limit."""
    window, threshold = case.options.duration("window"), case.options.ratio("threshold")
    usage = f"rate({case.of_pods('cpu_usage')}[{window}])"
    return [
        case.alert(
            "CpuNearLimit",
            f"{_largest(case, usage)}\n"
            f"  / {_largest(case, case.of_pods('cpu_limit'))} > {number_text(threshold)}",
            f"{_container(case)} uses {{{{ $value | humanizePercentage }}}} of its CPU limit"
            f" (alert limit {percent(threshold)})",
        )
    ]


def memory(case: Case) -> list[dict[str, t.Any]]:
    """A container uses nearly all memory that its limit allows."""
    threshold = case.options.ratio("threshold")
    return [
        case.alert(
            "MemoryNearLimit",
            f"{_memory_ratio(case)} > {number_text(threshold)}",
            f"{_container(case)} uses {{{{ $value | humanizePercentage }}}} of its memory limit"
            f" (alert limit {percent(threshold)})",
        )
    ]


def memory_growth(case: Case) -> list[dict[str, t.Any]]:
    """A container's memory grows such that it will reach its limit soon.

    ``minimum`` keeps a process that has just started, and grows fast, from being mistaken for
    one that leaks.
    """
    window, horizon = case.options.duration("window"), case.options.number("horizon")
    usage, limit = case.of_pods("memory_usage"), case.of_pods("memory_limit")
    growth = f"deriv({usage}[{window}])"
    return [
        case.alert(
            "MemoryWillReachLimit",
            f"({_largest(case, limit)}\n"
            f"  - {_largest(case, usage)})\n"
            f"  / ({_largest(case, growth)} > 0) < {number_text(horizon)}\n"
            f"and {_memory_ratio(case)} > {number_text(case.options.ratio('minimum'))}",
            f"memory of {_container(case)} grows and reaches its limit in"
            f" {{{{ $value | humanizeDuration }}}}",
        )
    ]


def crash_loop(case: Case) -> list[dict[str, t.Any]]:
    """A container keeps ending; the kubelet waits longer and longer before it starts it again."""
    window = case.options.duration("window")
    waiting = f"max_over_time({case.of_pods('crash_loops')}[{window}])"
    return [
        case.alert(
            "CrashLoop",
            # It waits and runs in turns: it counts whether it waited at any time of the window.
            f"{_largest(case, case.of_pods('restarts'))}\n"
            f"and on ({_by(case)}) {_largest(case, waiting)} >= 1",
            f"{_container(case)} is in a crash loop and has restarted {{{{ $value }}}} times",
        )
    ]


def oom_kill(case: Case) -> list[dict[str, t.Any]]:
    """A container was killed for its memory, and restarted."""
    window = case.options.duration("window")
    restarts = f"increase({case.of_pods('restarts')}[{window}])"
    return [
        case.alert(
            "OomKilled",
            f"{_largest(case, restarts)} > 0\n"
            f"and on ({_by(case)}) {_largest(case, case.of_pods('oom_kills'))} >= 1",
            f"{_container(case)} ran out of memory and was killed,"
            f" {{{{ $value | printf `%.0f` }}}} times within {window}",
        )
    ]


def _memory_ratio(case: Case) -> str:
    usage, limit = case.of_pods("memory_usage"), case.of_pods("memory_limit")
    return f"{_largest(case, usage)}\n  / {_largest(case, limit)}"


def _by(case: Case) -> str:
    return f"{case.label('pod')}, {case.label('container')}"


def _largest(case: Case, expression: str) -> str:
    """One value per container, however many series tell of it."""
    return f"max by ({_by(case)}) ({expression})"


def _container(case: Case) -> str:
    pod, container = case.label("pod"), case.label("container")
    return f"container {{{{ $labels.{container} }}}} of pod {{{{ $labels.{pod} }}}}"
