# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change that brings a revision's template back.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.json_patch import (
    annotate,
    preconditions,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import (
    RECORD_ANNOTATION,
    new_record,
    record_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    CHANGE_CAUSE_ANNOTATION,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case


def undo_patch(case: Case) -> list[dict[str, t.Any]]:
    """The JSON patch that brings the target's template back.

    Its ``test`` operations make the server refuse it whole where anyone has changed the
    workload since it was read.
    """
    metadata = case.workload["metadata"]
    return [
        *preconditions(case.workload),
        {"op": "replace", "path": "/spec/template", "value": case.target.template},
        *annotate("/metadata/annotations", metadata, _own_annotations(case)),
    ]


def _own_annotations(case: Case) -> dict[str, str]:
    """All that the patch sets beside the template; annotations of others are kept."""
    request = case.request
    annotations = {CHANGE_CAUSE_ANNOTATION: request.reason or _default_change_cause(case)}
    if case.current:
        record = new_record(
            request.incident,
            request.automatic,
            case.current,
            case.target,
            # By the API server's clock, on which all who roll back through it agree.
            case.facts.read_at,
            case.workload["metadata"]["generation"],
            record_of(case.workload),
        )
        annotations[RECORD_ANNOTATION] = record.as_annotation()
    return annotations


def _default_change_cause(case: Case) -> str:
    source = case.current.number if case.current else "unknown"
    back = f"rolled back from revision {source} to revision {case.target.number}"
    return f"{back} ({case.target.change_cause})" if case.target.change_cause else back
