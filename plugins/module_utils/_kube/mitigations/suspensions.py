# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switching GitOps controllers on again that a rollback suspended for an incident.

The entries are written by ``_kube/suspension.py``. Anyone who may edit the ledger may have edited
them, so only what a suspension switches off is ever switched on.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import (
    Book,
    update_book,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    UNREADABLE,
    Field,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    ObjectReference,
    object_reference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.outcome import (
    FAILED,
    REVERTED,
    FieldOutcome,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
    parse_pointer,
    read_at,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.owners import RESOURCES

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

NAME = "suspension"
KEY = re.compile(rf"{NAME}\.([A-Za-z]+)\.[-0-9a-f]+")
PATH = re.compile(r"/apis/([a-z0-9.]+)/([a-z0-9]+)/namespaces/([^/]+)/([a-z]+)/([^/]+)")
SUSPEND, AUTOMATED = "/spec/suspend", "/spec/syncPolicy/automated"


@dataclasses.dataclass(frozen=True)
class Suspension:
    """What was switched off: the object by its path and UID, and the patch that switches it on."""

    key: str
    field: Field
    path: str
    restore: tuple[dict[str, t.Any], ...]

    def is_off(self, live: Mapping[str, t.Any]) -> bool:
        """Whether it still is as it was left, so that there is something to switch on."""
        found = read_at(live, self.field.tokens)
        return found is ABSENT if self.field.path == AUTOMATED else found is True


def resume_owners(
    client: Client, book: Book, incident: str, *, dry_run: bool
) -> list[FieldOutcome]:
    """Switch on what was suspended for the incident. What fails is told, and stays noted."""
    outcomes, done = [], set()
    for suspension in _suspensions(book, incident):
        outcome = _resume(client, book.namespace, suspension, dry_run)
        outcomes.append(outcome)
        if outcome.state == REVERTED:
            done.add(suspension.key)
    if done and not dry_run:
        update_book(client, book.namespace, lambda fresh: dict.fromkeys(done & fresh.others.keys()))
    return outcomes


def _resume(client: Client, ledger: str, suspension: Suspension, dry_run: bool) -> FieldOutcome:
    reference = suspension.field.reference
    try:
        live = client.get(suspension.path, subject=str(reference))
        is_ours = live["metadata"]["uid"] == suspension.field.uid and suspension.is_off(live)
        if is_ours:
            metadata = live["metadata"]
            tests = [
                {"op": "test", "path": f"/metadata/{name}", "value": metadata[name]}
                for name in ("uid", "resourceVersion")
            ]
            patch = [*tests, *suspension.restore]
            client.patch(suspension.path, patch, subject=str(reference), dry_run=dry_run)
    except RecoveryError as error:
        return FieldOutcome(NAME, suspension.field, FAILED, error.message, ledger=ledger)
    would = "would be " if dry_run else ""
    told = f"{reference}: {would}switched on again"
    if not is_ours:
        told = f"{reference}: {would}crossed out, since somebody switched it on or made it anew"
    return FieldOutcome(NAME, suspension.field, REVERTED, told, is_changed=is_ours, ledger=ledger)


def _suspensions(book: Book, incident: str) -> t.Iterator[Suspension]:
    for key, text in book.others.items():
        suspension = _readable(book, key, text, incident)
        if suspension:
            yield suspension


def _readable(book: Book, key: str, text: str, incident: str) -> Suspension | None:
    try:
        noted = json.loads(text)
        is_meant = noted.get("what") == NAME and noted["incident"] == incident
        return _suspension(key, noted) if is_meant else None
    except UNREADABLE:
        book.unreadable.append(
            RecoveryError(
                f"entry {key} of the ledger in {book.namespace}",
                "cannot be read",
                "See what it says, put that back by hand, and remove the key",
            )
        )
        return None


def _suspension(key: str, noted: Mapping[str, t.Any]) -> Suspension:
    """Raises what reading an entry raises that somebody has edited."""
    found, kind = PATH.fullmatch(noted["path"]), KEY.fullmatch(key)
    if not (found and kind):
        raise ValueError("it leads to no object that can be suspended")
    group, version, namespace, plural, name = found.groups()
    tokens = _tokens(noted["restore"])
    if (group, plural) not in RESOURCES.values() or not tokens:
        raise ValueError("it leads to nothing that can be suspended")
    reference: ObjectReference = object_reference(kind[1], namespace, name, f"{group}/{version}")
    field = Field(reference, str(noted["uid"]), tokens)
    return Suspension(key, field, noted["path"], tuple(noted["restore"]))


def _tokens(restore: list[dict[str, t.Any]]) -> Tokens:
    """The field that the patch switches on; none where it does anything else."""
    (operation,) = restore
    is_known = operation["path"] in (SUSPEND, AUTOMATED) and operation["op"] in ("add", "remove")
    is_suspended_again = operation["path"] == SUSPEND and operation.get("value", False) is not False
    return parse_pointer(operation["path"]) if is_known and not is_suspended_again else ()
