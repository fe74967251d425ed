# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks on revisions: good where one was seen to work, bad where a rollback left it.

A label, because the Deployment controller and ``kubectl rollout undo`` copy annotations between
a Deployment and its ReplicaSets; labels of a ReplicaSet or ControllerRevision stay where they are.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import MERGE_PATCH
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    KINDS,
    object_path,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    INCIDENT_LABEL,
    VERDICT_LABEL,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
        WorkloadReference,
    )

MOST_CHARACTERS_OF_A_LABEL = 63


def mark_revision(
    client: Client,
    workload: WorkloadReference,
    revision: Revision,
    mark: str,
    *,
    incident: str = "",
    dry_run: bool = False,
) -> None:
    """Label a revision of ``workload``; a mark that was there is replaced, with its incident.

    Raises RecoveryError, also where the revision was made anew under its name meanwhile.
    """
    plural = KINDS[workload.kind].revisions_plural
    labels = {VERDICT_LABEL: mark, INCIDENT_LABEL: label_value(incident) or None}
    client.patch(
        object_path(plural, workload.namespace, revision.name),
        {"metadata": {"uid": revision.uid, "labels": labels}},
        subject=f"revision {revision.number} of {workload}",
        content_type=MERGE_PATCH,
        dry_run=dry_run,
        is_repeatable=True,
    )


def label_value(text: str) -> str:
    """``text`` as Kubernetes allows it in a label: other characters become '-', the end is cut.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    allowed = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:MOST_CHARACTERS_OF_A_LABEL]
    return allowed.strip("-_.")
