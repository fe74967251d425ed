# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pod keeps a StatefulSet from going on, and which never is."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.eviction import (
    eviction_version,
    stuck_pod,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

from .builders import condition, history, pod, revisions_of, workload

Object = dict[str, t.Any]

OLD, NEW = "queue-cr2", "queue-cr1"


def member(ordinal: int, revision: str, *, ready: bool = False, ending: bool = False) -> Object:
    made = pod(
        workload("StatefulSet", "queue"),
        f"queue-{ordinal}",
        conditions=[condition("Ready", str(ready))],
        labels={"controller-revision-hash": revision},
    )
    if ending:
        made["metadata"]["deletionTimestamp"] = "2026-11-25T10:00:00Z"
    return made


def stuck(*pods: Object, observed: int = 2) -> str | None:
    """Name of the stuck pod of a StatefulSet that went back to its first revision."""
    live = workload(
        "StatefulSet", "queue", observed=observed, status={"updateRevision": "queue-cr1"}
    )
    revisions = revisions_of(live, history(live, "queue:1", "queue:2"))
    found = stuck_pod(View(live, revisions, list(pods), False))
    return found["metadata"]["name"] if found else None


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param([member(2, OLD)], "queue-2", id="the one that is not ready"),
        pytest.param(
            [member(9, OLD), member(10, OLD), member(2, OLD)], "queue-10", id="the highest ordinal"
        ),
        pytest.param([member(2, OLD, ready=True)], None, id="none that is ready"),
        pytest.param([member(2, NEW)], None, id="none of the target revision"),
        pytest.param(
            [member(2, OLD, ending=True), member(1, OLD)], None, id="none while another ends"
        ),
        pytest.param([member(2, NEW), member(1, OLD)], "queue-1", id="the old beside the new"),
        pytest.param([], None, id="none of none"),
    ],
)
def test_stuck_is(pods: list[Object], expected: str | None) -> None:
    assert stuck(*pods) == expected


def test_nothing_is_stuck_before_the_controller_has_seen_the_template() -> None:
    assert stuck(member(2, OLD), observed=1) is None


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_version_of_evictions_is_what_the_server_says(version: str) -> None:
    class Server:
        def get(self, path: str, *, subject: str) -> Object:
            eviction = {"name": "pods/eviction", "group": "policy", "version": version}
            return {"/api/v1": {"resources": [{"name": "pods"}, eviction]}}[path]

    assert eviction_version(t.cast(t.Any, Server())) == version
