# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: what the target's template refers to is still there, or its pods would not start.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    BLOCK,
    PASS,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.template_references import (
    CLAIM,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    Reference,
    references_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case

PLURALS = {
    CONFIG_MAP: "configmaps",
    SECRET: "secrets",
    SERVICE_ACCOUNT: "serviceaccounts",
    CLAIM: "persistentvolumeclaims",
}


def needs(case: Case) -> Iterator[Listing]:
    for kind in sorted({reference.kind for reference in references_of(case.target.template)}):
        yield listing_of(kind, case)


def listing_of(kind: str, case: Case) -> Listing:
    """The objects of a kind in the workload's namespace, without their content."""
    return Listing(PLURALS[kind], case.reference.namespace, metadata_only=True)


def ask(case: Case) -> Answer:
    wanted = sorted(references_of(case.target.template))
    missing = [reference for reference in wanted if not _exists(reference, case)]
    if missing:
        told = ", ".join(str(reference) for reference in missing)
        return BLOCK, (
            f"revision {case.target.number} needs what is no longer there: {told}. "
            "Put it back, or go to another revision"
        )
    if not wanted:
        return PASS, "it refers to no other objects"
    return PASS, f"what it refers to exists: {', '.join(str(reference) for reference in wanted)}"


def _exists(reference: Reference, case: Case) -> bool:
    return reference.name in case.facts.names(listing_of(reference.kind, case))


GUARD = Guard("references_exist", ask, needs)
