# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patches through JSON Pointers change one field, and only while it is as it was read."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Draft,
    canonical,
    parse_pointer,
    place_among,
    read_at,
    render_pointer,
)

Object = dict[str, t.Any]
ENV = ("spec", "env")
UID = {"op": "test", "path": "/metadata/uid", "value": "u1"}
VERSION = {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
GENERATION = {"op": "test", "path": "/metadata/generation", "value": 3}


def live(**content: t.Any) -> Object:
    return {"metadata": {"uid": "u1", "resourceVersion": "7", "generation": 3}, **content}


def variables(*names: str) -> list[Object]:
    return [{"name": name, "value": "1"} for name in names]


def draft(**content: t.Any) -> Draft:
    return Draft("Deployment shop/web", live(**content))


@pytest.mark.parametrize(
    "pointer", ["", "spec", "/a~2", "/a~", "/a\nb", "/" + "x" * 1001], ids=lambda text: text[:5]
)
def test_what_is_no_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(InvalidInput):
        parse_pointer(pointer)


@pytest.mark.parametrize("pointer", ["/a", "/a~1b/~0c", "/a//b", "/metadata/annotations/x.y~1z"])
def test_pointer_is_read_and_written_alike(pointer: str) -> None:
    assert render_pointer(parse_pointer(pointer)) == pointer


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        pytest.param(variables("A", "B"), "[name=B]", id="named elements"),
        pytest.param([{"port": 80}, {"port": 81}], "1", id="elements without names"),
        pytest.param(variables("A", "A"), "1", id="one name twice"),
        pytest.param(["a", "b"], "1", id="plain values"),
    ],
)
def test_position_becomes_a_name_where_that_is_clear(elements: list[t.Any], expected: str) -> None:
    found = canonical({"spec": {"env": elements}}, (*ENV, "1"))
    assert found == (*ENV, expected)
    assert read_at({"spec": {"env": elements}}, found) == elements[1]


def test_of_two_with_one_name_the_last_counts() -> None:
    elements = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert read_at(elements, ("[name=A]", "value")) == "2"


def test_replaced_value_is_tested() -> None:
    changed = draft(data={"a": "1"})
    changed.write(("data", "a"), "2")
    assert changed.patch == [
        UID,
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "add", "path": "/data/a", "value": "2"},
    ]


def test_absence_is_tested_by_the_resource_version() -> None:
    changed = draft()
    changed.write(("data", "a"), "2")
    changed.write(("data", "b"), "3")
    assert changed.patch == [
        VERSION,
        UID,
        {"op": "add", "path": "/data", "value": {}},
        {"op": "add", "path": "/data/a", "value": "2"},
        {"op": "add", "path": "/data/b", "value": "3"},
    ]


def test_elements_of_lists_are_tested_with_the_generation() -> None:
    """Somebody may insert another one before it, which its value does not tell."""
    changed = draft(spec={"env": variables("A", "B")})
    changed.write((*ENV, "[name=B]"), {"name": "B", "value": "2"})
    assert changed.patch == [
        GENERATION,
        UID,
        {"op": "test", "path": "/spec/env/1", "value": {"name": "B", "value": "1"}},
        {"op": "replace", "path": "/spec/env/1", "value": {"name": "B", "value": "2"}},
    ]


def test_positions_move_with_earlier_changes_of_the_same_patch() -> None:
    changed = draft(spec={"env": variables("A", "B")})
    changed.write((*ENV, "[name=A]"), ABSENT)
    changed.write((*ENV, "[name=B]"), ABSENT)
    removed = [step["path"] for step in changed.patch if step["op"] == "remove"]
    assert removed == ["/spec/env/0", "/spec/env/0"]


def test_nothing_to_change_is_no_patch() -> None:
    changed = draft(data={"a": "1"})
    changed.write(("data", "a"), "1")
    changed.write(("data", "b"), ABSENT)
    assert changed.patch == []


def test_true_is_not_taken_for_one() -> None:
    changed = draft(spec={"enabled": 1})
    changed.write(("spec", "enabled"), True)
    assert changed.patch[-1] == {"op": "add", "path": "/spec/enabled", "value": True}


@pytest.mark.parametrize(
    ("tokens", "value"),
    [
        pytest.param(("spec", "selector", "color"), "blue", id="no parent"),
        pytest.param(("spec", "ports", "2"), {"port": 1}, id="no such element"),
        pytest.param(("spec", "ports", "-"), {"port": 1}, id="the end of a list"),
        pytest.param(("spec", "ports", "0"), ABSENT, id="an element without a name taken away"),
        pytest.param(("spec", "type", "x"), "y", id="below a plain value"),
    ],
)
def test_field_whose_place_is_not_clear_is_refused(tokens: tuple[str, ...], value: t.Any) -> None:
    changed = draft(spec={"ports": [{"port": 80}], "type": "ClusterIP"})
    with pytest.raises(RecoveryError, match="Deployment shop/web: "):
        changed.write(tokens, value)


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (["A", "C"], 1),
        (["C"], 0),
        (["A"], 1),
        (["X", "A"], 2),
        (["X"], 1),
        ([], 0),
        (["C", "A"], 0),
    ],
)
def test_element_comes_back_to_its_place(present: list[str], expected: int) -> None:
    assert place_among(present, "B", ("A", "B", "C")) == expected


def test_element_of_no_known_order_goes_to_the_end() -> None:
    assert place_among(["A", "B"], "C", ()) == 2


def test_absence_in_the_specification_is_tested_by_the_generation() -> None:
    """Status updates, of which a rollout has many, do not get in the way."""
    changed = draft(spec={"template": {"metadata": {}}})
    changed.write(("spec", "template", "metadata", "annotations", "a"), "1")
    assert changed.patch[:2] == [GENERATION, UID]
    assert VERSION not in changed.patch
