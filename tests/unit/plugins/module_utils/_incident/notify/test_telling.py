# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify import telling
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.announcing import (
    announce,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.trouble import (
    Undelivered,
)

from .making import notice, receiver


class Service:
    """Fails with each of the troubles, one after the other, and then takes the message."""

    def __init__(self, *troubles: Exception, hangs: threading.Event | None = None) -> None:
        self._troubles, self._hangs = list(troubles), hangs
        self.attempts = 0

    def shown(self) -> dict[str, Any]:
        raise AssertionError("nobody asked")

    def send(self, seconds: float) -> None:
        self.attempts += 1
        if self._hangs:
            self._hangs.wait(30)
        if self._troubles:
            raise self._troubles.pop(0)


def passing(wait: float | None = None) -> Undelivered:
    return Undelivered("answered 503", "See", is_transient=True, wait=wait)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "FIRST_PAUSE_SECONDS", 0.01)


def told(service: Service, seconds: float = 5) -> str:
    outcome = telling.tell({"a": service}, seconds)["a"]
    return outcome.why if outcome else ""


def test_passing_trouble_is_tried_again_until_it_has_passed() -> None:
    service = Service(passing(), passing())
    assert told(service) == ""
    assert service.attempts == 3


def test_trouble_that_stays_is_tried_four_times() -> None:
    service = Service(*(passing() for _number in range(9)))
    assert told(service) == "answered 503, after 4 attempts"
    assert service.attempts == 4


def test_trouble_that_does_not_pass_is_not_tried_again() -> None:
    service = Service(Undelivered("answered 403", "Check"))
    assert told(service) == "answered 403"
    assert service.attempts == 1


def test_wait_that_a_service_asks_for_is_kept_or_too_long() -> None:
    started = time.monotonic()
    assert told(Service(passing(wait=0.2))) == ""
    assert time.monotonic() - started >= 0.2
    assert told(Service(passing(wait=60))) == "answered 503"
    assert time.monotonic() - started < 4


def test_who_hangs_holds_up_nobody_and_not_for_longer_than_the_limit() -> None:
    ended = threading.Event()
    started = time.monotonic()
    outcomes = telling.tell({"hangs": Service(hangs=ended), "lives": Service()}, 0.3)
    took = time.monotonic() - started
    ended.set()
    assert outcomes["lives"] is None
    assert outcomes["hangs"] is not None
    assert outcomes["hangs"].why == "did not answer within 0.3 s"
    assert 0.3 <= took < 2


def test_bug_of_ours_is_a_receiver_that_was_not_told() -> None:
    assert told(Service(KeyError("s3cret"))) == "an error of the collection (KeyError)"


def test_stage_goes_only_to_those_that_want_it_and_can_be_told_of_it() -> None:
    receivers = [
        receiver("slack"),
        receiver("pagerduty"),
        receiver("mail", stages=["resolved"]),
    ]
    announced = announce(receivers, notice("acting"), 1, dry_run=True)
    result = announced.as_result()
    assert result["changed"]
    assert result["delivered"] == ["my slack"]
    assert result["left_out"] == ["my pagerduty", "my mail"]
    assert result["failed_receivers"] == []
    assert [message["receiver"] for message in result["messages"]] == ["my slack"]


def test_nobody_to_tell_changes_nothing() -> None:
    announced = announce([], notice(), 1)
    assert announced.as_result() == {
        "changed": False,
        "delivered": [],
        "failed_receivers": [],
        "left_out": [],
    }
    assert announced.warnings == []


def test_result_has_no_key_by_which_ansible_would_fail_or_skip_the_task() -> None:
    result = announce([receiver("slack")], notice(), 1, dry_run=True).as_result()
    assert not {"failed", "skipped", "rc", "exception", "msg"} & set(result)
