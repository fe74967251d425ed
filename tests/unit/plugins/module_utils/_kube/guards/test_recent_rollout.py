# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was deployed long ago is not taken for the cause."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import now

from ..builders import history, workload
from .cases import answer_of, case_of, ready_workload


def ago(minutes: float) -> str:
    return (now() - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(
    *, made: float, progressed: float | None = None, within: float = 3600, kind: str = "Deployment"
) -> tuple[str, str]:
    """The present revision was made, and its rollout last went on, so many minutes ago."""
    conditions = [{"type": "Available", "lastUpdateTime": ago(0)}]
    if progressed is not None:
        conditions.append({"type": "Progressing", "lastUpdateTime": ago(progressed)})
    live = ready_workload(kind)
    live["status"]["conditions"] = conditions
    objects = history(live, "web:1", "web:2")
    for made_ago, revision in zip((9000, made), objects, strict=True):
        revision["metadata"]["creationTimestamp"] = ago(made_ago)
    case = case_of(live, objects=objects, automatic=True, deployed_within_seconds=within)
    return answer_of("recent_rollout", case)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_what_was_deployed_just_now_may_be_the_cause(kind: str) -> None:
    assert answer(made=5, kind=kind)[0] == "pass"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_what_was_deployed_long_ago_is_not(kind: str) -> None:
    outcome, detail = answer(made=61, kind=kind)
    assert outcome == "block"
    assert detail.startswith("revision 2 was rolled out at 20")
    assert "more than 60 min ago, so it is not likely to be the cause." in detail


def test_old_revision_that_was_deployed_again_counts_from_then() -> None:
    assert answer(made=5000, progressed=5)[0] == "pass"
    assert answer(made=5000, progressed=61)[0] == "block"


def test_new_revision_whose_rollout_got_stuck_counts_from_its_last_progress() -> None:
    assert answer(made=70, progressed=55)[0] == "pass"


def test_nobody_asks_unless_told() -> None:
    assert answer(made=5000, within=0)[0] == "pass"


def test_short_times_are_told_in_seconds() -> None:
    assert "more than 15 s ago" in answer(made=5, within=15)[1]


def test_what_runs_has_to_be_known() -> None:
    case = case_of(workload(image="web:3"), "web:1", "web:2", deployed_within_seconds=3600)
    assert answer_of("recent_rollout", case)[0] == "block"
