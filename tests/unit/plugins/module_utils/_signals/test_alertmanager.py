# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of Alertmanager's answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._signals.alertmanager import Alerts
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import NoAnswer

from .servers import Canned


def alert(name: str) -> dict[str, Any]:
    return {"labels": {"alertname": name}, "status": {"state": "active"}}


def test_alerts_are_counted_and_named() -> None:
    server = Canned.reply([alert("LatencyHigh"), alert("CrashLoop"), alert("CrashLoop")])
    (moment,) = Alerts(server, ('a="b"', "c=~d")).ask(5).moments
    (sample,) = moment.samples
    assert (sample.value, sample.detail) == (3, '2 "CrashLoop", 1 "LatencyHigh"')
    assert server.asked == [
        (
            "/api/v2/alerts",
            {
                "active": "true",
                "silenced": "false",
                "inhibited": "false",
                "filter": ('a="b"', "c=~d"),
            },
        )
    ]


def test_no_alert_is_a_number_and_not_no_data() -> None:
    (moment,) = Alerts(Canned.reply([])).ask(5).moments
    assert [(sample.value, sample.detail) for sample in moment.samples] == [(0, "")]


def test_silenced_and_inhibited_count_where_that_is_asked_for() -> None:
    server = Canned.reply([])
    Alerts(server, silenced=True, inhibited=True).ask(5)
    assert server.asked[0][1]["silenced"] == server.asked[0][1]["inhibited"] == "true"


def test_names_are_quoted_and_only_some_are_told() -> None:
    server = Canned.reply([alert(f"A{number:02}\n\x1b") for number in range(13)])
    detail = Alerts(server).ask(5).moments[0].samples[0].detail
    assert detail.isprintable()
    assert detail.endswith("3 more names")


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        ("bad matcher format: s3cret", 400, "answered 400: "),
        ({"status": "success"}, 200, "does not answer as Alertmanager does"),
        ([{"labels": None}], 200, "does not answer as Alertmanager does"),
        (["x"], 200, "does not answer as Alertmanager does"),
        ([], 503, "answered 503"),
    ],
    ids=["matcher", "other server", "no labels", "no alert", "not ready"],
)
def test_anything_else_is_no_answer(content: Any, status: int, words: str) -> None:
    with pytest.raises(NoAnswer, match="http") as caught:
        Alerts(Canned.reply(content, status, token="s3cret")).ask(5)
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message
