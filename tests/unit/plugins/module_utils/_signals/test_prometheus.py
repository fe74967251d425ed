# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of Prometheus' answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import NoAnswer
from ansible_collections.oncall.recovery.plugins.module_utils._signals.prometheus import samples_of
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Sample

URL = "http://127.0.0.1:9090"


def success(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def test_every_series_of_a_vector_is_a_sample() -> None:
    series = [
        {"metric": {"__name__": "up", "pod": "web-1"}, "value": [1764059400.25, "1"]},
        {"metric": {}, "value": [1764059400, "NaN"]},
    ]
    samples, warnings = samples_of(success("vector", series), URL)
    assert samples == [
        Sample({"__name__": "up", "pod": "web-1"}, "1", 1764059400.25),
        Sample({}, "NaN", 1764059400.0),
    ]
    assert warnings == []


def test_scalar_is_a_sample_without_labels() -> None:
    assert samples_of(success("scalar", [1.5, "+Inf"]), URL)[0] == [Sample({}, "+Inf", 1.5)]


def test_warnings_of_a_partial_answer_are_passed_on() -> None:
    answer = success("vector", [], warnings=["a store did not answer"])
    assert samples_of(answer, URL) == ([], ["a store did not answer"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            {"status": "error", "errorType": "bad_data", "error": "parse error:\n at char 3"},
            "refuses the query (bad_data: parse error: at char 3)",
            id="refused",
        ),
        pytest.param(success("matrix", []), "the query gives a matrix", id="range"),
        pytest.param(success("string", [1, "x"]), "the query gives a string", id="text"),
        pytest.param({"kind": "Status"}, "does not answer as Prometheus does", id="other server"),
        pytest.param([], "does not answer as Prometheus does", id="list"),
        pytest.param({"status": "success"}, "does not answer as Prometheus does", id="no data"),
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
    ],
)
def test_anything_else_is_no_answer(answer: Any, words: str) -> None:
    with pytest.raises(NoAnswer, match="http") as caught:
        samples_of(answer, URL)
    assert words in caught.value.message
