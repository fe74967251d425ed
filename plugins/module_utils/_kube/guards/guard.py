# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guard is: a check before a rollback that passes, warns or blocks, and says why.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing

PASS, WARN, BLOCK = "pass", "warn", "block"

# The outcome and a sentence, without its full stop, that a person can act on.
Answer = tuple[str, str]


def _needs_nothing(_case: Case) -> Iterable[Listing]:
    return ()


@dataclasses.dataclass(frozen=True)
class Guard:
    """``ask`` is pure; what it looks at beside the workload is what ``needs`` lists for a case.

    ``ask`` may raise RecoveryError where that could not be read. A guard that is not
    overridable leaves nothing to do where it blocks.
    """

    name: str
    ask: Callable[[Case], Answer]
    needs: Callable[[Case], Iterable[Listing]] = _needs_nothing
    is_overridable: bool = True


@dataclasses.dataclass(frozen=True)
class GuardResult:
    """What a guard found."""

    name: str
    outcome: str
    detail: str

    def as_result(self) -> dict[str, str]:
        return dataclasses.asdict(self)
