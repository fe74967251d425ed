# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New pods beside old ones: whether the trouble is that of the revision.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import (
        Pod,
        Trouble,
        Workload,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import Signal
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.suspects import Suspect

# By so much the share of bad pods has to differ between the two.
CLEAR_DIFFERENCE = 0.5
# One bad sample may be chance.
LEAST_BAD_SAMPLES = 2

ONLY_NEW, BOTH, ONLY_OLD, NOBODY, UNCOMPARED = "only_new", "both", "only_old", "nobody", ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How new pods do beside old ones, in a word from above, and what was counted.

    The word is empty where there are none to compare.
    """

    outcome: str
    told: str


def compare_pods(suspect: Suspect) -> Comparison:
    """By the state of the pods that are there now."""
    workload, first = suspect.workload, suspect.oldest.number
    new = [pod for pod in workload.pods if pod.revision is not None and pod.revision >= first]
    old = [pod for pod in workload.pods if pod.revision is not None and pod.revision < first]
    bad_new, bad_old = _bad(new), _bad(old)
    told = (
        f"{len(bad_new)} of {len(new)} new pods and {len(bad_old)} of {len(old)} old pods are in "
        "trouble"
    )
    return Comparison(_outcome((len(bad_new), len(new)), (len(bad_old), len(old))), told)


def compare_signals(suspect: Suspect, signals: Iterable[Signal]) -> Comparison:
    """By the signals that are told pod by pod, at the times when there were both."""
    for signal in signals:
        comparison = _compare_signal(suspect, signal)
        if comparison.outcome not in (UNCOMPARED, NOBODY):
            return comparison
    return Comparison(UNCOMPARED, "no signal compares old and new pods")


def troubles_of_new_pods(suspect: Suspect) -> list[Trouble]:
    """All that is wrong with pods of the suspected revisions."""
    return [trouble for pod in _bad(_new_pods(suspect)) for trouble in pod.troubles]


def has_old_pods(suspect: Suspect) -> bool:
    return len(_new_pods(suspect)) < len(suspect.workload.pods)


def only_its_dependency(case: Case, suspect: Suspect) -> list[str]:
    """Failing dependencies that only new pods see fail: that is their own doing, in words."""
    told = []
    for dependency in case.failing_dependencies:
        comparison = compare_signals(suspect, dependency.signals)
        if comparison.outcome == ONLY_NEW:
            told.append(f"{dependency.name}: {comparison.told}")
    return told


def _compare_signal(suspect: Suspect, signal: Signal) -> Comparison:
    moments: dict[float, tuple[list[bool], list[bool]]] = {}
    for value in signal.by_pod:
        side = _side(suspect.workload, value.pod, suspect.oldest.number)
        if side is not None:
            moments.setdefault(value.at, ([], []))[side].append(value.is_bad)
    both = [moment for _at, moment in sorted(moments.items()) if moment[0] and moment[1]]
    new = [is_bad for moment in both for is_bad in moment[1]]
    old = [is_bad for moment in both for is_bad in moment[0]]
    told = (
        f"{signal.name}: bad in {sum(new)} of {len(new)} samples of new pods and in {sum(old)} of "
        f"{len(old)} of old pods beside them"
    )
    outcome = _outcome((sum(new), len(new)), (sum(old), len(old)))
    if outcome == ONLY_NEW and sum(new) < LEAST_BAD_SAMPLES:
        outcome = UNCOMPARED
    return Comparison(outcome, told)


def _side(workload: Workload, pod: str, first: int) -> int | None:
    """1 for a new pod, 0 for an old one, None for one that is none of the workload's."""
    revision = workload.revision_of_pod(pod)
    return None if revision is None else int(revision >= first)


def _outcome(new: tuple[int, int], old: tuple[int, int]) -> str:
    if not new[1] or not old[1]:
        return UNCOMPARED
    share_new, share_old = new[0] / new[1], old[0] / old[1]
    if not new[0] and not old[0]:
        return NOBODY
    if share_new - share_old >= CLEAR_DIFFERENCE or (new[0] and not old[0]):
        return ONLY_NEW
    if share_old - share_new >= CLEAR_DIFFERENCE or (old[0] and not new[0]):
        return ONLY_OLD
    return BOTH


def _new_pods(suspect: Suspect) -> list[Pod]:
    first = suspect.oldest.number
    return [p for p in suspect.workload.pods if p.revision is not None and p.revision >= first]


def _bad(pods: Sequence[Pod]) -> list[Pod]:
    return [pod for pod in pods if pod.troubles]
