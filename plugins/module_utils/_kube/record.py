# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback notes on the workload itself, so that a run that starts again knows of it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision

RECORD_ANNOTATION = "oncall.recovery/rollback"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclasses.dataclass(frozen=True)
class Record:
    """The last rollback of a workload. Revisions are kept by hash, since their numbers move.

    ``at`` is in UTC. The Deployment controller copies annotations to ReplicaSets, and ``kubectl
    rollout undo`` copies them back, so a record may be older than what runs: it speaks of the
    present only where ``to_hash`` is that of the present revision, or ``generation``, the one that
    the rollback made, is the present one: an admission webhook can make another template of the
    one that was sent. ``last_automatic`` is when the
    last automatic rollback was, this one or one before it: a person who acts after an automatic
    run does not end its cooldown.
    """

    incident: str
    is_automatic: bool
    at: datetime.datetime
    from_hash: str
    to_hash: str
    last_automatic: datetime.datetime | None = None
    generation: int = 0

    def as_annotation(self) -> str:
        noted: dict[str, t.Any] = {
            "incident": self.incident,
            "automatic": self.is_automatic,
            "at": self.at.strftime(TIME_FORMAT),
            "from": self.from_hash,
            "to": self.to_hash,
            "generation": self.generation,
        }
        if self.last_automatic:
            noted["last_automatic"] = self.last_automatic.strftime(TIME_FORMAT)
        return json.dumps(noted)


def new_record(
    incident: str,
    is_automatic: bool,
    source: Revision,
    target: Revision,
    at: datetime.datetime,
    generation: int,
    before: Record | None = None,
) -> Record:
    """The record of a rollback that is done now (``at``), in place of the one from ``before``.

    ``generation`` is that of the workload as it was read; the patch is one change on top.
    """
    earlier = before.last_automatic if before else None
    last_automatic = at if is_automatic else earlier
    made = generation + 1
    return Record(incident, is_automatic, at, source.hash, target.hash, last_automatic, made)


def record_of(workload: Mapping[str, t.Any]) -> Record | None:
    """The record on a workload; None where there is none, or one that is not ours to read."""
    text = (workload["metadata"].get("annotations") or {}).get(RECORD_ANNOTATION)
    try:
        noted = json.loads(text or "")
        last_automatic = noted.get("last_automatic")
        return Record(
            str(noted["incident"]),
            bool(noted["automatic"]),
            read_time(noted["at"]),
            str(noted["from"]),
            str(noted["to"]),
            read_time(last_automatic) if last_automatic else None,
            int(noted.get("generation", 0)),
        )
    # Anyone who may edit the workload may have written it: RecursionError is for nested brackets.
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def read_time(text: str) -> datetime.datetime:
    """Raises ValueError or TypeError."""
    return datetime.datetime.strptime(text, TIME_FORMAT).replace(tzinfo=datetime.timezone.utc)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
