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
from ansible_collections.oncall.recovery.plugins.module_utils._kube.undo_patch import undo_patch

from ..builders import history
from .cases import answer_of, case_of, ready_workload

Object = dict[str, t.Any]


def ago(minutes: float) -> str:
    return (now() - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def annotated(record: Object | None) -> Object:
    annotations = {} if record is None else {"oncall.recovery/rollback": json.dumps(record)}
    return ready_workload(annotations=annotations)


def answer(record: Object | None, *, minutes_ago: float = 10, **request: t.Any) -> tuple[str, str]:
    """A workload that was rolled back for INC-1, unless there is no record."""
    noted = {
        "incident": "INC-1",
        "automatic": True,
        "at": ago(minutes_ago),
        "from": "web-rs9",
        "to": "web-rs8",
    }
    noted["last_automatic"] = noted["at"]
    live = annotated(None if record is None else {**noted, **record})
    return answer_of("cooldown", case_of(live, **request))


@pytest.mark.parametrize(
    ("record", "minutes_ago", "request_", "outcome"),
    [
        pytest.param({}, 10, {}, "pass", id="a person asks"),
        pytest.param({}, 10, {"incident": "INC-1"}, "pass", id="a person asks in the incident"),
        pytest.param(None, 10, {"automatic": True}, "pass", id="no rollback before"),
        pytest.param(
            {"automatic": False, "last_automatic": None},
            10,
            {"automatic": True},
            "pass",
            id="a person did it",
        ),
        pytest.param(
            {"automatic": False, "last_automatic": ago(20)},
            10,
            {"automatic": True},
            "block",
            id="a person acted after it was done automatically",
        ),
        pytest.param(
            {"at": "9999-12-31T23:59:59Z", "last_automatic": "9999-12-31T23:59:59Z"},
            0,
            {"automatic": True},
            "block",
            id="its time cannot be right",
        ),
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
    assert detail.endswith("so the next is allowed in 50 min")


@pytest.mark.parametrize(
    ("incident", "outcome"), [("INC: 1", "block"), ("INC-2", "pass"), ("", "pass"), ("...", "pass")]
)
def test_mark_tells_of_the_incident_where_kubectl_took_the_record_away(
    incident: str, outcome: str
) -> None:
    live = annotated(None)
    objects = history(live, "web:1", "web:2")
    objects[1]["metadata"]["labels"].update(
        {"oncall.recovery/verdict": "bad", "oncall.recovery/incident": "INC-1"}
    )
    case = case_of(live, objects=objects, automatic=True, incident=incident)
    found, detail = answer_of("cooldown", case)
    assert found == outcome
    if outcome == "block":
        assert detail.startswith("revision 2 was left as bad in this very incident")


def test_rollback_by_hand_keeps_the_time_of_the_last_automatic_one() -> None:
    earlier = ago(20)
    noted = {"incident": "INC-1", "automatic": True, "at": earlier, "from": "a", "to": "b"}
    live = annotated({**noted, "last_automatic": earlier})
    patch = undo_patch(case_of(live, incident="INC-1"))
    (written,) = [json.loads(s["value"]) for s in patch if s["path"].endswith("~1rollback")]
    assert (written["automatic"], written["last_automatic"]) == (False, earlier)
