# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backup is chosen, and what speaks against it."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database.choice import (
    Wanted,
    choose,
    judge,
    require_passed,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import (
    Backup,
    Source,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError

DISK = Source("disk", restore_command="")
WAL = Source("wal", restore_command="cp %f %p")


def backup(name: str, made: float, **changed: object) -> Backup:
    known = {"source": "disk", "form": "custom", "path": f"/b/{name}", "size": 1, "is_read": True}
    # A dictionary of several types says nothing of each field's.
    return Backup(**{"name": name, "made": made, "database": "shop", **known, **changed})  # type: ignore[arg-type]


NEWEST_FIRST = [
    backup("new", 300),
    backup("other", 250, database="other"),
    backup("base", 200, form="base", source="wal", database=""),
    backup("old", 100),
]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        pytest.param(Wanted("shop"), "new", id="the newest of the database"),
        pytest.param(Wanted("shop", before=299), "base", id="what WAL brings to the moment"),
        pytest.param(Wanted("shop", before=150), "old", id="the newest before the moment"),
        pytest.param(Wanted("shop", before=100), "old", id="one of the very moment"),
        pytest.param(Wanted("shop", of="other"), "other", id="of another name"),
        pytest.param(Wanted("shop", backup="old"), "old", id="the one that is named"),
        pytest.param(Wanted("shop", backup="base"), "base", id="a base backup that is named"),
    ],
)
def test_backup_that_loses_least_is_chosen(wanted: Wanted, name: str) -> None:
    assert choose(Tools(), [DISK, WAL], NEWEST_FIRST, wanted).name == name


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted("shop", before=50), "no backup of it older than 1970-01-01T00:00:50Z among 4"),
        (Wanted("nothing"), "no backup of it among 4"),
        (Wanted("shop", backup="lost"), "is in none of the sources. There are: new, base, old"),
    ],
)
def test_backup_that_is_not_there_is_said(wanted: Wanted, says: str) -> None:
    with pytest.raises(RecoveryError) as refused:
        choose(Tools(), [DISK, WAL], NEWEST_FIRST, wanted)
    assert says in refused.value.message


def test_name_that_two_sources_have_is_refused() -> None:
    twins = [backup("one", 1), backup("one", 2, source="wal")]
    with pytest.raises(RecoveryError, match="is in 2 of the sources"):
        choose(Tools(), [DISK, WAL], twins, Wanted("shop", backup="one"))


@pytest.mark.parametrize(
    ("one", "wanted", "blocked"),
    [
        pytest.param(backup("a", 900), Wanted("shop", rpo=100), [], id="as old as it may be"),
        pytest.param(backup("a", 899), Wanted("shop", rpo=100), ["rpo"], id="too old"),
        pytest.param(
            backup("a", 400), Wanted("shop", before=500, rpo=100), [], id="old, seen from now"
        ),
        pytest.param(backup("a", 501), Wanted("shop", before=500), ["backup_before"], id="newer"),
        pytest.param(
            backup("a", 1, database="b"), Wanted("shop"), ["backup_of_database"], id="of another"
        ),
        pytest.param(backup("a", 1, problem="x"), Wanted("shop"), ["backup_readable"], id="broken"),
    ],
)
def test_what_speaks_against_a_backup(one: Backup, wanted: Wanted, blocked: list[str]) -> None:
    guards = judge(one, wanted, 1000, reaches=False)
    assert [guard["name"] for guard in guards if guard["outcome"] == "block"] == blocked


def test_base_backup_with_wal_is_never_too_old() -> None:
    old = dataclasses.replace(backup("a", 1), form="base")
    assert not [
        guard
        for guard in judge(old, Wanted("shop", before=900, rpo=1), 1000, reaches=True)
        if guard["outcome"] == "block"
    ]


def test_all_that_blocks_is_named() -> None:
    guards = judge(
        backup("a", 1, database="b", problem="cut off"), Wanted("shop", rpo=1), 9, reaches=False
    )
    with pytest.raises(RecoveryError) as refused:
        require_passed("restore x", guards)
    assert refused.value.message == (
        "restore x: refused by backup_readable (a: cut off); backup_of_database (a is of database "
        "b; if that is meant, say so with of); rpo (8s old, 1s may be lost)"
    )
