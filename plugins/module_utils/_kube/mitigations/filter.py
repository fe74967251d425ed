# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mitigations are meant, and the ledgers that know of them.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube import ledger
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import (
    Book,
    book_of,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
        Entry,
    )


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which mitigations are meant; an empty ``name`` or ``incident`` means all."""

    name: str = ""
    incident: str = ""
    expired: bool = False

    def matches(self, entry: Entry, now: str) -> bool:
        """``now`` is in UTC, written as the ledger writes times."""
        story = entry.story
        return (
            self.name in ("", entry.mitigation)
            and self.incident in ("", story.incident)
            and (not self.expired or is_expired(story.until, now))
        )


def is_expired(until: str, now: str) -> bool:
    # Times of one format and zone are in the order of their text.
    return bool(until) and until <= now


def read_ledgers(client: Client, namespace: str | None) -> dict[str, Book]:
    """The ledgers of a namespace, or (None) of all that have one. Raises RecoveryError."""
    if namespace is not None:
        return {namespace: book_of(client, namespace, ledger.read(client, namespace))}
    found = {live["metadata"]["namespace"]: live for live in ledger.read_all(client)}
    names = sorted(found)
    books = client.side_by_side(lambda name: book_of(client, name, found[name]), names)
    return dict(zip(names, books, strict=True))
