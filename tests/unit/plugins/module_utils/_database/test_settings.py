# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQL that makes a database like another."""

from __future__ import annotations

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database.instance import (
    configuration,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.live import (
    Database,
    judge_server,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.loss import Table
from ansible_collections.oncall.recovery.plugins.module_utils._database.settings import creation

FACTS = {
    "row": {
        "datname": "shop",
        "datcollate": "C",
        "datctype": "C.UTF-8",
        "datlocprovider": "c",
        "daticulocale": None,
        "datconnlimit": -1,
    },
    "owner": 'o"wner',
    "encoding": "UTF8",
    "tablespace": "pg_default",
    "is_standby": False,
    "is_superuser": False,
    "is_owner": True,
    "can_create": True,
    "can_signal": True,
    "prepared": [],
    "slots": [],
    "subscriptions": 0,
    "version": 150018,
}


def database(row: dict[str, object] | None = None, **facts: object) -> Database:
    # FACTS is a dictionary of several types, and its row one, too.
    changed = {**FACTS, **facts, "row": {**FACTS["row"], **(row or {})}}  # type: ignore[dict-item]
    return Database("shop", 16384, 1, 2, changed)


@pytest.mark.parametrize(
    ("live", "ending"),
    [
        pytest.param(database(), "LOCALE_PROVIDER libc CONNECTION LIMIT -1;", id="libc"),
        pytest.param(
            database({"datlocprovider": "i", "daticulocale": "de-x'"}),
            "LOCALE_PROVIDER icu ICU_LOCALE 'de-x''' CONNECTION LIMIT -1;",
            id="icu of 15 and 16",
        ),
        pytest.param(
            database({"datlocprovider": "b", "datlocale": "C.UTF-8"}, tablespace="fast"),
            "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' TABLESPACE \"fast\" "
            "CONNECTION LIMIT -1;",
            id="builtin of 17, and a tablespace",
        ),
    ],
)
def test_new_database_is_like_the_live_one(live: Database, ending: str) -> None:
    begins = (
        'CREATE DATABASE "new" TEMPLATE template0 OWNER "o""wner" ENCODING \'UTF8\' '
        "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' "
    )
    assert creation(live, "new") == begins + ending


def test_server_before_15_knows_no_provider() -> None:
    live = database()
    old = {key: value for key, value in live.facts["row"].items() if "prov" not in key}
    assert "PROVIDER" not in creation(Database("shop", 1, 1, 1, {**live.facts, "row": old}), "new")


@pytest.mark.parametrize(
    ("live", "renames", "blocked"),
    [
        (database(), True, []),
        (database(is_standby=True), True, ["primary"]),
        (database(can_create=False), True, ["rights"]),
        (database(can_create=False, is_superuser=True), True, []),
        (database(is_owner=False), True, ["rights"]),
        (database(can_signal=False), True, ["rights"]),
        (database(can_signal=False), False, []),
        (database(prepared=["x"]), True, ["prepared_transactions"]),
        (database(prepared=["x"]), False, []),
        (database(slots=["x"]), True, []),
    ],
)
def test_what_speaks_against_the_server(live: Database, renames: bool, blocked: list[str]) -> None:
    guards = judge_server(live, renames=renames)
    assert [guard["name"] for guard in guards if guard["outcome"] == "block"] == blocked


def test_rows_are_newer_by_any_of_their_times() -> None:
    table = Table("s", 't"', (("created_at", "timestamptz"), ("up", "timestamp")))
    assert table.quoted == '"s"."t"""'
    assert table.newer_than(1.5) == (
        '"created_at" > to_timestamp(1.500) OR "up" > to_timestamp(1.500) AT TIME ZONE \'UTC\''
    )


def test_configuration_is_quoted() -> None:
    assert configuration({"a": "it's \\"}) == "a = 'it''s \\\\'\n"
