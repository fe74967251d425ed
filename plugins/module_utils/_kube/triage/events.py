# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster itself noted about workloads and their pods, in order.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.times import (
    is_within,
    short,
)

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Iterable, Mapping

    Object = Mapping[str, t.Any]

MOST_EVENTS = 60


def described_events(
    events: Iterable[Object],
    uids: Collection[str],
    now: datetime.datetime,
    window: float,
) -> list[dict[str, t.Any]]:
    """The events of the last ``window`` seconds about objects of these UIDs, oldest first.

    Where there are more than MOST_EVENTS, warnings stay, and of each kind the newest.
    """
    found = []
    for event in events:
        about = event.get("involvedObject") or {}
        at = _time_of(event)
        if about.get("uid") in uids and is_within(at, now, window):
            found.append(
                {
                    "at": at,
                    "type": event.get("type") or "",
                    "reason": short(event.get("reason"), 80),
                    "kind": about.get("kind") or "",
                    "namespace": about.get("namespace") or "",
                    "name": about.get("name") or "",
                    "message": short(event.get("message")),
                    "count": int(
                        event.get("count") or (event.get("series") or {}).get("count") or 1
                    ),
                }
            )
    kept = sorted(found, key=lambda event: (event["type"] == "Warning", event["at"]))[-MOST_EVENTS:]
    return sorted(kept, key=lambda event: event["at"])


def _time_of(event: Object) -> str:
    """The last time; which field has it depends on the library that wrote the event."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )
