# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries survive the ledger, and what somebody did to one there is seen."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import (
    Book,
    crossed_out,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.document import (
    Place,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    RESTART_TOKENS,
    Entry,
    Field,
    Story,
    from_json,
    to_json,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    object_reference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
)

STORY = Story("ada", "INC-1", "it hangs", "2026-11-25T03:14:07Z", "2026-11-25T05:14:07Z", "2h")
SECRET_VALUES = ("b2xk", "bmV3")


def field(
    kind: str = "ConfigMap", tokens: tuple[str, ...] = ("data", "A"), place: Place | None = None
) -> Field:
    return Field(object_reference(kind, "shop", "web"), "uid-1", tokens, place)


ENTRIES = [
    pytest.param(Entry("m", field(), "new", "old", story=STORY, sequence=3), id="value"),
    pytest.param(Entry("m", field(), ABSENT, None), id="null and nothing are told apart"),
    pytest.param(Entry("m", field(), "new", ABSENT, earlier=("first", ABSENT)), id="earlier"),
    pytest.param(Entry("m", field(), "1", "old", asked="1000m"), id="as the server writes it"),
    pytest.param(
        Entry("m", field(place=Place("yaml", ("a", "b/c"))), 5, "a: 1", "a: 5"), id="document"
    ),
    pytest.param(Entry("m", field("Deployment", RESTART_TOKENS), "token"), id="restart"),
    pytest.param(Entry("m", field(), ABSENT, "old", order=("A", "B")), id="element of a list"),
    pytest.param(
        Entry("m", field("Secret"), SECRET_VALUES[1], SECRET_VALUES[0], story=STORY), id="Secret"
    ),
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert from_json("shop", entry.key, *to_json(entry)) == entry


def test_values_of_secrets_are_not_in_the_ledger() -> None:
    entry = Entry(
        *("m", field("Secret"), SECRET_VALUES[1], SECRET_VALUES[0]), earlier=(SECRET_VALUES[0],)
    )
    text, secret = to_json(entry)
    assert not [value for value in SECRET_VALUES if value in text]
    assert all(value in secret for value in SECRET_VALUES)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"uid": "another"}, id="another object"),
        pytest.param({"path": "/data/B"}, id="another field"),
        pytest.param({"path": "/metadata/finalizers"}, id="a field that is off limits"),
        pytest.param({"object": {"kind": "ConfigMap"}}, id="half an object"),
        pytest.param(
            {"object": {"kind": "ConfigMap", "name": "../x", "api_version": "v1"}},
            id="a hostile name",
        ),
        pytest.param({"sequence": "x"}, id="no number"),
        pytest.param({"mitigation": "other"}, id="another mitigation"),
        pytest.param({"document": {"path": "/a", "format": "xml"}}, id="an unknown format"),
    ],
)
def test_entry_that_somebody_changed_is_unreadable_and_named(change: dict[str, t.Any]) -> None:
    entry = Entry("m", field(), "new", "old")
    text = json.dumps({**json.loads(to_json(entry)[0]), **change})
    with pytest.raises(RecoveryError, match=rf"entry {entry.key} of the ledger in shop: cannot be"):
        from_json("shop", entry.key, text)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000])
def test_entry_that_is_nothing_is_unreadable(text: str) -> None:
    with pytest.raises(RecoveryError, match="cannot be read"):
        from_json("shop", "mitigation.m.1", text)


def test_secret_whose_values_are_gone_is_unreadable() -> None:
    entry = Entry("m", field("Secret"), "bmV3", "b2xk")
    with pytest.raises(RecoveryError, match="cannot be read"):
        from_json("shop", entry.key, to_json(entry)[0])


def book(*entries: Entry, **more: str) -> Book:
    data = {entry.key: to_json(entry)[0] for entry in entries}
    return Book("shop", {"data": {**data, **more}})


def test_unreadable_entries_do_not_keep_others_from_being_read() -> None:
    good = Entry("m", field(), "new", "old")
    found = book(good, **{"mitigation.x.1": "{", "suspension.Application.1": "{}"})
    assert list(found.entries.values()) == [good]
    assert len(found.unreadable) == 1
    assert found.others == {"suspension.Application.1": "{}"}


def test_crossing_out_joins_what_stood_on_it() -> None:
    entries = [
        Entry(name, field(), str(number), str(number - 1), sequence=number)
        for number, name in enumerate("abc", start=1)
    ]
    changes = crossed_out(book(*entries), {entries[1].key, "mitigation.gone.1"})
    assert changes.keys() == {entries[1].key, entries[2].key}
    assert changes[entries[1].key] is None
    above = changes[entries[2].key]
    assert above and (above.before, above.value) == ("1", "3")
