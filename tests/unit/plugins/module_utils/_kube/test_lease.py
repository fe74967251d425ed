# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks: who holds one, until when, and how it is claimed, renewed, taken over and released."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kill_switch import (
    thrown_switches,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import (
    Claim,
    Lock,
    claimed_lease,
    lease_name,
    lease_path,
    new_lease,
    released_lease,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
)

WEB = WorkloadReference("Deployment", "shop", "web")
NOON = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
MINUTE = datetime.timedelta(minutes=1)
ADA = Claim("ada", 600, "INC-1", "5xx")
BOB = Claim("bob", 60)


def test_new_lock_is_held_until_its_duration_is_over() -> None:
    lock = Lock(new_lease(WEB, "uid-of-web", ADA, NOON))
    assert lock.until == NOON + 10 * MINUTE
    assert lock.is_held(NOON + 9 * MINUTE)
    assert not lock.is_held(NOON + 10 * MINUTE)
    assert lock.is_held_by_another("bob", NOON)
    assert not lock.is_held_by_another("ada", NOON)
    assert lock.told() == "locked by ada until 2026-11-25 12:10:00 UTC (incident INC-1: 5xx)"


def test_lock_goes_with_its_workload() -> None:
    (owner,) = new_lease(WEB, "uid-of-web", ADA, NOON)["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "uid": "uid-of-web",
    }


def test_renewal_keeps_the_time_of_acquisition() -> None:
    first = new_lease(WEB, "uid-of-web", ADA, NOON)
    renewed = claimed_lease(first, "uid-of-web", ADA, NOON + 5 * MINUTE)
    assert Lock(renewed).until == NOON + 15 * MINUTE
    assert renewed["spec"]["acquireTime"] == first["spec"]["acquireTime"]
    assert renewed["spec"]["leaseTransitions"] == 0


def test_takeover_tells_the_new_holder_and_nothing_of_the_old() -> None:
    taken = claimed_lease(
        new_lease(WEB, "uid-of-web", ADA, NOON), "uid-anew", BOB, NOON + 60 * MINUTE
    )
    assert Lock(taken).told() == "locked by bob until 2026-11-25 13:01:00 UTC"
    assert taken["spec"]["leaseTransitions"] == 1
    assert taken["metadata"]["ownerReferences"][0]["uid"] == "uid-anew"


def test_released_lock_is_free_for_all() -> None:
    lock = Lock(released_lease(new_lease(WEB, "uid-of-web", ADA, NOON)))
    assert not lock.is_held(NOON)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"holderIdentity": "ada"}, id="no times"),
        pytest.param({"holderIdentity": "ada", "renewTime": None}, id="null"),
        pytest.param(
            {"holderIdentity": "ada", "renewTime": "2026-11-25T11:00:00Z"}, id="no duration"
        ),
        pytest.param({}, id="nothing"),
    ],
)
def test_lease_of_which_nothing_says_that_it_is_held_is_free(spec: dict[str, str]) -> None:
    assert not Lock({"metadata": {}, "spec": spec}).is_held(NOON)


def test_hostile_words_stay_on_one_line() -> None:
    claim = Claim("ada\x1b[2K\nno" + "o" * 900, 600, "INC-1\nlocked by nobody", "a\r\nb")
    told = Lock(new_lease(WEB, "u", claim, NOON)).told()
    assert told.isprintable() and len(told) < 400


@pytest.mark.parametrize("seconds", [2**31 - 1, 10**12])
def test_hostile_times_are_for_ever(seconds: int) -> None:
    spec = {
        "holderIdentity": "ada",
        "renewTime": "9990-01-01T00:00:00Z",
        "leaseDurationSeconds": seconds,
    }
    lock = Lock({"metadata": {}, "spec": spec})
    assert lock.is_held(NOON)
    assert "until 9999-12-31" in lock.told()


def test_lease_without_our_label_gets_it_where_guards_look_for_it() -> None:
    made_by_hand = new_lease(WEB, "uid-of-web", ADA, NOON)
    made_by_hand["metadata"]["labels"] = {"team": "shop"}
    taken = claimed_lease(made_by_hand, "uid-of-web", BOB, NOON + 60 * MINUTE)
    assert taken["metadata"]["labels"] == {"team": "shop", "oncall.recovery/lock": "true"}


def test_long_names_are_cut_and_told_apart() -> None:
    one, other = (WorkloadReference("Deployment", "shop", "a" * 252 + end) for end in "bc")
    assert lease_name(WEB) == "oncall-recovery.deployment.web"
    assert lease_path(WEB).endswith("/namespaces/shop/leases/oncall-recovery.deployment.web")
    assert len(lease_name(one)) <= 253
    assert lease_name(one) != lease_name(other)
    assert lease_name(one) == lease_name(WorkloadReference("Deployment", "other", one.name))


@pytest.mark.parametrize(
    ("data", "is_thrown"),
    [
        ({"automation": "off"}, True),
        ({"automation": "OFF "}, True),
        ({"automation": "false"}, True),
        ({"automation": "0"}, True),
        ({"automation": ""}, True),
        ({"automation": "onn"}, True),
        ({"Automation": "off"}, True),
        ({"Automation": "on", "automation": "off"}, True),
        ({"automation": "on"}, False),
        ({"automation": " True"}, False),
        ({"other": "off"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_switch_is_thrown_by_anything_but_on(data: dict[str, str] | None, is_thrown: bool) -> None:
    switch = {"metadata": {"namespace": "shop", "name": "oncall-recovery"}, "data": data}
    assert bool(thrown_switches([switch])) is is_thrown


def test_switch_that_is_thrown_is_told_in_short() -> None:
    switch = {
        "metadata": {"namespace": "shop", "name": "oncall-recovery"},
        "data": {"automation": "off\nuntil Monday " + "x" * 90},
    }
    (told,) = thrown_switches([switch])
    assert told.startswith("shop/oncall-recovery (automation: 'off until Monday ")
    assert "\n" not in told and len(told) < 90


def test_other_config_maps_are_no_switches() -> None:
    other = {"metadata": {"namespace": "shop", "name": "web"}, "data": {"automation": "off"}}
    assert thrown_switches([other]) == []
