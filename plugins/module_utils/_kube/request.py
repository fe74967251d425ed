# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback is asked to do.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses

REFUSE, SUSPEND, IGNORE = "refuse", "suspend", "ignore"


@dataclasses.dataclass(frozen=True)
class UndoRequest:
    """What to do with every selected workload.

    ``to_revision`` 0 lets ``target`` decide: ``previous`` or ``last_good``. ``reason`` becomes the
    change cause. ``incident`` is noted on the workload and on the revision that ``mark`` marks
    bad. ``automatic`` says that nobody watches; such a rollback is done once per incident, and
    not within ``cooldown_seconds`` of another automatic one, and not where a kill switch in the
    workload's namespace or in ``kill_switch_namespace`` is off. Nothing is done where the present
    revision was rolled out more than ``deployed_within_seconds`` ago, unless that is 0. ``holder``
    is whose lock of the workload is our own. ``gitops`` is what to do where GitOps or Helm deploys
    it: ``refuse``, ``suspend`` or ``ignore``; ``argocd_namespace`` is where Argo CD keeps its
    Applications. ``approved_by`` is the person who
    approved crossing a migration that cannot be reversed, ``reversible_migrations`` are the ids
    of those that can. ``override_guards`` names guards whose refusal becomes a warning.
    ``all_or_nothing`` changes no workload unless all pass their guards and a dry run.
    ``evict_stuck_pods`` makes room for the target where a StatefulSet waits for pods that will
    not be ready. ``dry_run`` has the server try each patch and store nothing. ``wait_seconds`` 0
    does not wait.
    """

    to_revision: int = 0
    target: str = "previous"
    reason: str = ""
    incident: str = ""
    mark: bool = False
    automatic: bool = False
    cooldown_seconds: float = 0.0
    deployed_within_seconds: float = 0.0
    kill_switch_namespace: str = "oncall-recovery"
    holder: str = ""
    gitops: str = REFUSE
    argocd_namespace: str = "argocd"
    approved_by: str = ""
    reversible_migrations: frozenset[str] = frozenset()
    override_guards: frozenset[str] = frozenset()
    all_or_nothing: bool = False
    evict_stuck_pods: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0
