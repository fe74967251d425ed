# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore refuses, and that nothing is changed then."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .shop import ORDERS, Shop, now


def cut_off(shop: Shop, backup: Path) -> dict[str, Any]:
    backup.write_bytes(backup.read_bytes()[:-300])
    return {}


def scribbled_over(shop: Shop, backup: Path) -> dict[str, Any]:
    content = bytearray(backup.read_bytes())
    content[40:120] = bytes(80)
    backup.write_bytes(content)
    return {"verify": "list"}


def no_name(shop: Shop, _backup: Path) -> dict[str, Any]:
    return {"approved_by": " "}


def too_old(shop: Shop, _backup: Path) -> dict[str, Any]:
    time.sleep(1.1)
    return {"rpo": "1s"}


def newer_than_the_damage(shop: Shop, _backup: Path) -> dict[str, Any]:
    return {"before": "2026-01-01T00:00:00Z", "backup": "shop.dump"}


def none_that_is_old_enough(shop: Shop, _backup: Path) -> dict[str, Any]:
    return {"before": "2026-01-01T00:00:00Z"}


def of_another_database(shop: Shop, backup: Path) -> dict[str, Any]:
    shop.server.dump("postgres", backup)
    return {"backup": "shop.dump"}


def prepared_transaction(shop: Shop, _backup: Path) -> dict[str, Any]:
    shop.sql("BEGIN; INSERT INTO visits VALUES (1); PREPARE TRANSACTION 'left behind';")
    return {}


def unknown_database(shop: Shop, _backup: Path) -> dict[str, Any]:
    return {"database": "shop of nobody", "of": shop.name}


def wrong_password(shop: Shop, _backup: Path) -> dict[str, Any]:
    return {"password": "not the s3cret"}


def little_rights(shop: Shop, _backup: Path) -> dict[str, Any]:
    role = "reader"
    shop.sql(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader';"
        f"GRANT CONNECT ON DATABASE {shop.quoted} TO {role};"
    )
    return {"user": role, "password": "reader"}


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (cut_off, "backup_whole (backup shop.dump: is damaged"),
        (scribbled_over, "backup_readable (shop.dump: "),
        (no_name, "waits for an approval, nothing was changed. Set approved_by"),
        (too_old, "rpo ("),
        (newer_than_the_damage, "backup_before (shop.dump is of "),
        (none_that_is_old_enough, "there is no backup of it older than 2026-01-01T00:00:00Z"),
        (of_another_database, "backup_of_database (shop.dump is of database postgres"),
        (prepared_transaction, "prepared_transactions (prepared transactions keep"),
        (unknown_database, "the server has no database of this name"),
        (wrong_password, "password authentication failed"),
        (little_rights, "rights (the role lacks CREATEDB, membership in postgres, who owns"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_restore_is_refused_before_anything_is_changed(
    same_shop: Shop, prepare: Callable[[Shop, Path], dict[str, Any]], says: str
) -> None:
    shop = same_shop
    changed = prepare(shop, shop.backups / "shop.dump")
    before = shop.server.databases()
    refused = shop.restore(**changed)
    if prepare is prepared_transaction:
        shop.sql("ROLLBACK PREPARED 'left behind';")
    assert refused.failed
    assert says in refused.message
    assert "s3cret" not in str(refused.result)
    assert shop.server.databases() == before
    assert not shop.state.exists()


def test_check_that_fails_leaves_everything_as_it_was_until_it_passes(shop: Shop) -> None:
    shop.dump()
    shop.sql("DELETE FROM orders;")
    file = shop.folder / "checks.sql"
    file.write_text("DO 'BEGIN ASSERT (SELECT bool_and(paid) FROM orders), $$unpaid$$; END';")
    checks = [
        {"name": "enough", "sql": "SELECT count(*) > 100000 FROM orders"},
        {"name": "it writes", "sql": "DELETE FROM orders RETURNING true"},
        {"name": "paid", "file": str(file)},
        {"name": "command", "command": "echo what is wrong >&2; exit 3"},
    ]
    failed = shop.restore(checks=checks)
    assert failed.failed
    assert [one["passed"] for one in failed.result["checks"]] == [False, False, True, False]
    assert "enough (it selected 'f', not true)" in failed.message
    assert "cannot execute DELETE in a read-only transaction" in failed.message
    assert "command (exit code 3: what is wrong)" in failed.message
    assert "Nothing was switched" in failed.message
    assert shop.orders() == 0
    assert shop.orders(failed.result["restored"]) == ORDERS

    done = shop.restore(checks=checks[2:3])
    assert not done.failed, done.message
    assert shop.orders() == ORDERS


def test_moment_chooses_the_newest_backup_before_it(shop: Shop) -> None:
    shop.dump("good.dump")
    time.sleep(1.1)
    moment = now()
    time.sleep(1.1)
    shop.sql("DELETE FROM orders;")
    shop.dump("bad.dump")
    (shop.backups / "notes.txt").write_text("no backup")
    os.utime(shop.backups / "good.dump")
    planned = shop.restore(check=True, before=moment)
    assert planned.result["backup"]["name"] == "good.dump"
    assert [one["name"] for one in planned.result["backups"]] == ["bad.dump", "good.dump"]
    assert planned.changed


def test_other_restore_needs_another_name(shop: Shop) -> None:
    shop.dump()
    assert shop.restore(state="backed_up").result["step"] == "backed_up"
    refused = shop.restore(backup="other.dump")
    assert "was begun with backup shop.dump, not other.dump" in refused.message
