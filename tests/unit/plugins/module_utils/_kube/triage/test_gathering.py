# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources side by side: each within the budget, and all that went wrong said."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.gathering import (
    Gatherer,
    is_unreachable,
)


def refuse(error: Exception) -> list[int]:
    raise error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(ApiError("pods", 403, "Forbidden", "no"), "forbidden", id="forbidden"),
        pytest.param(ApiError("pods", 401, "Unauthorized", "who"), "forbidden", id="unknown user"),
        pytest.param(ApiError("metrics", 404, "NotFound", "what"), "absent", id="not served"),
        pytest.param(ApiError("pods", 500, "Oops", "sorry"), "failed", id="server trouble"),
        pytest.param(Unreachable("pods", "no connection"), "failed", id="no connection"),
        pytest.param(KeyError("metadata"), "failed", id="an answer that nobody expected"),
    ],
)
def test_what_cannot_be_read_is_said_and_stops_nothing(error: Exception, outcome: str) -> None:
    gatherer = Gatherer(time.monotonic() + 5, threads=2)
    bad = gatherer.ask("bad", lambda _patience: refuse(error))
    good = gatherer.ask("good", lambda _patience: [1])
    assert bad.answer([]) == []
    assert good.answer([]) == [1]
    told = {source.name: source for source in gatherer.finish()}
    assert told["bad"].outcome == outcome
    assert told["bad"].detail
    assert told["good"].outcome == "read"


def test_source_that_hangs_is_late_and_keeps_nobody_waiting() -> None:
    release = threading.Event()
    started = time.monotonic()
    gatherer = Gatherer(started + 0.3, threads=3)
    hanging = gatherer.ask("hanging", lambda _patience: [release.wait(20)])
    quick = gatherer.ask("quick", lambda _patience: [True])
    assert quick.answer([]) == [True]
    assert hanging.answer([]) == []
    outcomes = {source.name: source.outcome for source in gatherer.finish()}
    assert time.monotonic() - started < 2
    assert outcomes == {"hanging": "late", "quick": "read"}
    release.set()


def test_answer_that_comes_after_the_end_changes_nothing_that_was_told() -> None:
    release = threading.Event()
    gatherer = Gatherer(time.monotonic() + 0.1, threads=1)
    asked = gatherer.ask("hanging", lambda _patience: [release.wait(20)])
    (told,) = gatherer.finish()
    release.set()
    assert asked.future.result(timeout=5) == [True]
    assert told.outcome == "late"


def test_question_that_nobody_got_to_is_late() -> None:
    release = threading.Event()
    gatherer = Gatherer(time.monotonic() + 0.2, threads=1)
    gatherer.ask("first", lambda _patience: release.wait(20))
    gatherer.ask("second", lambda _patience: True)
    assert [source.outcome for source in gatherer.finish()] == ["late", "late"]
    release.set()


def test_question_is_told_how_long_it_may_take() -> None:
    told: list[float] = []
    gatherer = Gatherer(time.monotonic() + 5, threads=1)
    gatherer.ask("one", told.append).answer(None)
    assert 4 < told[0] <= 5


def test_only_a_server_that_lets_nobody_in_is_unreachable() -> None:
    gatherer = Gatherer(time.monotonic() + 5, threads=1)
    for error in (
        Unreachable("a", "no"),
        ApiError("b", 401, "Unauthorized", "who"),
        ApiError("c", 403, "Forbidden", "no"),
        RecoveryError("d", "no"),
    ):
        gatherer.ask(error.subject, lambda _patience, error=error: refuse(error))  # type: ignore[misc]
    told = {source.name: is_unreachable(source) for source in gatherer.finish()}
    assert told == {"a": True, "b": True, "c": False, "d": False}
