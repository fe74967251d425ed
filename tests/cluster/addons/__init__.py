# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers beside the cluster: Prometheus, Alertmanager and metrics for ``kubectl top``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..debian.control_plane import ControlPlane
from ..debian.plan import Plan
from ..model import Cluster
from ..process import Daemon
from . import alertmanager, metrics, prometheus

_DAEMONS = {
    "prometheus": prometheus.DAEMONS,
    "alertmanager": alertmanager.DAEMONS,
    "metrics": metrics.DAEMONS,
}


def add(
    cluster: Cluster, wanted: Sequence[str], plan: Plan, control_plane: ControlPlane
) -> Cluster:
    """Starts those of the wanted add-ons that the cluster lacks."""
    missing = set(wanted) - set(cluster.addons)
    if "prometheus" in missing:
        cluster = replace(cluster, prometheus=prometheus.start(plan, control_plane))
    if "alertmanager" in missing:
        cluster = replace(cluster, alertmanager=alertmanager.start(plan))
    if "metrics" in missing:
        metrics.start(plan, control_plane)
        cluster = replace(cluster, metrics=True)
    return cluster


def run(cluster: Cluster, plan: Plan) -> bool:
    """Whether the processes of the cluster's add-ons run."""
    names = [name for addon in cluster.addons for name in _DAEMONS[addon]]
    return all(Daemon(plan.state, name).pid() is not None for name in names)
