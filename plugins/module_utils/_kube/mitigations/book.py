# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of one namespace as entries, read and written as a whole.

Values of Secrets are kept in a Secret beside the ledger: it is written first and cleared last, so
that an entry never lacks its values. Whoever is killed in between leaves values without an entry
there; the next write removes them.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube import ledger
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    WHAT,
    Entry,
    from_json,
    to_json,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    SECRET,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import (
    Stack,
    in_order,
    without,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
        Tokens,
    )

    Object = Mapping[str, t.Any]
    Changes: t.TypeAlias = "Mapping[str, Entry | None]"

# The API server refuses a ConfigMap whose content is over 1 MiB.
MOST_BYTES = 1024 * 1024 - 16 * 1024
# Another run may have written its values and not yet its entry.
ORPHANED_AFTER = datetime.timedelta(minutes=10)
SECRETS = "secrets"


class Book:
    """What the ledger of a namespace says. ``unreadable`` are the entries that nobody can use."""

    def __init__(self, namespace: str, live: Object | None, vault: Object | None = None) -> None:
        self.namespace = namespace
        self.live = live
        self.vault = vault
        self.entries: dict[str, Entry] = {}
        self.unreadable: list[RecoveryError] = []
        self.others: dict[str, str] = {}
        for key, text in sorted(self._data.items()):
            self._take(key, text)

    @property
    def _data(self) -> dict[str, str]:
        return dict((self.live or {}).get("data") or {})

    def stack(self, slot: tuple[str, Tokens]) -> Stack:
        """The entries of one field."""
        return in_order(entry for entry in self.entries.values() if entry.field.slot == slot)

    def of_object(self, uid: str) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.field.uid == uid]

    def save(self, client: Client, changes: Changes) -> None:
        """Write entries, and remove those that are None, in the ledger as it was read.

        Raises ApiError with status 409 where somebody else changed it meanwhile, and RecoveryError
        where it is full; then nothing was written.
        """
        written = {key: to_json(entry) if entry else None for key, entry in changes.items()}
        plain = {key: texts[0] if texts else None for key, texts in written.items()}
        secrets = {key: texts[1] for key, texts in written.items() if texts and texts[1]}
        self._require_room({**self._data, **plain}, "configmaps")
        if secrets:
            self.vault = self.vault or ledger.read(client, self.namespace, SECRETS)
            self._save_secrets(client, {**self._orphans(client, set(secrets)), **secrets})
        if plain:
            ledger.write(client, self.namespace, self.live, plain)
        removed = {key: None for key, texts in written.items() if not texts}
        if removed.keys() & _data_of(self.vault).keys():
            self._save_secrets(client, {**self._orphans(client, set()), **removed})

    def _take(self, key: str, text: str) -> None:
        if not key.startswith(f"{WHAT}."):
            self.others[key] = text
            return
        try:
            secret = _data_of(self.vault).get(key, "")
            self.entries[key] = from_json(self.namespace, key, text, _decoded(secret))
        except RecoveryError as error:
            self.unreadable.append(error)

    def _save_secrets(self, client: Client, texts: Mapping[str, str | None]) -> None:
        noted = client.now().isoformat()
        data = {
            key: _encoded(json.dumps({**json.loads(text), "noted": noted})) if text else None
            for key, text in texts.items()
        }
        self._require_room({**_data_of(self.vault), **data}, SECRETS)
        ledger.write(client, self.namespace, self.vault, data, plural=SECRETS)
        self.vault = ledger.read(client, self.namespace, SECRETS)

    def _orphans(self, client: Client, kept: set[str]) -> dict[str, None]:
        """Values whose entry is gone, and was not about to be written."""
        too_old = client.now() - ORPHANED_AFTER
        return {
            key: None
            for key, text in _data_of(self.vault).items()
            if key not in self._data and key not in kept and _noted(text) < too_old
        }

    def _require_room(self, data: Mapping[str, str | None], plural: str) -> None:
        size = sum(len(key) + len(text.encode()) for key, text in data.items() if text)
        if size > MOST_BYTES:
            raise RecoveryError(
                f"{ledger.KINDS[plural]} {self.namespace}/{ledger.NAME}",
                f"it would hold {size} bytes, and {MOST_BYTES} is all it can",
                "Put mitigations back that are over, then run again",
            )


def read_book(client: Client, namespace: str) -> Book:
    """Read the ledger of a namespace. Raises RecoveryError."""
    return book_of(client, namespace, ledger.read(client, namespace))


def book_of(client: Client, namespace: str, live: Object | None) -> Book:
    """The book of a ledger that was read; its Secret is read only where an entry needs it."""
    texts = ((live or {}).get("data") or {}).values()
    needs_secret = any(f'"{SECRET}"' in text for text in texts)
    return Book(namespace, live, ledger.read(client, namespace, SECRETS) if needs_secret else None)


def update_book(client: Client, namespace: str, decide: Callable[[Book], Changes]) -> None:
    """Change the ledger as it is now, deciding anew whenever somebody else was faster."""
    for _attempt in range(ledger.MOST_ATTEMPTS):
        book = read_book(client, namespace)
        changes = decide(book)
        if not changes:
            return
        try:
            book.save(client, changes)
        except ApiError as error:
            if error.status != 409:
                raise
        else:
            return
    raise ledger.keeps_changing(namespace)


def crossed_out(book: Book, keys: Collection[str]) -> dict[str, Entry | None]:
    """The changes to a ledger that take these entries out, and join what stood on them."""
    changes: dict[str, Entry | None] = {}
    slots = {entry.field.slot for key, entry in book.entries.items() if key in keys}
    for slot in slots:
        stack = book.stack(slot)
        rest = without(stack, keys, stack[0].before)
        changes.update({entry.key: entry for entry in rest if entry not in stack})
    changes.update({key: None for key in keys if key in book.entries})
    return changes


def _data_of(live: Object | None) -> dict[str, str]:
    return dict((live or {}).get("data") or {})


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _noted(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(json.loads(_decoded(text))["noted"])
    except (ValueError, KeyError, TypeError):
        return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
