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


@dataclasses.dataclass(frozen=True)
class Record:
    """The last rollback of a workload. Revisions are kept by hash, since their numbers move.

    ``at`` is in UTC. The Deployment controller copies annotations to ReplicaSets, and ``kubectl
    rollout undo`` copies them back, so a record may be older than what runs: it speaks of the
    present only where ``to_hash`` is that of the present revision.
    """

    incident: str
    is_automatic: bool
    at: datetime.datetime
    from_hash: str
    to_hash: str

    def as_annotation(self) -> str:
        return json.dumps(
            {
                "incident": self.incident,
                "automatic": self.is_automatic,
                "at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "from": self.from_hash,
                "to": self.to_hash,
            }
        )


def new_record(incident: str, is_automatic: bool, source: Revision, target: Revision) -> Record:
    """The record of a rollback that is about to be done."""
    return Record(incident, is_automatic, now(), source.hash, target.hash)


def record_of(workload: Mapping[str, t.Any]) -> Record | None:
    """The record on a workload; None where there is none, or one that is not ours to read."""
    text = (workload["metadata"].get("annotations") or {}).get(RECORD_ANNOTATION)
    try:
        noted = json.loads(text or "")
        return Record(
            str(noted["incident"]),
            bool(noted["automatic"]),
            datetime.datetime.strptime(noted["at"], "%Y-%m-%dT%H:%M:%S%z"),
            str(noted["from"]),
            str(noted["to"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
