# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about rollouts that failed or do not get on.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case


def rollout_failed(case: Case) -> list[dict[str, t.Any]]:
    """A Deployment passed its progressDeadlineSeconds; the other kinds have no such thing."""
    if case.service.kind != "Deployment":
        return []
    return [
        case.alert(
            "RolloutFailed",
            f"max({case.of_workload('deployment_updated')})\n"
            f"and on () max({case.of_workload('deployment_deadline_exceeded')}) >= 1",
            "its rollout failed: no progress within progressDeadlineSeconds,"
            " with {{ $value }} pods updated",
        )
    ]


def rollout_stuck(case: Case) -> list[dict[str, t.Any]]:
    """A rollout is not complete, and has not got further for a time."""
    window, kind = case.options.duration("window"), case.service.kind.lower()
    updated = case.of_workload(f"{kind}_updated")
    unless_paused = ""
    if case.service.kind == "Deployment":
        paused = f"max({case.of_workload('deployment_paused')}) == 1"
        unless_paused = f"\nunless on () {paused}"
    return [
        case.alert(
            "RolloutStuck",
            f"max({updated})\n"
            f"and on () ({_INCOMPLETE[case.service.kind](case)})\n"
            f"and on () max(changes({updated}[{window}])) == 0{unless_paused}",
            f"its rollout has not got further for {window}, with {{{{ $value }}}} pods updated",
        )
    ]


def _deployment_incomplete(case: Case) -> str:
    """Pods are missing, or, as with one replica and a surge, those of before are still there."""
    updated = f"max({case.of_workload('deployment_updated')})"
    return (
        f"max({case.of_workload('deployment_wanted')}) > {updated}\n"
        f"  or max({case.of_workload('deployment_present')}) > {updated}"
    )


def _stateful_set_incomplete(case: Case) -> str:
    """Until the last pod is ready, the controller tells two revisions."""
    return (
        f"count({case.of_workload('statefulset_current_revision')}\n"
        f"  unless on (revision) {case.of_workload('statefulset_update_revision')}) > 0"
    )


def _daemon_set_incomplete(case: Case) -> str:
    wanted = f"max({case.of_workload('daemonset_wanted')})"
    return (
        f"{wanted} > max({case.of_workload('daemonset_updated')})\n"
        f"  or {wanted} > max({case.of_workload('daemonset_available')})"
    )


_INCOMPLETE = {
    "Deployment": _deployment_incomplete,
    "StatefulSet": _stateful_set_incomplete,
    "DaemonSet": _daemon_set_incomplete,
}
