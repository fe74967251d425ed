# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: a ConfigMap beside the workloads that holds what was there before a change.

An entry is written before its change. One that is there already stays: it holds the older state,
which is the one to put back.

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


def enter(
    client: Client, namespace: str, key: str, entry: Mapping[str, t.Any], *, dry_run: bool = False
) -> None:
    """Write ``entry`` under ``key`` (a ConfigMap's key), unless there is one.

    Raises RecoveryError; nothing that the entry is about may then be changed.
    """
    subject = f"ConfigMap {namespace}/{NAME}"
    for _attempt in range(MOST_ATTEMPTS):
        ledger = _read(client, namespace, subject)
        if ledger and key in (ledger.get("data") or {}):
            return
        try:
            _write(client, namespace, ledger, {key: json.dumps(entry)}, subject, dry_run)
        except ApiError as error:
            # Somebody else made or changed the ledger meanwhile.
            if error.status != 409:
                raise
        else:
            return
    raise RecoveryError(
        subject,
        f"others changed it during each of {MOST_ATTEMPTS} attempts",
        "Find out what keeps changing it, then run again",
    )


def _read(client: Client, namespace: str, subject: str) -> dict[str, t.Any] | None:
    try:
        return client.get(object_path("configmaps", namespace, NAME, CORE), subject=subject)
    except ApiError as error:
        if not error.is_not_found:
            raise
        return None


def _write(
    client: Client,
    namespace: str,
    ledger: Mapping[str, t.Any] | None,
    data: Mapping[str, str],
    subject: str,
    dry_run: bool,
) -> None:
    if ledger is None:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": namespace},
            "data": data,
        }
        path = collection_path("configmaps", namespace, CORE)
        client.post(path, body, subject=subject, dry_run=dry_run)
        return
    as_it_was_read = {"resourceVersion": ledger["metadata"]["resourceVersion"]}
    client.patch(
        object_path("configmaps", namespace, NAME, CORE),
        {"metadata": as_it_was_read, "data": data},
        subject=subject,
        content_type=MERGE_PATCH,
        dry_run=dry_run,
    )
