# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of Prometheus' answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._signals import prometheus
from ansible_collections.oncall.recovery.plugins.module_utils._signals.prometheus import (
    InstantQuery,
    RangeQuery,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    Moment,
    NoAnswer,
    Sample,
)

from .servers import Canned

NOW = 1764059400.25


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus.time, "time", lambda: NOW)


def success(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def test_every_series_of_a_vector_is_a_sample() -> None:
    series = [
        {"metric": {"__name__": "up", "pod": "web-1"}, "value": [1764059400.25, "1"]},
        {"metric": {}, "value": [1764059400, "NaN"]},
    ]
    server = Canned.reply(success("vector", series))
    answer = InstantQuery(server, "up").ask(2.6)
    assert answer.moments == [
        Moment(
            NOW,
            [
                Sample({"__name__": "up", "pod": "web-1"}, "1", 1764059400.25),
                Sample({}, "NaN", 1764059400.0),
            ],
        )
    ]
    assert answer.warnings == []
    assert server.asked == [("/api/v1/query", {"query": "up", "timeout": "3s"})]


def test_scalar_is_a_sample_without_labels() -> None:
    (moment,) = InstantQuery(Canned.reply(success("scalar", [1.5, "+Inf"])), "1").ask(1).moments
    assert moment.samples == [Sample({}, "+Inf", 1.5)]


def test_warnings_of_a_partial_answer_are_passed_on() -> None:
    reply = success("vector", [], warnings=["a store did not answer"])
    assert InstantQuery(Canned.reply(reply), "up").ask(1).warnings == ["a store did not answer"]


def test_each_step_of_a_range_is_a_moment_and_gaps_are_moments_without_a_sample() -> None:
    series = [
        {"metric": {"pod": "a"}, "values": [[NOW - 30, "1"], [NOW, "3"]]},
        {"metric": {"pod": "b"}, "values": [[NOW - 30.0004, "5"]]},
    ]
    server = Canned.reply(success("matrix", series))
    moments = RangeQuery(server, "up", reach=40, step=15).ask(5).moments
    assert [moment.at for moment in moments] == [NOW - 30, NOW - 15, NOW]
    assert [[sample.text for sample in moment.samples] for moment in moments] == [
        ["1", "5"],
        [],
        ["3"],
    ]
    path, parameters = server.asked[0]
    assert path == "/api/v1/query_range"
    assert parameters == {
        "query": "up",
        "start": "1764059370.25",
        "end": "1764059400.25",
        "step": "15",
        "timeout": "5s",
    }


def test_range_without_any_data_has_all_its_moments() -> None:
    moments = (
        RangeQuery(Canned.reply(success("matrix", [])), "up", reach=60, step=15).ask(5).moments
    )
    assert [list(moment.samples) for moment in moments] == [[]] * 5


ODD = [
    pytest.param(
        {"status": "error", "errorType": "bad_data", "error": "parse error:\n at char 3"},
        "refuses the query (bad_data: parse error: at char 3)",
        id="refused",
    ),
    pytest.param(success("string", [1, "x"]), "the query gives a string", id="text"),
    pytest.param({"kind": "Status"}, "does not answer as Prometheus does", id="other server"),
    pytest.param([], "does not answer as Prometheus does", id="list"),
    pytest.param({"status": "success"}, "does not answer as Prometheus does", id="no data"),
]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        *ODD,
        pytest.param(success("matrix", []), "the query gives a matrix", id="range"),
        pytest.param(
            success("vector", [{"metric": {}, "value": [1, "abc", 2]}]),
            "does not answer as Prometheus does",
            id="odd value",
        ),
        pytest.param(
            success("vector", [{"metric": {}, "value": [1, "abc"]}]),
            "does not answer as Prometheus does",
            id="no number",
        ),
        pytest.param(
            success("vector", [{"metric": {}, "histogram": [1, {}]}]),
            "does not answer as Prometheus does",
            id="native histogram",
        ),
    ],
)
def test_anything_else_is_no_answer(answer: Any, words: str) -> None:
    with pytest.raises(NoAnswer, match="http") as caught:
        InstantQuery(Canned.reply(answer), "up").ask(1)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        *ODD,
        pytest.param(success("vector", []), "the query gives a vector", id="instant"),
        pytest.param(
            success("matrix", [{"metric": {}, "values": [[1]]}]),
            "does not answer as Prometheus does",
            id="odd value",
        ),
    ],
)
def test_anything_else_is_no_answer_for_a_range_either(answer: Any, words: str) -> None:
    with pytest.raises(NoAnswer, match="http") as caught:
        RangeQuery(Canned.reply(answer), "up", reach=60, step=15).ask(1)
    assert words in caught.value.message


def test_secret_that_the_server_repeats_is_not_told() -> None:
    reply = {"status": "error", "errorType": "internal", "error": "who is s3cret?"}
    with pytest.raises(NoAnswer) as caught:
        InstantQuery(Canned.reply(reply, token="s3cret"), "up").ask(1)
    assert "s3cret" not in caught.value.message
