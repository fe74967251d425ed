# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers beside the cluster: Prometheus, Alertmanager and metrics for ``kubectl top``."""

from __future__ import annotations

from collections.abc import Sequence

from .debian.control_plane import ControlPlane
from .debian.plan import Plan
from .model import Cluster


def add(
    cluster: Cluster, wanted: Sequence[str], plan: Plan, control_plane: ControlPlane
) -> Cluster:
    return cluster


def run(cluster: Cluster) -> bool:
    return True
