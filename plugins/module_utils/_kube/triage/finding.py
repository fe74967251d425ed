# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finding: what is wrong with what, in a sentence, with its evidence.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CRITICAL, WARNING, INFO = "critical", "warning", "info"
SEVERITIES = (CRITICAL, WARNING, INFO)

# The most telling first: what names a cause before what names an effect.
TYPES: dict[str, str] = {
    "image_missing": CRITICAL,
    "config_missing": CRITICAL,
    "oom_killed": CRITICAL,
    "crash_loop": CRITICAL,
    "cannot_start": CRITICAL,
    "quota": CRITICAL,
    "unschedulable": CRITICAL,
    "probe_failing": CRITICAL,
    "not_ready": CRITICAL,
    "rollout_failed": CRITICAL,
    "missing": CRITICAL,
    "credentials_refused": WARNING,
    "node_trouble": WARNING,
    "container_exited": WARNING,
    "node_busy": WARNING,
    "memory_near_limit": WARNING,
    "cpu_near_limit": WARNING,
    "autoscaler_at_limit": WARNING,
    "errors_in_log": WARNING,
    "paused": WARNING,
    "change": INFO,
}
MOST_EVIDENCE = 5


@dataclasses.dataclass
class Finding:
    """``workload`` is its reference, None where it is about none; ``since`` a time or empty."""

    type: str
    message: str
    subject: str
    workload: Mapping[str, str] | None = None
    evidence: list[str] = dataclasses.field(default_factory=list)
    count: int = 1
    since: str = ""

    def as_result(self) -> dict[str, t.Any]:
        return {
            "severity": TYPES[self.type],
            "type": self.type,
            "subject": self.subject,
            "message": self.message,
            "evidence": list(dict.fromkeys(self.evidence))[:MOST_EVIDENCE],
            "count": self.count,
            "since": self.since or None,
            "workload": dict(self.workload) if self.workload else None,
        }


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The most telling first; of one type the one with more behind it, of changes the newest."""
    types = list(TYPES)

    def key(finding: Finding) -> tuple[int, int]:
        return types.index(finding.type), -finding.count

    return sorted(findings, key=key)


def counted(number: int, what: str) -> str:
    """Such as ``1 pod`` and ``2 pods``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def name_of(reference: Mapping[str, str]) -> str:
    return "{kind} {namespace}/{name}".format(**reference)
