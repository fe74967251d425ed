# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks before a rollback: each passes, warns or blocks, and says why.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    Revision,
    current_revision,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
    reference_to,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.target import (
    NoTarget,
    choose_target,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PASS, WARN, BLOCK = "pass", "warn", "block"


@dataclasses.dataclass(frozen=True)
class GuardResult:
    """What a guard found; ``detail`` is a sentence that a person can act on."""

    name: str
    outcome: str
    detail: str

    def as_result(self) -> dict[str, str]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Case:
    """One workload that is asked to roll back, with its revisions as they were read."""

    workload: Mapping[str, t.Any]
    revisions: Sequence[Revision]
    to_revision: int

    @property
    def reference(self) -> WorkloadReference:
        return reference_to(self.workload)

    @property
    def is_paused(self) -> bool:
        return bool(self.workload["spec"].get("paused"))

    @functools.cached_property
    def current(self) -> Revision | None:
        """The revision of the present template, once its controller has caught up with it."""
        current = current_revision(self.workload, self.revisions)
        if current and current.number == max(r.number for r in self.revisions):
            return current
        return None

    @functools.cached_property
    def target(self) -> Revision:
        """Raises NoTarget."""
        return choose_target(str(self.reference), self.revisions, self.to_revision)


def not_paused(case: Case) -> tuple[str, str]:
    """A paused Deployment would take the template and not roll it out; kubectl refuses, too."""
    if case.is_paused:
        return BLOCK, "it is paused. Resume it first: kubectl rollout resume"
    return PASS, "it is not paused"


def controller_caught_up(case: Case) -> tuple[str, str]:
    """Before the newest template has its revision, "previous" is one revision too far back."""
    if case.current is None:
        return BLOCK, (
            "its controller has not yet made a revision of the newest template. "
            "Check that kube-controller-manager runs, then try again"
        )
    return PASS, f"its newest template is revision {case.current.number}"


def target_exists(case: Case) -> tuple[str, str]:
    try:
        return PASS, f"revision {case.target.number} is in its history"
    except NoTarget as error:
        return BLOCK, error.message.partition(": ")[2]


# In the order in which they are asked; the first that blocks is the last that is asked.
GUARDS: tuple[tuple[str, Callable[[Case], tuple[str, str]]], ...] = (
    ("paused", not_paused),
    ("controller_caught_up", controller_caught_up),
    ("target_exists", target_exists),
)


def ask_guards(case: Case) -> list[GuardResult]:
    """Ask the guards in order until one blocks; return all that were asked."""
    results: list[GuardResult] = []
    for name, guard in GUARDS:
        outcome, detail = guard(case)
        results.append(GuardResult(name, outcome, detail))
        if outcome == BLOCK:
            break
    return results
