# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking and releasing locks, where others are faster, answers are lost, and rights are missing."""

from __future__ import annotations

import copy
import datetime
import typing as t
from collections.abc import Callable, Iterable, Iterator

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube import locking
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import Claim, lease_name
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lock_outcome import LockResult
from ansible_collections.oncall.recovery.plugins.module_utils._kube.locking import (
    lock_workloads,
    unlock_workloads,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    Selection,
    WorkloadReference,
)

Object = dict[str, t.Any]

CART, SHOP, WEB = (
    WorkloadReference("Deployment", "shop", name) for name in ("cart", "shop", "web")
)
ALL = Selection(references=(CART, SHOP, WEB))
ONLY_CART, ONLY_WEB = Selection(references=(CART,)), Selection(references=(WEB,))
ADA, BOB = Claim("ada", 600), Claim("bob", 600)
NOON = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
FORBIDDEN = ApiError("lock", 403, "Forbidden", "cannot update leases")
TROUBLE = ApiError("lock", 500, "InternalError", "etcd is away")
LOST = Unanswered("lock", "no whole answer")


class LeaseServer:
    """Keeps Leases as an API server does, and has trouble with writes where a test says so.

    ``switches`` are the values of kill switches by namespace.
    ``before`` and ``after`` are errors by the workload's name, each raised once, before or after
    the write was done. ``for_ever`` are those that are raised each time.
    """

    def __init__(self) -> None:
        self.leases: dict[str, Object] = {}
        self.before: dict[str, Exception] = {}
        self.after: dict[str, Exception] = {}
        self.for_ever: dict[str, Exception] = {}
        self.on_watch: Callable[[], None] = lambda: None
        self.switches: dict[str, str] = {}
        self.time = NOON
        self._version = 0

    def holders(self) -> list[str]:
        """Who holds the locks of cart, shop and web."""
        found = [self.leases.get(lease_name(one)) for one in ALL.references]
        return [lease["spec"]["holderIdentity"] if lease else "" for lease in found]

    def now(self) -> datetime.datetime:
        return self.time

    def list_objects(self, path: str, **_: t.Any) -> tuple[list[Object], str]:
        if path.endswith("/configmaps"):
            namespace = path.split("/")[4]
            if namespace == "secluded":
                raise ApiError("switch", 403, "Forbidden", "cannot list configmaps")
            return [
                {
                    "metadata": {"namespace": namespace, "name": "oncall-recovery"},
                    "data": {"automation": value},
                }
                for where, value in self.switches.items()
                if where == namespace
            ], "1"
        return [_workload(one.name) for one in ALL.references], "1"

    def get(self, path: str, *, subject: str) -> Object:
        name = path.rsplit("/", 1)[1]
        if "/leases/" not in path:
            return _workload(name)
        if name not in self.leases:
            raise ApiError(subject, 404, "NotFound", "not found")
        return copy.deepcopy(self.leases[name])

    def post(self, path: str, body: Object, *, subject: str, dry_run: bool) -> Object:
        if body["metadata"]["name"] in self.leases:
            raise ApiError(subject, 409, "AlreadyExists", "already exists")
        return self._store(body, dry_run)

    def put(self, path: str, body: Object, *, subject: str, dry_run: bool) -> Object:
        stored = self.leases[body["metadata"]["name"]]["metadata"]
        if stored["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise ApiError(subject, 409, "Conflict", "modified")
        return self._store(body, dry_run)

    def watch(self, path: str, **_: t.Any) -> Iterator[tuple[str, Object]]:
        self.on_watch()
        yield "MODIFIED", {}

    def side_by_side(self, work: Callable[[t.Any], t.Any], items: Iterable[t.Any]) -> list[t.Any]:
        return [work(item) for item in items]

    def _store(self, body: Object, dry_run: bool) -> Object:
        name = body["metadata"]["ownerReferences"][0]["name"]
        for errors in (self.before, self.for_ever):
            if name in errors:
                raise errors.pop(name) if errors is self.before else errors[name]
        self._version += 1
        stored = copy.deepcopy(body)
        stored["metadata"]["resourceVersion"] = str(self._version)
        if not dry_run:
            self.leases[stored["metadata"]["name"]] = stored
        if name in self.after:
            raise self.after.pop(name)
        return stored


def _workload(name: str) -> Object:
    metadata = {"namespace": "shop", "name": name, "uid": f"uid-{name}"}
    return {"kind": "Deployment", "metadata": metadata}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> LeaseServer:
    monkeypatch.setattr(locking, "SECONDS_BETWEEN_ATTEMPTS", 0)
    return LeaseServer()


def lock(server: LeaseServer, claim: Claim = ADA, **how: t.Any) -> LockResult:
    """Lock all three, without waiting if not told to."""
    options = {"wait_seconds": 0, "all_or_nothing": True, "dry_run": False, **how}
    return lock_workloads(t.cast(t.Any, server), options.pop("of", ALL), claim, **options)


def unlock(server: LeaseServer, holder: str = "ada") -> LockResult:
    return unlock_workloads(t.cast(t.Any, server), ALL, holder, dry_run=False)


def changed(result: LockResult) -> list[bool]:
    return [attempt.is_changed for attempt in result.attempts]


@pytest.mark.parametrize("namespace", ["shop", "central"])
def test_automation_that_is_switched_off_gets_no_lock_and_a_person_does(
    server: LeaseServer, namespace: str
) -> None:
    server.switches[namespace] = "off"
    refused = lock(server, kill_switch_namespace="central")
    assert f"switched off by ConfigMap {namespace}/oncall-recovery" in str(refused.failure)
    assert server.holders() == ["", "", ""]
    assert not lock(server).failure
    server.switches[namespace] = "on"
    assert not lock(server, kill_switch_namespace="central").failure


def test_automation_gets_no_lock_where_the_switch_cannot_be_read(server: LeaseServer) -> None:
    with pytest.raises(ApiError, match="cannot list configmaps"):
        lock(server, kill_switch_namespace="secluded")
    assert server.holders() == ["", "", ""]


@pytest.mark.parametrize("trouble", [LOST, TROUBLE], ids=["lost", "500"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_claim_whose_answer_went_astray_is_made_once_and_counts_as_a_change(
    server: LeaseServer, moment: str, trouble: Exception
) -> None:
    getattr(server, moment)["cart"] = trouble
    assert changed(lock(server)) == [True, True, True]
    assert server.holders() == ["ada", "ada", "ada"]


def test_claim_whose_answer_was_lost_is_let_go_of_with_the_others(server: LeaseServer) -> None:
    lock(server, BOB, of=ONLY_WEB)
    server.after["cart"] = LOST
    result = lock(server)
    assert result.failure.endswith("Ask the holder, or wait; nothing was locked")
    assert changed(result) == [False, False, False]
    assert server.holders() == ["", "", "bob"]


def test_what_was_held_before_stays_where_another_is_held(server: LeaseServer) -> None:
    lock(server, of=ONLY_CART)
    lock(server, BOB, of=ONLY_WEB)
    assert lock(server).failure
    assert server.holders() == ["ada", "", "bob"]


def test_all_are_claimed_in_one_order_up_to_the_first_that_is_held(server: LeaseServer) -> None:
    """So that of two that want the same ones, the second never takes what the first still needs."""
    lock(server, BOB, of=ONLY_CART)
    result = lock(server)
    assert server.holders() == ["bob", "", ""]
    assert [lease_name(CART)] == list(server.leases)
    assert [attempt.is_anothers for attempt in result.attempts] == [True, False, False]


def test_all_that_others_hold_are_told(server: LeaseServer) -> None:
    lock(server, BOB)
    failure = lock(server).failure
    assert failure.count("locked by bob until") == 3
    assert str(WEB) in failure


def test_missing_right_lets_go_of_what_was_locked(server: LeaseServer) -> None:
    server.for_ever["web"] = FORBIDDEN
    result = lock(server)
    assert "403 Forbidden: cannot update leases" in result.failure
    assert result.failure.endswith("nothing was locked")
    assert changed(result) == [False, False, False]
    assert server.holders() == ["", "", ""]


def test_missing_right_does_not_keep_the_others_from_being_locked(server: LeaseServer) -> None:
    server.for_ever["cart"] = FORBIDDEN
    result = lock(server, all_or_nothing=False)
    assert result.failure.endswith("; the others are locked")
    assert changed(result) == [False, True, True]
    assert [bool(one["error"]) for one in result.as_result()["locks"]] == [True, False, False]


def test_missing_right_does_not_keep_the_others_from_being_released(server: LeaseServer) -> None:
    lock(server)
    server.for_ever["cart"] = FORBIDDEN
    result = unlock(server)
    assert "cannot update leases" in result.failure
    assert changed(result) == [False, True, True]
    assert server.holders() == ["ada", "", ""]


def test_release_whose_answer_was_lost_counts_as_a_change(server: LeaseServer) -> None:
    lock(server)
    server.after["shop"] = LOST
    assert changed(unlock(server)) == [True, True, True]
    assert changed(unlock(server)) == [False, False, False]


def test_what_cannot_be_let_go_of_is_told(
    server: LeaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(server, BOB, of=ONLY_WEB)
    original = server.put

    def no_releases(path: str, body: Object, **how: t.Any) -> Object:
        if body["spec"]["holderIdentity"] == "":
            raise FORBIDDEN
        return original(path, body, **how)

    monkeypatch.setattr(server, "put", no_releases)
    result = lock(server)
    assert result.failure.endswith("what could not be released again expires by itself")
    assert changed(result) == [True, True, False]


def test_what_was_taken_while_waiting_counts_as_a_change(server: LeaseServer) -> None:
    lock(server, BOB, of=ONLY_WEB)

    def release() -> None:
        unlock(server, "bob")

    server.on_watch = release
    result = lock(server, all_or_nothing=False, wait_seconds=60)
    assert not result.failure
    assert changed(result) == [True, True, True]


def test_trouble_while_waiting_does_not_end_it(server: LeaseServer) -> None:
    lock(server, BOB, of=ONLY_WEB)

    def expire_and_fail() -> None:
        server.time += datetime.timedelta(seconds=599.9)
        raise LOST

    server.on_watch = expire_and_fail
    assert not lock(server, wait_seconds=5).failure
    assert server.holders() == ["ada", "ada", "ada"]


def test_one_who_keeps_changing_the_lease_is_given_up(server: LeaseServer) -> None:
    server.for_ever["cart"] = ApiError("lock", 409, "Conflict", "modified")
    assert "others changed it during each of 5 attempts" in lock(server).failure


def test_check_mode_claims_nothing_and_lets_go_of_nothing(server: LeaseServer) -> None:
    lock(server, BOB, of=ONLY_WEB)
    result = lock(server, dry_run=True)
    assert result.failure.endswith("nothing was locked")
    assert changed(result) == [False, False, False]
    assert server.holders() == ["", "", "bob"]
