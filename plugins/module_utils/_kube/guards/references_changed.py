# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: ConfigMaps and Secrets that changed since the target ran, which go back with nothing.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.guard import (
    PASS,
    WARN,
    Answer,
    Guard,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.references_exist import (
    listing_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.template_references import (
    CONFIG_MAP,
    SECRET,
    Reference,
    references_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case

KINDS_WITH_CONTENT = (CONFIG_MAP, SECRET)


def needs(case: Case) -> Iterator[Listing]:
    for kind in sorted({reference.kind for reference in _with_content(case)}):
        yield listing_of(kind, case)


def ask(case: Case) -> Answer:
    until = _ran_until(case)
    wanted = _with_content(case)
    if not wanted:
        return PASS, "it refers to no ConfigMap and no Secret"
    changed = [
        f"{reference} at {at}"
        for reference in wanted
        if (at := _last_changed(reference, case)) > until
    ]
    if changed:
        return WARN, (
            f"changed since revision {case.target.number} ran (until {until}): "
            f"{', '.join(changed)}. A rollback does not bring their content back"
        )
    return PASS, f"nothing that it refers to has changed since {until}"


def _with_content(case: Case) -> list[Reference]:
    wanted = references_of(case.target.template)
    return sorted(reference for reference in wanted if reference.kind in KINDS_WITH_CONTENT)


def _ran_until(case: Case) -> str:
    """When the target was last known to run: as its successor was made.

    A successor that had been used before was made too early to tell, so this may be too early
    and never too late: it rather warns once too often.
    """
    later = [r.created for r in case.revisions if r.number > case.target.number]
    return max(case.target.created, min(later, default=""))


def _last_changed(reference: Reference, case: Case) -> str:
    """RFC 3339 in UTC, as the API server writes all its times: text that can be compared."""
    for found in case.facts.objects(listing_of(reference.kind, case)):
        if found["metadata"]["name"] == reference.name:
            return _newest_time(found["metadata"])
    return ""


def _newest_time(metadata: Mapping[str, t.Any]) -> str:
    # Who changed what, and when, is kept per field manager since Kubernetes 1.18.
    managed = metadata.get("managedFields") or []
    times = [str(entry.get("time") or "") for entry in managed]
    return max([str(metadata["creationTimestamp"]), *times])


GUARD = Guard("references_changed", ask, needs)
