# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One automatic rollback per incident, and none soon after another."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import now

from .cases import answer_of, case_of, ready_workload


def answer(
    record: dict[str, t.Any] | None, *, minutes_ago: float = 10, **request: t.Any
) -> tuple[str, str]:
    """A workload that was rolled back for INC-1, unless there is no record."""
    at = now() - datetime.timedelta(minutes=minutes_ago)
    noted = {
        "incident": "INC-1",
        "automatic": True,
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "from": "web-rs9",
        "to": "web-rs8",
        **(record or {}),
    }
    annotations = {} if record is None else {"oncall.recovery/rollback": json.dumps(noted)}
    live = ready_workload(annotations=annotations)
    return answer_of("cooldown", case_of(live, **request))


@pytest.mark.parametrize(
    ("record", "minutes_ago", "request_", "outcome"),
    [
        pytest.param({}, 10, {}, "pass", id="a person asks"),
        pytest.param({}, 10, {"incident": "INC-1"}, "pass", id="a person asks in the incident"),
        pytest.param(None, 10, {"automatic": True}, "pass", id="no rollback before"),
        pytest.param({"automatic": False}, 10, {"automatic": True}, "pass", id="a person did it"),
        pytest.param({}, 10, {"automatic": True}, "block", id="within the cooldown"),
        pytest.param({}, 61, {"automatic": True}, "pass", id="after the cooldown"),
        pytest.param(
            {},
            10,
            {"automatic": True, "incident": "INC-2"},
            "block",
            id="another too soon",
        ),
        pytest.param(
            {}, 6000, {"automatic": True, "incident": "INC-1"}, "block", id="the incident again"
        ),
    ],
)
def test_cooldown_where(
    record: dict[str, t.Any] | None,
    minutes_ago: float,
    request_: dict[str, t.Any],
    outcome: str,
) -> None:
    found, _detail = answer(record, minutes_ago=minutes_ago, cooldown_seconds=3600, **request_)
    assert found == outcome


def test_block_says_from_when_on_it_is_allowed() -> None:
    _outcome, detail = answer({}, automatic=True, cooldown_seconds=3600)
    over = now() + datetime.timedelta(minutes=50)
    assert f"so the next is allowed from {over:%Y-%m-%d %H}" in detail
