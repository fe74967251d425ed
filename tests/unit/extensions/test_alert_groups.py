# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event filter: what of Alertmanager's messages becomes an event, and when."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

FILTER = Path(__file__).resolve().parents[3] / "extensions/eda/plugins/event_filter/alert_groups.py"


@pytest.fixture
def loaded() -> dict[str, Any]:
    """Loaded as ansible-rulebook does it, which is no import."""
    return runpy.run_path(str(FILTER))


def alert(
    state: str = "firing", *, start: str = "10:00:00Z", fingerprint: str = "a", **labels: Any
) -> dict[str, Any]:
    return {
        "status": state,
        "labels": {
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "playbook": "oncall.recovery.rollback",
            "signal": "error_rate",
            **labels,
        },
        "startsAt": f"2026-11-25T{start}",
        "fingerprint": fingerprint * 16,
    }


FIRES, ENDS = alert(), alert("resolved")
AGAIN = alert(start="11:00:00Z")
OTHER, OTHER_ENDS = (
    alert(state, fingerprint="b", start="09:00:00Z") for state in ("firing", "resolved")
)

STORIES: dict[str, tuple[list[list[dict[str, Any]]], list[str]]] = {
    "nothing": ([[]], [""]),
    "fires": ([[FIRES]], ["firing"]),
    "fires again and again": ([[FIRES], [FIRES], [FIRES]], ["firing", "", ""]),
    "twice in one message": ([[FIRES, FIRES]], ["firing"]),
    "resolved out of the blue": ([[ENDS]], [""]),
    "resolved": ([[FIRES], [ENDS], [ENDS]], ["firing", "resolved", ""]),
    "fires anew": ([[FIRES], [ENDS], [AGAIN]], ["firing", "resolved", "firing"]),
    "late word of what is over": ([[FIRES], [ENDS], [FIRES]], ["firing", "resolved", ""]),
    "late word after a restart": ([[ENDS], [FIRES]], ["", ""]),
    "another joins": ([[FIRES], [FIRES, OTHER]], ["firing", ""]),
    "one of two ends": ([[FIRES, OTHER], [ENDS, OTHER]], ["firing", ""]),
    "both end": ([[FIRES, OTHER], [ENDS], [OTHER_ENDS]], ["firing", "", "resolved"]),
    "both end at once": ([[FIRES, OTHER], [ENDS, OTHER_ENDS]], ["firing", "resolved"]),
    "one ends as another begins": ([[FIRES], [ENDS, OTHER]], ["firing", ""]),
    "an older one comes later": ([[FIRES], [ENDS], [OTHER]], ["firing", "resolved", "firing"]),
    "the same with a new start": ([[FIRES], [AGAIN]], ["firing", ""]),
}


@pytest.mark.parametrize(("messages", "expected"), STORIES.values(), ids=STORIES)
def test_group_acts_once_until_it_is_resolved(
    loaded: dict[str, Any], messages: list[list[dict[str, Any]]], expected: list[str]
) -> None:
    made = [loaded["main"]({"payload": {"alerts": alerts}}) for alerts in messages]
    assert ["".join(event["alert"]["state"] for event in events) for events in made] == expected


def test_event_has_checked_parts_only(loaded: dict[str, Any]) -> None:
    (event,) = loaded["main"](
        {
            "payload": {
                "alerts": [
                    alert(cluster="eu-west", alertname="{{ x }}", signal="latency"),
                    alert(cluster="eu-west", start="11:59:59.5+02:00", fingerprint="b"),
                ],
                "groupKey": "{{ x }}",
            },
            "meta": {"headers": {"User-Agent": "{{ x }}"}},
        }
    )
    assert event == {
        "alert": {
            "state": "firing",
            "cluster": "eu-west",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "playbook": "oncall.recovery.rollback",
            "workload": [{"kind": "Deployment", "namespace": "shop", "name": "web"}],
            "incident": "alert-20261125T095959Z-eu-west-shop-deployment-web",
            "reason": "alert error_rate, latency since 2026-11-25 09:59:59 UTC",
        }
    }


def test_groups_are_told_apart_by_each_of_their_parts(loaded: dict[str, Any]) -> None:
    parts = [
        {},
        {"kind": "StatefulSet"},
        {"namespace": "x"},
        {"name": "x"},
        {"cluster": "x"},
        {"playbook": "x"},
    ]
    events = loaded["main"]({"payload": {"alerts": [alert(**part) for part in parts]}})
    assert len(events) == len(parts)
    assert loaded["main"]({"payload": {"alerts": [alert(**part) for part in parts]}}) == []


def test_names_may_be_as_long_as_kubernetes_allows(loaded: dict[str, Any]) -> None:
    longest = ".".join(["a" * 63] * 4)[:253]
    assert loaded["checked"](alert(name=longest, namespace="n" * 63)).group.name == longest
    for wrong in (
        {"name": f"{longest}a"},
        {"namespace": "n" * 64},
        {"name": "a..b"},
        {"name": "a-"},
    ):
        with pytest.raises(loaded["Ignored"]):
            loaded["checked"](alert(**wrong))


def test_reason_does_not_grow_with_the_signals(loaded: dict[str, Any]) -> None:
    many = [alert(signal=f"s{number}", fingerprint=f"{number}") for number in range(9)]
    (event,) = loaded["main"]({"payload": {"alerts": many}})
    assert event["alert"]["reason"] == "alert s0, s1, s2, s3, s4, ... since 2026-11-25 10:00:00 UTC"


def test_memory_is_bounded_and_the_quietest_group_is_forgotten(loaded: dict[str, Any]) -> None:
    groups = loaded["Groups"](most=2)

    def fires(name: str) -> bool:
        return bool(groups.events_of({"alerts": [alert(name=name)]}))

    assert [fires(name) for name in ("a", "b", "a", "c", "a", "b")] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_alerts_of_one_group_are_bounded(loaded: dict[str, Any]) -> None:
    many = [{**alert(), "fingerprint": f"{number:016x}"} for number in range(3000)]
    groups = loaded["Groups"]()
    groups.events_of({"alerts": many})
    groups.events_of({"alerts": [{**one, "status": "resolved"} for one in many]})
    (known,) = groups._known.values()
    assert len(known.firing) == 0
    assert len(known.over) == 1000


def test_foreign_text_is_shown_in_one_short_line_of_plain_characters(
    loaded: dict[str, Any],
) -> None:
    shown = loaded["shown"]("\x1b]0;x\x07\n\u202e" + "a" * 1000)
    assert shown.isprintable()
    assert shown.isascii()
    assert len(shown) < 100
    assert loaded["shown"]({"a": 1}) == "'dict'"
