# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All the evidence of one decision, the thresholds, and what follows from both at once.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import (
    FAILED_ROLLOUTS,
    Cluster,
    Trouble,
    Workload,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import (
    Signal,
    overall_of,
    time_at,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DATABASE, EXTERNAL_API, OTHER = "database", "external_api", "other"
SERVICE, ITSELF = "service", "itself"


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From when on something counts. Durations in seconds, shares from 0 to 1."""

    window: float = 3600.0
    settle: float = 120.0
    proving_time: float = 600.0
    tolerance: float = 5.0
    unready_for: float = 30.0
    crashed_within: float = 600.0
    load_factor: float = 2.0
    saturated_share: float = 0.8
    memory_share: float = 0.9
    neighbour_share: float = 0.5
    scale_factor_max: float = 3.0
    flaps: int = 3


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the team allows, as ``k8s_rollout_undo`` has it, and earlier values that it knows."""

    gitops: str = "refuse"
    approved_by: str = ""
    reversible_migrations: frozenset[str] = frozenset()
    least_confidence: str = "medium"
    held: Sequence[Mapping[str, t.Any]] = ()


@dataclasses.dataclass(frozen=True)
class Dependency:
    """Something that the service needs. ``mitigation`` is the declared fallback, or empty."""

    name: str
    kind: str
    mitigation: str
    measured_at: str
    signals: Sequence[Signal]
    since: float | None = None

    @property
    def verdict(self) -> str:
        return overall_of(signal.verdict for signal in self.signals)

    @property
    def onset(self) -> float | None:
        """Since when it fails; None where it does not, or that is not known."""
        starts = [s.departed for s in self.signals if s.departed is not None]
        known = [start for start in (*starts, self.since) if start is not None]
        return min(known, default=None) if self.verdict == UNHEALTHY else None

    def __str__(self) -> str:
        bad = "; ".join(str(s) for s in self.signals if s.verdict == self.verdict)
        since = f" since {time_at(self.onset)}" if self.onset is not None else ""
        return f"{self.kind} {self.name} is {self.verdict}{since} ({bad or 'no signal'})"


@dataclasses.dataclass(frozen=True)
class Case:
    """The evidence. ``now`` and ``given_onset`` are Unix times.

    ``subject`` is the workload that the symptoms are about, if the caller says so.
    """

    now: float
    symptoms: Sequence[Signal] = ()
    dependencies: Sequence[Dependency] = ()
    load: Sequence[Signal] = ()
    saturation: Sequence[Signal] = ()
    memory: Sequence[Signal] = ()
    platform: Sequence[Signal] = ()
    cluster: Cluster = dataclasses.field(default_factory=Cluster)
    subject: tuple[str, str, str] | None = None
    given_onset: float | None = None
    limits: Thresholds = dataclasses.field(default_factory=Thresholds)
    policy: Policy = dataclasses.field(default_factory=Policy)

    @functools.cached_property
    def flapping(self) -> tuple[Signal, ...]:
        """Symptoms that turn to and fro: no clear evidence of anything."""
        limits = self.limits
        return tuple(s for s in self.symptoms if s.flaps(limits.flaps, limits.settle))

    @functools.cached_property
    def unhealthy_symptoms(self) -> tuple[Signal, ...]:
        return tuple(s for s in self._clear_symptoms if s.verdict == UNHEALTHY)

    @functools.cached_property
    def users(self) -> str:
        """What users get: unhealthy where one clear symptom is, healthy where all are."""
        if self.unhealthy_symptoms:
            return UNHEALTHY
        if self.flapping:
            return UNKNOWN
        return overall_of(symptom.verdict for symptom in self.symptoms)

    @functools.cached_property
    def onset(self) -> float | None:
        """Since when users feel it, or the caller says so, whichever is earlier."""
        starts = [s.onset for s in self.unhealthy_symptoms if s.onset is not None]
        known = [start for start in (*starts, self.given_onset) if start is not None]
        return min(known, default=None)

    @property
    def onset_from(self) -> str:
        if self.onset is None:
            return ""
        return "given" if self.onset == self.given_onset else "symptoms"

    @functools.cached_property
    def workloads(self) -> Sequence[Workload]:
        """The workload that the symptoms are about, or all that the triage looked at."""
        if self.subject is None:
            return self.cluster.workloads
        found = self.cluster.by_key.get(self.subject)
        return [found] if found else []

    @functools.cached_property
    def cluster_troubles(self) -> tuple[str, ...]:
        """What the cluster itself shows to be wrong with the workloads, in words."""
        told = []
        for workload in self.workloads:
            if workload.verdict in FAILED_ROLLOUTS:
                told.append(f"{workload}: rollout {workload.verdict}: {workload.message}")
            told += [trouble.text for pod in workload.pods for trouble in pod.troubles]
        return tuple(told)

    @property
    def cluster_verdict(self) -> str:
        if self.cluster_troubles:
            return UNHEALTHY
        return HEALTHY if self.workloads else UNKNOWN

    @functools.cached_property
    def failing_dependencies(self) -> tuple[Dependency, ...]:
        """Those that fail, the one that began first in front."""
        failing = [d for d in self.dependencies if d.verdict == UNHEALTHY]
        return tuple(sorted(failing, key=lambda d: self.now if d.onset is None else d.onset))

    @property
    def _clear_symptoms(self) -> Sequence[Signal]:
        return [symptom for symptom in self.symptoms if symptom not in self.flapping]


def quoted(signals: Iterable[Signal], most: int = 3) -> str:
    """The words of some signals, in a line."""
    told = [str(signal) for signal in signals]
    more = f"; and {len(told) - most} more" if len(told) > most else ""
    return "; ".join(told[:most]) + more


def pod_troubles(workload: Workload, *reasons: str) -> list[Trouble]:
    """What is wrong with its pods, for these reasons only where some are named."""
    found = [trouble for pod in workload.pods for trouble in pod.troubles]
    return [trouble for trouble in found if not reasons or trouble.reason in reasons]
