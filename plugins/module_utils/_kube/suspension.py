# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping GitOps controllers from bringing the bad version back, and noting how to let them again.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.ledger import enter
from ansible_collections.oncall.recovery.plugins.module_utils._kube.owners import (
    Automation,
    automation_of,
    owner_listing,
    owners_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import TIME_FORMAT
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import SUSPEND

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import Manager

    Object = Mapping[str, t.Any]


def live_owner(case: Case, owner: Manager) -> Object:
    """The owner's own object, as it was read. Raises RecoveryError where it was not or is not."""
    listing = _listing(case, owner)
    for found in case.facts.objects(listing):
        if found["metadata"]["name"] == owner.name:
            return found
    raise RecoveryError(
        f"{owner.kind} {listing.namespace}/{owner.name}",
        "there is no such object",
        "Set argocd_namespace if Argo CD runs elsewhere",
    )


def _listing(case: Case, owner: Manager) -> Listing:
    listing = owner_listing(owner, case.request.argocd_namespace)
    if listing is None:
        raise RecoveryError(
            str(owner), "it cannot be suspended", "Use its own rollback, or set gitops to ignore"
        )
    return listing


class Suspensions:
    """Suspends each owner once, however many workloads it has. Safe to use from several threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._done: set[Manager] = set()

    def suspend_owners(self, case: Case) -> None:
        """Switch off what would undo the rollback of this case.

        Raises RecoveryError; the workload must then be left alone.
        """
        if case.request.gitops != SUSPEND:
            return
        with self._lock:
            for owner, live in _owners(case):
                self._suspend(case, owner, live)

    def done_for(self, case: Case) -> list[Manager]:
        """The owners of this case that are off by our hand, or would be in a dry run."""
        return [owner for owner in owners_of(case.workload) if owner in self._done]

    def _suspend(self, case: Case, owner: Manager, live: Object) -> None:
        automation = automation_of(owner, live)
        if automation.off and owner not in self._done:
            self._write_down(case, owner, live, automation)
            self._switch_off(case, owner, live, automation)
            self._done.add(owner)

    def _write_down(self, case: Case, owner: Manager, live: Object, automation: Automation) -> None:
        metadata = live["metadata"]
        entry = {
            "what": "suspension",
            "path": self._path(case, owner, live),
            "uid": metadata["uid"],
            "restore": automation.on,
            "for": str(case.reference),
            "incident": case.request.incident,
            "at": case.facts.read_at.strftime(TIME_FORMAT),
        }
        key = f"suspension.{owner.kind}.{metadata['uid']}"
        dry_run = case.request.dry_run
        enter(self._client, case.reference.namespace, key, entry, dry_run=dry_run)

    def _switch_off(self, case: Case, owner: Manager, live: Object, automation: Automation) -> None:
        same_object = {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]}
        self._client.patch(
            self._path(case, owner, live),
            [same_object, *automation.off],
            subject=str(owner),
            dry_run=case.request.dry_run,
        )

    def _path(self, case: Case, owner: Manager, live: Object) -> str:
        listing = _listing(case, owner)
        version = self._client.served_version(listing.group)
        return f"{listing.path_in(version)}/{live['metadata']['name']}"


def _owners(case: Case) -> Iterator[tuple[Manager, Object]]:
    for owner in owners_of(case.workload):
        yield owner, live_owner(case, owner)
