# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A case: one workload that is asked to roll back, and all that is known about it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import (
    NOTHING_READ,
    Facts,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import (
    Record,
    record_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    Revision,
    current_revision,
    is_template_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
    reference_to,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.target import (
    LAST_GOOD,
    Choice,
    NoTarget,
    choose_target,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Case:
    """A workload, its revisions as they were read, what is asked, and what guards look at."""

    workload: Mapping[str, t.Any]
    revisions: Sequence[Revision]
    request: UndoRequest
    facts: Facts = NOTHING_READ

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
    def choice(self) -> Choice:
        """Raises NoTarget."""
        return choose_target(str(self.reference), self.workload, self.revisions, self.request)

    @property
    def target(self) -> Revision:
        """Raises NoTarget."""
        return self.choice.revision

    @property
    def has_target(self) -> bool:
        try:
            return bool(self.target)
        except NoTarget:
            return False

    @property
    def is_done_already(self) -> bool:
        """True where nothing is left to do: it has the target's template, or was rolled back."""
        return bool(self.done_before) or (
            self.has_target and is_template_of(self.target, self.workload)
        )

    @functools.cached_property
    def done_before(self) -> Record | None:
        """The rollback that this request repeats, where what it went to is what still runs.

        Without this, a run that was killed and started again would go back once more.
        """
        record = record_of(self.workload)
        if not record or not self.current:
            return None
        generation = self.workload["metadata"]["generation"]
        if record.to_hash != self.current.hash and record.generation != generation:
            return None
        asked = self.request
        if asked.to_revision or not (asked.incident or asked.target == LAST_GOOD):
            return None
        return record if not asked.incident or asked.incident == record.incident else None

    @property
    def left_before(self) -> Revision | None:
        """The revision that ``done_before`` left, if the history still has it."""
        record = self.done_before
        return next((r for r in self.revisions if record and r.hash == record.from_hash), None)
