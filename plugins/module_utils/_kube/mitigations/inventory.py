# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mitigations are in force, out of the ledgers and the live objects.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.filter import (
    Filter,
    is_expired,
    read_ledgers,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    Resources,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.outcome import (
    field_as_result,
    shown,
    values_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.plan import (
    read_objects,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    read_at,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import (
    Stack,
    in_force,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import TIME_FORMAT

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
        Entry,
    )

    Object = Mapping[str, t.Any]


def read_mitigations(
    client: Client, namespaces: Sequence[str] | None, chosen: Filter
) -> tuple[dict[str, t.Any], list[str]]:
    """The mitigations that ``chosen`` matches in these namespaces, or (None) in all, and warnings.

    Raises RecoveryError where a ledger cannot be read.
    """
    books = {}
    for namespace in [None] if namespaces is None else dict.fromkeys(namespaces):
        books.update(read_ledgers(client, namespace))
    now = client.now().strftime(TIME_FORMAT)
    entries = [
        entry
        for book in books.values()
        for entry in book.entries.values()
        if chosen.matches(entry, now)
    ]
    lives = read_objects(client, Resources(client), (e.field.reference for e in entries))
    warnings = [error.message for book in books.values() for error in book.unreadable]
    warnings += [live.message for live in lives.values() if isinstance(live, RecoveryError)]
    by_mitigation: dict[tuple[str, str], list[dict[str, t.Any]]] = {}
    stories: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda e: (e.field.reference, e.field.path, e.sequence)):
        key = (entry.mitigation, entry.field.reference.namespace)
        stack = books[key[1]].stack(entry.field.slot)
        told = _field(entry, stack, lives[entry.field.reference])
        by_mitigation.setdefault(key, []).append(told)
        stories.setdefault(key, entry)
    found = [_mitigation(stories[key], by_mitigation[key], now) for key in sorted(by_mitigation)]
    return {"mitigations": found}, warnings


def _mitigation(entry: Entry, fields: Sequence[dict[str, t.Any]], now: str) -> dict[str, t.Any]:
    told = dataclasses.asdict(entry.story)
    del told["expires_in"]
    overwritten = [field["is_overwritten"] for field in fields]
    return {
        "name": entry.mitigation,
        "namespace": entry.field.reference.namespace,
        **{name: text or None for name, text in told.items()},
        "expired": is_expired(entry.story.until, now),
        "is_overwritten": True if True in overwritten else None if None in overwritten else False,
        "fields": list(fields),
    }


def _field(entry: Entry, stack: Stack, live: Object | RecoveryError | None) -> dict[str, t.Any]:
    above = stack[stack.index(entry) + 1 :]
    covering = [other.mitigation for other in above if other.field.place == entry.field.place]
    return {
        **field_as_result(entry.field),
        **{name: shown(entry.field, value) for name, value in values_of(entry).items()},
        "is_overwritten": _is_overwritten(entry, stack, live),
        "covered_by": covering[-1] if covering else None,
    }


def _is_overwritten(entry: Entry, stack: Stack, live: Object | RecoveryError | None) -> bool | None:
    """Whether the live value is another's; None where it could not be read."""
    if isinstance(live, RecoveryError):
        return None
    if live is None or live["metadata"]["uid"] != entry.field.uid:
        return True
    found = read_at(live, entry.field.tokens)
    effective = in_force(stack, found)
    if effective is not None:
        return entry.key not in {other.key for other in effective}
    if not entry.field.place:
        return True
    return bool(entry.inside_or_absent(found) != entry.inside_or_absent(stack[-1].after))
