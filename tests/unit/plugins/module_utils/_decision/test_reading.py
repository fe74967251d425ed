# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When signals turned, whether they flap, and times as all kinds of servers write them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._decision.leaking import climb_start
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import (
    seconds_at,
    signals_from,
    time_at,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

from .evidence import NOW, decided, line, sample, signal, triage, unknown


def history(*numbers: float | None, verdict: str = "unhealthy") -> dict[str, Any]:
    """One value every ten seconds up to now; above 0.05 is bad."""
    start = (len(numbers) - 1) * 10
    rows = [
        sample(start - 10 * at, number, bad=bool(number and number > 0.05))
        for at, number in enumerate(numbers)
    ]
    return {**signal(), "verdict": verdict, "history": rows}


@pytest.mark.parametrize(
    ("given", "before"),
    [
        pytest.param(history(0, 0, 0, 0.4, 0.4), 10, id="a step"),
        pytest.param(history(0, 0.4, 0, 0.4, 0.4), 30, id="one good sample in between"),
        pytest.param(history(0.4, 0, 0, 0, 0.4), 0, id="an earlier trouble is over"),
        pytest.param(history(0, 0.4, None, None, 0.4), 30, id="gaps in between"),
        pytest.param(history(0.4, 0.4, 0.4), 20, id="as far back as was looked"),
    ],
)
def test_onset_is_where_the_trouble_began(given: dict[str, Any], before: float) -> None:
    (read,) = signals_from("symptoms", [given])
    assert read.onset == NOW.timestamp() - before


@pytest.mark.parametrize(
    ("given", "before"),
    [
        pytest.param(history(0, 0, 0, 0.4, 0.4), 10, id="a step"),
        pytest.param(history(0, 0, 0, 0, 0.03, 0.04, 0.4), 20, id="a creeping average"),
        pytest.param(history(0, 0, 0.01, 0.4, 0.4), 10, id="noise"),
        pytest.param(history(0.04, 0.04, 0.04, 0.4, 0.4), 10, id="what is usual"),
    ],
)
def test_departure_is_where_a_signal_left_what_is_usual(
    given: dict[str, Any], before: float
) -> None:
    (read,) = signals_from("dependencies", [given])
    assert read.departed == NOW.timestamp() - before


def test_signal_that_is_not_unhealthy_has_no_onset() -> None:
    for given in (history(0.4, 0.4, verdict="unknown"), history(0, 0, verdict="healthy")):
        assert signals_from("symptoms", [given])[0].onset is None


@pytest.mark.parametrize(
    ("numbers", "flaps"),
    [
        pytest.param([0, 0.4] * 4, True, id="to and fro"),
        pytest.param([0, 0.4] * 2, False, id="two times"),
        pytest.param([0, 0.4] * 4 + [0.4] * 15, False, id="bad for good since"),
        pytest.param([0, None, 0.4, None] * 4, True, id="with gaps"),
    ],
)
def test_signal_that_turns_often_and_lately_flaps(numbers: list[float | None], flaps: bool) -> None:
    (read,) = signals_from("symptoms", [history(*numbers)])
    assert read.flaps(3, 120) is flaps


@pytest.mark.parametrize(
    ("points", "before"),
    [
        pytest.param({1800: 30, 600: 30, 0: 90}, 600, id="after a long time"),
        pytest.param({1800: 30, 0: 90}, 1800, id="from the first"),
        pytest.param({900: 30, 600: 30, 300: 90, 290: 30, 0: 85}, 600, id="killed in between"),
        pytest.param({900: 30, 0: 33}, None, id="hardly at all"),
        pytest.param({900: 90, 800: 30, 0: 31}, None, id="it was up already"),
    ],
)
def test_climb_is_traced_to_its_beginning(points: dict[float, float], before: int | None) -> None:
    (read,) = signals_from("memory", [line("memory", points)])
    start = climb_start(read)
    if before is None:
        assert start is None
    else:
        assert start is not None
        assert abs(NOW.timestamp() - before - start) <= 25


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T18:40:00Z",
        "2026-11-25T18:40:00.000Z",
        "2026-11-25T18:40:00.000000123Z",
        "2026-11-25T20:40:00+02:00",
        "2026-11-25t13:40:00-0500",
        "2026-11-25 18:40:00",
    ],
)
def test_time_is_read_however_it_is_written(text: str) -> None:
    assert seconds_at("onset", text) == NOW.timestamp()
    assert time_at(NOW.timestamp()) == "2026-11-25T18:40:00Z"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"symptoms": [{"name": "x"}]}, "symptoms[0]: is no signal", id="no verdict"),
        pytest.param({"symptoms": ["x"]}, "symptoms[0]: is no signal", id="text"),
        pytest.param(
            {"symptoms": [{**signal(), "history": [{"verdict": "healthy"}]}]},
            "symptoms[0].history: 'None' is no time",
            id="a history without times",
        ),
        pytest.param({"onset": "yesterday"}, "onset: 'yesterday' is no time", id="no time"),
        pytest.param(
            {"onset": "2026-13-45T00:00:00Z"}, "is no time", id="a day that does not exist"
        ),
        pytest.param({"window": "soon"}, "window: is 'soon', which is no duration", id="duration"),
        pytest.param({"memory_share": 0.0}, "memory_share: is 0.0", id="a share of nothing"),
        pytest.param({"load_factor": 0.5}, "load_factor: is 0.5", id="less than usual"),
        pytest.param({"triage": {"changed": False}}, "triage: is no triage", id="another result"),
        pytest.param(
            {"triage": {"workloads": [{"kind": "Deployment"}]}},
            "triage: is not what k8s_triage_info returns",
            id="half a result",
        ),
        pytest.param(
            {"triage": {**triage(), "pods": ["x"]}},
            "triage: is not what k8s_triage_info returns",
            id="pods that are none",
        ),
    ],
)
def test_evidence_that_is_none_is_named(options: dict[str, Any], says: str) -> None:
    with pytest.raises(RecoveryError) as error:
        decided(**options)
    assert says in error.value.message


def test_hostile_text_is_quoted_on_one_line_and_cut() -> None:
    hostile = {**signal(bad_since=60), "reason": "\x1b[2J\nrm -rf /\r" + "x" * 5000}
    answer = decided(symptoms=[hostile])
    told = answer["reasons"][0]
    assert "\x1b" not in told and "\n" not in told
    assert len(told) < 500


def test_answer_is_the_same_for_the_same_evidence() -> None:
    evidence = {"symptoms": [signal(bad_since=60), unknown("seconds")], "triage": {"workloads": []}}
    assert decided(**evidence) == decided(**evidence)
