# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards that look at whether somebody else acts, or nobody should."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    listings_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.lease import Claim, new_lease
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import now
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
)

from .cases import answer_of, case_of, ready_workload

FORBIDDEN = ApiError("leases in namespace shop", 403, "Forbidden", "cannot list leases")


def lease(holder: str = "ada", *, minutes_ago: int = 1, name: str = "web") -> dict[str, t.Any]:
    """A lock of ten minutes."""
    taken = now() - datetime.timedelta(minutes=minutes_ago)
    return new_lease(WorkloadReference("Deployment", "shop", name), "u", Claim(holder, 600), taken)


@pytest.mark.parametrize(
    ("held", "request_", "outcome"),
    [
        pytest.param([], {}, "pass", id="nobody's"),
        pytest.param([lease()], {}, "block", id="another's"),
        pytest.param([lease()], {"holder": "bob"}, "block", id="another's, with one's own name"),
        pytest.param([lease()], {"holder": "ada"}, "pass", id="one's own"),
        pytest.param([lease(minutes_ago=11)], {}, "pass", id="expired"),
        pytest.param([lease(name="cart")], {}, "pass", id="of another workload"),
        pytest.param(FORBIDDEN, {}, "warn", id="not readable for a person"),
        pytest.param(FORBIDDEN, {"automatic": True}, "block", id="not readable for automation"),
    ],
)
def test_lock_that_is(held: t.Any, request_: dict[str, t.Any], outcome: str) -> None:
    case = case_of(ready_workload(), around={"leases": held}, **request_)
    assert answer_of("lock", case)[0] == outcome


def test_lock_of_another_is_told_with_holder_and_end() -> None:
    _outcome, detail = answer_of("lock", case_of(ready_workload(), around={"leases": [lease()]}))
    assert detail.startswith("it is locked by ada until 20")
    assert detail.endswith("Ask the holder, or wait")


def switch(value: str) -> dict[str, t.Any]:
    return {
        "metadata": {"namespace": "shop", "name": "oncall-recovery"},
        "data": {"automation": value},
    }


@pytest.mark.parametrize(
    ("config_maps", "automatic", "outcome"),
    [
        pytest.param([switch("off")], True, "block", id="off for automation"),
        pytest.param([switch("off")], False, "pass", id="off for a person"),
        pytest.param([switch("on")], True, "pass", id="on"),
        pytest.param([], True, "pass", id="not there"),
        pytest.param(FORBIDDEN, True, "block", id="not readable"),
    ],
)
def test_kill_switch_that_is(config_maps: t.Any, automatic: bool, outcome: str) -> None:
    around = {"configmaps": config_maps}
    case = case_of(ready_workload(), around=around, automatic=automatic)
    assert answer_of("kill_switch", case)[0] == outcome


def test_switches_are_read_by_name_in_both_namespaces() -> None:
    case = case_of(ready_workload(), automatic=True, kill_switch_namespace="ops")
    read = [listing for listing in listings_for(case) if listing.plural == "configmaps"]
    assert {listing.namespace for listing in read} == {"shop", "ops"}
    assert {listing.field_selector for listing in read} == {"metadata.name=oncall-recovery"}
