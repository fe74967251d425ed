# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for the rollouts that rollbacks began.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import (
    Followed,
    follow,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.outcome import (
    FAILED,
    Outcome,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import is_superseded
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import (
    COMPLETE,
    PROGRESSING,
    STALLED,
    SUPERSEDED,
    RolloutStatus,
    View,
    is_deadline_of_earlier_rollout,
    rollout_status,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client


def wait_for_rollouts(client: Client, outcomes: Sequence[Outcome], seconds: float) -> list[Outcome]:
    """Wait for the rollouts of what is at its target; those that do not complete become failed."""
    by_uid = {o.live["metadata"]["uid"]: o for o in outcomes if o.live}
    if not by_uid:
        return list(outcomes)

    def judge(view: View) -> tuple[RolloutStatus, bool]:
        status = _status_after(by_uid[view.workload["metadata"]["uid"]], view)
        return status, status.is_final

    workloads = [o.live for o in outcomes if o.live]
    try:
        followed = follow(client, workloads, judge, seconds=seconds)
    except RecoveryError as error:
        return [_unwatched(outcome, error) if outcome.live else outcome for outcome in outcomes]
    return [
        _with_rollout(outcome, followed[outcome.live["metadata"]["uid"]], seconds)
        if outcome.live
        else outcome
        for outcome in outcomes
    ]


def _unwatched(outcome: Outcome, error: RecoveryError) -> Outcome:
    message = f"{outcome.message}, but its rollout could not be watched: {error.message}"
    return dataclasses.replace(outcome, outcome=FAILED, message=message)


def _status_after(outcome: Outcome, view: View) -> RolloutStatus:
    status = rollout_status(view)
    if outcome.live and is_superseded(outcome.live, view.workload):
        another = "someone else changed its template after the rollback"
        return dataclasses.replace(status, verdict=SUPERSEDED, message=another)
    if (
        status.verdict == STALLED
        and outcome.live
        and is_deadline_of_earlier_rollout(outcome.live, view.workload)
    ):
        return dataclasses.replace(status, verdict=PROGRESSING)
    return status


def _with_rollout(outcome: Outcome, followed: Followed[RolloutStatus], seconds: float) -> Outcome:
    if followed.judgement is None:
        told = f" ({followed.trouble})" if followed.trouble else ""
        message = f"{outcome.message}, but its state could not be read within {seconds:.0f} s{told}"
        return dataclasses.replace(outcome, outcome=FAILED, message=message)
    status = followed.judgement
    done = dataclasses.replace(outcome, rollout=status, seconds=outcome.seconds + followed.seconds)
    if status.verdict == COMPLETE:
        return done
    state = status.verdict if followed.is_final else f"not complete after {seconds:.0f} s"
    message = f"{outcome.message}, but its rollout is {state}: {status.message}"
    if followed.trouble:
        message = (
            f"{message}, as far as is known, for of late there was trouble: {followed.trouble}"
        )
    return dataclasses.replace(done, outcome=FAILED, message=message)
