# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: a ConfigMap beside the workloads that holds what was there before a change.

An entry is written before its change. Values of Secrets are in a Secret of the same name instead.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import MERGE_PATCH
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    collection_path,
    object_path,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

NAME = "oncall-recovery-ledger"
CORE = "/api/v1"
MOST_ATTEMPTS = 5
# So that one LIST finds the ledgers of all namespaces.
LABELS = {"oncall.recovery/ledger": "true"}
LABEL_SELECTOR = "oncall.recovery/ledger=true"
KINDS = {"configmaps": "ConfigMap", "secrets": "Secret"}


def enter(
    client: Client, namespace: str, key: str, entry: Mapping[str, t.Any], *, dry_run: bool = False
) -> None:
    """Write ``entry`` under ``key`` (a ConfigMap's key), unless there is one.

    One that is there holds the older state, which is the one to put back. Raises RecoveryError;
    nothing that the entry is about may then be changed.
    """
    for _attempt in range(MOST_ATTEMPTS):
        ledger = read(client, namespace)
        if ledger and key in (ledger.get("data") or {}):
            return
        try:
            write(client, namespace, ledger, {key: json.dumps(entry)}, dry_run=dry_run)
        except ApiError as error:
            # Somebody else made or changed the ledger meanwhile.
            if error.status != 409:
                raise
        else:
            return
    raise keeps_changing(namespace)


def keeps_changing(namespace: str) -> RecoveryError:
    return RecoveryError(
        _subject(namespace, "configmaps"),
        f"others changed it during each of {MOST_ATTEMPTS} attempts",
        "Find out what keeps changing it, then run again",
    )


def read(client: Client, namespace: str, plural: str = "configmaps") -> dict[str, t.Any] | None:
    """The ledger of a namespace, or (``secrets``) what it keeps in a Secret; None if none yet."""
    subject = _subject(namespace, plural)
    try:
        return client.get(object_path(plural, namespace, NAME, CORE), subject=subject)
    except ApiError as error:
        if not error.is_not_found:
            raise
        return None


def read_all(client: Client) -> list[dict[str, t.Any]]:
    """The ledgers of all namespaces, by one LIST."""
    ledgers, _version = client.list_objects(
        collection_path("configmaps", None, CORE),
        subject="ledgers in any namespace",
        label_selector=LABEL_SELECTOR,
    )
    return [ledger for ledger in ledgers if ledger["metadata"]["name"] == NAME]


def write(
    client: Client,
    namespace: str,
    ledger: Mapping[str, t.Any] | None,
    data: Mapping[str, str | None],
    *,
    plural: str = "configmaps",
    dry_run: bool = False,
) -> None:
    """Set these keys of the ledger as it was read (None: it is not there); None removes one.

    Raises ApiError with status 409 where somebody else made or changed it meanwhile.
    """
    subject = _subject(namespace, plural)
    if ledger is None:
        body = {
            "apiVersion": "v1",
            "kind": KINDS[plural],
            "metadata": {"name": NAME, "namespace": namespace, "labels": LABELS},
            "data": data,
        }
        path = collection_path(plural, namespace, CORE)
        client.post(path, body, subject=subject, dry_run=dry_run)
        return
    as_it_was_read = {"resourceVersion": ledger["metadata"]["resourceVersion"], "labels": LABELS}
    client.patch(
        object_path(plural, namespace, NAME, CORE),
        {"metadata": as_it_was_read, "data": data},
        subject=subject,
        content_type=MERGE_PATCH,
        dry_run=dry_run,
    )


def _subject(namespace: str, plural: str) -> str:
    return f"{KINDS[plural]} {namespace}/{NAME}"
