# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of locking or unlocking workloads, for results and in words.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import Lock, lease_name
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

MOST_TOLD = 3


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What came of one claim or release. ``lock`` is as it is now, as far as it is known.

    ``is_ours`` and ``is_anothers`` say who holds it; nobody may. ``is_changed`` is False for a
    renewal. ``had_before`` says that we held it already. ``error`` kept it from being done.
    """

    reference: WorkloadReference
    lock: Lock | None = None
    is_ours: bool = False
    is_anothers: bool = False
    is_changed: bool = False
    had_before: bool = False
    error: RecoveryError | None = None

    def as_result(self) -> dict[str, t.Any]:
        held = self.lock is not None and bool(self.lock.holder)
        return {
            **self.reference.as_result(),
            "changed": self.is_changed,
            "lease": lease_name(self.reference),
            "holder": self.lock.holder if self.lock and held else None,
            "until": f"{self.lock.until:%Y-%m-%dT%H:%M:%SZ}" if self.lock and held else None,
            "incident": (self.lock.incident or None) if self.lock and held else None,
            "error": self.error.message if self.error else None,
        }

    def told(self) -> str:
        """Why it is not ours, in words."""
        if self.error:
            return self.error.message
        return f"{self.reference}: {self.lock.told()}" if self.lock else ""


@dataclasses.dataclass(frozen=True)
class LockResult:
    attempts: Sequence[Attempt]
    failure: str = ""

    def as_result(self) -> dict[str, t.Any]:
        return {
            "changed": any(attempt.is_changed for attempt in self.attempts),
            "locks": [attempt.as_result() for attempt in self.attempts],
        }


def failure_of(
    attempts: Sequence[Attempt], missing: Sequence[WorkloadReference], all_or_nothing: bool
) -> str:
    refused = [attempt for attempt in attempts if attempt.error or attempt.is_anothers]
    told = ". ".join(part for part in (told_of(refused), told_missing(missing)) if part)
    if not told or len(attempts) + len(missing) == 1:
        return told
    left = [attempt for attempt in attempts if attempt.is_ours and not attempt.had_before]
    if not all_or_nothing:
        return f"{told}; the others are locked"
    if left:
        return f"{told}; what could not be released again expires by itself"
    return f"{told}; nothing was locked"


def told_of(refused: Sequence[Attempt]) -> str:
    """Why these could not be locked or released, and what to do about it."""
    told = "; ".join(attempt.told() for attempt in refused[:MOST_TOLD])
    more = f"; and {len(refused) - MOST_TOLD} more" if len(refused) > MOST_TOLD else ""
    next_step = ". Ask the holder, or wait" if any(a.is_anothers for a in refused) else ""
    return f"{told}{more}{next_step}"


def told_missing(missing: Sequence[WorkloadReference]) -> str:
    if not missing:
        return ""
    names = ", ".join(str(reference) for reference in missing)
    return f"{names}: there is no such object. Check kind, namespace and name"
