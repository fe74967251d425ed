# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guard: the revision that runs now is healthier than the target, so going back makes it worse.

Half-way through a rollout both have pods, and the newer ones may be the only ones that serve
(Flagger halts there instead of rolling back: flagger#1898).

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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import KINDS
from ansible_collections.oncall.recovery.plugins.module_utils._kube.pods import (
    pods_of_revision,
    ready_count,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import counts_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import Revision


def needs(case: Case) -> Iterator[Listing]:
    """ReplicaSets count their pods; for the other kinds the pods are read, if both have some."""
    if _has_pods_of_two_revisions(case):
        yield Listing("pods", case.reference.namespace)


def ask(case: Case) -> Answer:
    if case.current is None:
        return PASS, "which revision runs now is not known, so there is nothing to compare"
    pods, serving = _pods_and_serving(case, case.target)
    if not pods:
        return PASS, f"revision {case.target.number} has no pods that could be compared"
    serving_now = _pods_and_serving(case, case.current)[1]
    if not serving and serving_now:
        return BLOCK, (
            f"none of the {pods} pods of revision {case.target.number} is ready, while "
            f"{serving_now} of revision {case.current.number} are. Find out why before you go back"
        )
    return PASS, f"{serving} of {pods} pods of revision {case.target.number} are ready"


def _pods_and_serving(case: Case, revision: Revision) -> tuple[int, int]:
    if revision.replicas is not None:
        return revision.replicas, revision.available or 0
    if not _has_pods_of_two_revisions(case):
        return 0, 0
    listed = case.facts.objects(Listing("pods", case.reference.namespace))
    pods = pods_of_revision(case.workload, revision, listed)
    return len(pods), ready_count(pods)


def _has_pods_of_two_revisions(case: Case) -> bool:
    if KINDS[case.reference.kind].keeps_replica_sets:
        return False
    counts = counts_of(case.workload)
    return counts.updated < counts.total


GUARD = Guard("health", ask, needs)
