# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of all workloads of one call, in the shape that modules return.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TOLD = 3


class WorkloadResult(t.Protocol):
    """What became of one workload."""

    @property
    def is_changed(self) -> bool:
        """Whether it is, or in check mode would be, another than before."""

    @property
    def failure(self) -> str:
        """One message, or nothing where all went well."""

    def as_result(self) -> dict[str, t.Any]:
        """What the caller gets of it."""

    def as_diff(self) -> dict[str, t.Any] | None:
        """Before and after for ``--diff``, where it was changed."""


@dataclasses.dataclass(frozen=True)
class CallResult:
    """All workloads of one call."""

    workloads: Sequence[WorkloadResult]

    @property
    def failure(self) -> str:
        """One message about everything that did not go well; nothing where all did."""
        failed = [workload.failure for workload in self.workloads if workload.failure]
        more = f"; and {len(failed) - MOST_TOLD} more" if len(failed) > MOST_TOLD else ""
        return "; ".join(failed[:MOST_TOLD]) + more

    def as_result(self, *, with_diff: bool = False) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": any(workload.is_changed for workload in self.workloads),
            "workloads": [workload.as_result() for workload in self.workloads],
        }
        if with_diff:
            result["diff"] = [diff for w in self.workloads if (diff := w.as_diff())]
        return result
