# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following workloads through whatever a watch can do."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube import follow as follow_module
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    Unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.follow import Followed, follow
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

from .builders import workload
from .scripted import Event, ScriptedClient, Silence, Watch

WORKLOADS = "/apis/apps/v1/namespaces/shop/deployments"
REVISIONS = "/apis/apps/v1/namespaces/shop/replicasets"
OTHERS = "/apis/apps/v1/namespaces/bank/deployments"
UID = "uid-of-web"

BUSY = ApiError("shop: deployments", 503, "ServiceUnavailable", "etcd is gone")
EXPIRED = ApiError("shop: deployments", 410, "Expired", "too old resource version")
FORBIDDEN = ApiError("shop: replicasets", 403, "Forbidden", "cannot list replicasets")
LOST = Unanswered("shop: deployments", "the API server gave no whole answer")
NO_CONNECTION = Unreachable("shop: deployments", "no connection")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "SECONDS_BETWEEN_LISTS", 0.02)


def deployment(available: int, **changes: t.Any) -> dict[str, t.Any]:
    return workload(status={"availableReplicas": available}, **changes)


def changed(available: int) -> Event:
    return "MODIFIED", deployment(available)


def wait(
    clients: list[ScriptedClient],
    lists: dict[str, t.Any],
    *watches: Watch,
    seconds: float = 5.0,
    others: dict[str, t.Any] | None = None,
) -> dict[str, Followed[int]]:
    """Follow until three are available. ``watches`` are those of the Deployments, in turn."""
    client = ScriptedClient(lists, watches={WORKLOADS: list(watches)})
    clients.append(client)

    def judge(view: View) -> tuple[int, bool]:
        available = view.workload["status"]["availableReplicas"]
        return available, available == 3

    followed = [deployment(0), *([others] if others else [])]
    return follow(t.cast(t.Any, client), followed, judge, seconds=seconds, with_pods=False)


def test_workload_that_is_as_wanted_is_final_at_once(clients: list[ScriptedClient]) -> None:
    found = wait(clients, {WORKLOADS: [deployment(3)]})[UID]
    assert (found.judgement, found.is_final, found.trouble) == (3, True, "")


@pytest.mark.parametrize(
    ("lists", "watches"),
    [
        pytest.param([[deployment(0)]], [[changed(1), changed(3)]], id="an event says so"),
        pytest.param([[deployment(0)]], [[], [], [changed(3)]], id="watches ended at once"),
        pytest.param([[deployment(0)], [deployment(3)]], [[LOST]], id="the watch broke"),
        pytest.param([[deployment(0)], [deployment(3)]], [[EXPIRED]], id="its version is too old"),
        pytest.param([[deployment(0)], [deployment(3)]], [[BUSY]], id="503 instead of a watch"),
        pytest.param([BUSY, NO_CONNECTION, LOST, [deployment(3)]], [], id="trouble with the lists"),
        pytest.param(
            [[deployment(0)], BUSY, LOST, [deployment(3)]],
            [[changed(1), LOST]],
            id="an outage in the middle",
        ),
    ],
)
def test_wait_ends_well_where(
    clients: list[ScriptedClient], lists: list[t.Any], watches: list[Watch]
) -> None:
    found = wait(clients, {WORKLOADS: lists}, *watches)[UID]
    assert (found.judgement, found.is_final, found.trouble) == (3, True, "")
    assert found.seconds < 4


def test_watches_that_always_end_at_once_are_opened_with_pauses(
    clients: list[ScriptedClient],
) -> None:
    found = wait(clients, {WORKLOADS: [deployment(0)]}, *[[]] * 1000, seconds=0.4)[UID]
    assert not found.is_final
    opened = [path for path, _version in clients[0].watched if path == WORKLOADS]
    assert 2 <= len(opened) <= 21


def test_watch_is_taken_up_again_from_where_it_ended(clients: list[ScriptedClient]) -> None:
    bookmark: Event = ("BOOKMARK", {"metadata": {"resourceVersion": "500"}})
    wait(clients, {WORKLOADS: [deployment(0)]}, [bookmark], [changed(3)])
    versions = [version for path, version in clients[0].watched if path == WORKLOADS]
    assert versions == ["1000", "500"]
    assert [listed[0] for listed in clients[0].listed].count(WORKLOADS) == 1


@pytest.mark.parametrize("is_in_trouble_elsewhere", [False, True])
def test_silent_watch_does_not_hide_the_end(
    clients: list[ScriptedClient], is_in_trouble_elsewhere: bool
) -> None:
    lists: dict[str, t.Any] = {WORKLOADS: [[deployment(0)], [deployment(3)]]}
    others = None
    if is_in_trouble_elsewhere:
        others = deployment(0, name="api", namespace="bank")
        lists[OTHERS] = [BUSY]
    found = wait(clients, lists, [Silence()], seconds=0.3, others=others)
    assert (found[UID].judgement, found[UID].is_final, found[UID].trouble) == (3, True, "")


def test_trouble_that_is_over_is_not_told(clients: list[ScriptedClient]) -> None:
    lists = {WORKLOADS: [[deployment(0)], BUSY, [deployment(1)]]}
    found = wait(clients, lists, [LOST], seconds=0.4)[UID]
    assert (found.judgement, found.is_final, found.trouble) == (1, False, "")


def test_trouble_until_the_end_is_told_with_what_was_known_before(
    clients: list[ScriptedClient],
) -> None:
    found = wait(clients, {WORKLOADS: [[deployment(1)], BUSY]}, [LOST], seconds=0.3)[UID]
    assert (found.judgement, found.is_final) == (1, False)
    assert "etcd is gone" in found.trouble


def test_trouble_until_the_end_is_told_where_nothing_was_ever_known(
    clients: list[ScriptedClient],
) -> None:
    found = wait(clients, {WORKLOADS: [deployment(1)], REVISIONS: [BUSY]}, seconds=0.3)[UID]
    assert (found.judgement, found.is_final) == (None, False)
    assert "etcd is gone" in found.trouble


def test_refusal_ends_the_wait(clients: list[ScriptedClient]) -> None:
    started = time.monotonic()
    with pytest.raises(ApiError, match="cannot list replicasets"):
        wait(clients, {WORKLOADS: [deployment(0)], REVISIONS: [FORBIDDEN]}, seconds=30)
    assert time.monotonic() - started < 5


def test_last_look_has_little_time_for_each_list_even_after_slow_ones(
    clients: list[ScriptedClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client waits longest where it is given no time at all."""
    monkeypatch.setattr(follow_module, "SECONDS_FOR_A_LAST_LOOK", 0.0)
    wait(clients, {WORKLOADS: [deployment(0)]}, seconds=0.2)
    last = clients[0].patience[-2:]
    assert all(seconds is not None and 0 < seconds < 1 for seconds in last), last
