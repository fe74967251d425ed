# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads with their revisions: when each was rolled out, and what it changed.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import difflib
import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards import (
    migration_barrier,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.history import describe
from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import pods_of_revision
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import (
    TIME_FORMAT,
    record_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    comparable,
    is_restart_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.template_references import (
    references_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.times import short
from ansible_collections.oncall.recovery.plugins.module_utils._redact import masked_template

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

    Object = Mapping[str, t.Any]

MOST_LINES_OF_A_DIFF = 40
MOST_REVISIONS = 10


def described_workload(view: View, autoscalers: Iterable[Object]) -> dict[str, t.Any]:
    """What ``k8s_rollout_info`` tells of a workload, and more of its newest revisions."""
    told = describe(view, autoscalers)
    newest_first = list(reversed(view.revisions))
    more = [
        _more(view, revision, newest_first[index + 1 : index + 2])
        for index, revision in enumerate(newest_first[:MOST_REVISIONS])
    ]
    shown = zip(told["revisions"][:MOST_REVISIONS], more, strict=True)
    record = record_of(view.workload)
    rolled_back = None
    if record:
        rolled_back = {
            "incident": record.incident,
            "automatic": record.is_automatic,
            "at": record.at.strftime(TIME_FORMAT),
            "from": record.from_hash,
            "to": record.to_hash,
        }
    return {
        **told,
        "message": short(told["message"]),
        "reasons": [{**r, "message": short(r["message"])} for r in told["reasons"]],
        "revisions": [{**revision, **added} for revision, added in shown],
        "rolled_back": rolled_back,
    }


def _more(view: View, revision: Revision, before: Sequence[Revision]) -> dict[str, t.Any]:
    annotations = (revision.template.get("metadata") or {}).get("annotations") or {}
    template = revision.template
    return {
        "began": began_at(view, revision),
        "is_restart": any(is_restart_of(template, one.template) for one in before),
        "migration": str(annotations.get(migration_barrier.MIGRATION_ANNOTATION, "")),
        "references": [
            {"kind": reference.kind, "name": reference.name}
            for reference in sorted(references_of(template))
        ],
        "diff": template_diff(before[0].template, template) if before else [],
    }


def began_at(view: View, revision: Revision) -> str:
    """When a revision was last rolled out.

    That is when its object was made; but one that is used again has its object from before, and
    then it is when its first pod of those that are there was made.
    """
    others = [one.created for one in view.revisions if one.number < revision.number]
    newest = max(others, default="")
    if revision.created >= newest:
        return revision.created
    pods = pods_of_revision(view.workload, revision, view.pods)
    later = [pod["metadata"]["creationTimestamp"] for pod in pods]
    # Of one that has no pods any more, it was after its successor by number was made.
    return min((at for at in later if at >= newest), default=newest)


def template_diff(before: Object, after: Object) -> list[str]:
    """The lines that differ, with one around them; secrets masked."""
    texts = [
        json.dumps(comparable(masked_template(template)), indent=1, sort_keys=True).splitlines()
        for template in (before, after)
    ]
    return bounded_diff(*texts)


def bounded_diff(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """A unified diff without its headers, cut to MOST_LINES_OF_A_DIFF."""
    lines = [
        line
        for line in difflib.unified_diff(before, after, lineterm="", n=1)
        if not line.startswith(("---", "+++", "@@"))
    ]
    if len(lines) <= MOST_LINES_OF_A_DIFF:
        return lines
    return [*lines[:MOST_LINES_OF_A_DIFF], f"... and {len(lines) - MOST_LINES_OF_A_DIFF} more"]
