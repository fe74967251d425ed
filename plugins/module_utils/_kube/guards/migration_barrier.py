# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: a database migration between the two revisions that the older code may not survive.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    WARN,
    Answer,
    Guard,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case

# On the pod template, so that each revision keeps its own.
MIGRATION_ANNOTATION = "oncall.recovery/migration"


def ask(case: Case) -> Answer:
    ours = _migration_of(case.workload["spec"]["template"])
    theirs = _migration_of(case.target.template)
    if ours == theirs:
        return PASS, f"both run with migration {ours}" if ours else "neither names a migration"
    step = f"between revision {case.target.number} and now lies a migration"
    step = f"{step} (from {theirs or 'none'} to {ours or 'none'})"
    if ours and ours in case.request.reversible_migrations:
        return PASS, f"{step} that is listed as reversible"
    if case.request.approved_by:
        return WARN, f"{step}; approved by {case.request.approved_by}"
    return BLOCK, (
        f"{step} that is not listed as reversible. Ask someone who knows the schema, then run "
        "again with approved_by"
    )


def _migration_of(template: Mapping[str, t.Any]) -> str:
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(MIGRATION_ANNOTATION, ""))


GUARD = Guard("migration_barrier", ask)
