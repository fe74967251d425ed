# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as the API server writes them, and words of others that are short enough to show.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._redact import masked_text

if t.TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARACTERS = 300


def moment(text: t.Any) -> datetime.datetime | None:
    """A time of the API server; None where there is none."""
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def is_within(text: t.Any, now: datetime.datetime, seconds: float) -> bool:
    """Whether a time is known and at most that long ago."""
    at = moment(text)
    return at is not None and (now - at).total_seconds() <= seconds


def short(text: t.Any, most: int = MOST_CHARACTERS) -> str:
    """Anybody's text on one line, fit for a terminal, secrets masked, and cut."""
    line = " ".join(str(text or "").split())
    masked = masked_text("".join(letter if letter.isprintable() else "?" for letter in line))
    return masked if len(masked) <= most else f"{masked[: most - 3]}..."


def last_change(metadata: Mapping[str, t.Any], *, without: tuple[str, ...] = ()) -> str:
    """When somebody last changed an object, other than its status, as text that can be compared.

    ``without`` are managers that do not count. Who changed what, and when, is kept per field
    manager since Kubernetes 1.18; without that, it is when the object was made.
    """
    times = [
        str(entry.get("time") or "")
        for entry in metadata.get("managedFields") or []
        if entry.get("subresource") != "status" and entry.get("manager") not in without
    ]
    return max([str(metadata.get("creationTimestamp") or ""), *times])
