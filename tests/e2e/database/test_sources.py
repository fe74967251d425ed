# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups in both formats, on disk and behind commands, and names that would do harm elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.support.modules import run_module

from .server import Server
from .shop import ORDERS, Shop

HOSTILE = '--x$(touch pwned) \'; DROP TABLE a; "b" {name}'
# What cannot be in the name of a file may be in that of a database, and is no option of libpq.
HOSTILE_DATABASE = "-d host=nowhere /'\\\\' \"; DROP DATABASE postgres; :x \\q é"


def behind_commands(shop: Shop, *fetch: str) -> list[dict[str, object]]:
    """What lists as ``find`` does and fetches as a remote shell would."""
    return [
        {
            "name": "remote",
            "list_command": ["find", str(shop.backups), "-type", "f", "-printf", r"%s %T@ %P\n"],
            "fetch_command": list(fetch),
        }
    ]


def test_directory_format_is_restored(shop: Shop) -> None:
    shop.dump("nightly", "directory")
    shop.sql("DELETE FROM orders;")
    done = shop.restore(jobs=4)
    assert not done.failed, done.message
    assert done.result["backup"]["format"] == "directory"
    assert shop.orders() == ORDERS


def test_directory_with_a_damaged_file_is_refused(shop: Shop) -> None:
    folder = shop.dump("nightly", "directory")
    largest = max(folder.glob("*.gz"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:100])
    refused = shop.restore()
    assert "backup_whole (backup nightly: is damaged" in refused.message


def test_backup_behind_a_shell_with_a_hostile_name_is_restored(shop: Shop) -> None:
    shop.dump(HOSTILE)
    shop.sql("DELETE FROM orders;")
    # As ssh does: the far shell reads its argument once more.
    sources = behind_commands(shop, "sh", "-c", f"cd {shop.backups} && cat -- {{quoted_name}}")
    planned = shop.restore(check=True, sources=sources)
    assert planned.result["backup"]["format"] == "custom"
    assert not (shop.state / "INC-1").exists()
    done = shop.restore(sources=sources)
    assert not done.failed, done.message
    assert done.result["backup"]["name"] == HOSTILE
    assert shop.orders() == ORDERS
    assert not list(shop.folder.rglob("pwned"))


def test_directory_behind_a_command_comes_as_a_tar_archive(shop: Shop) -> None:
    shop.dump("nightly", "directory")
    shop.sql("DELETE FROM orders;")
    listing = json.dumps(
        [{"Path": "nightly", "Size": 4711, "ModTime": "2026-11-25T02:00:00.123456789Z"}]
    )
    sources = [
        {
            "name": "objects",
            "list_command": ["printf", "%s", listing],
            "fetch_command": ["tar", "-C", str(shop.backups), "-c", "--", "{name}"],
        }
    ]
    done = shop.restore(sources=sources)
    assert not done.failed, done.message
    assert done.result["backup"]["made"] == "2026-11-25T02:00:00Z"
    assert shop.orders() == ORDERS


@pytest.mark.parametrize(
    ("fetch", "says"),
    [
        pytest.param(["head", "-c", "4000", "{name}"], "is damaged", id="cut off"),
        pytest.param(
            ["echo", "not a dump"], "neither a dump in custom format", id="something else"
        ),
        pytest.param(
            ["sh", "-c", "cat {quoted_name}; exit 7"], "exit code 7", id="fails at the end"
        ),
    ],
)
def test_fetch_that_goes_wrong_switches_nothing(shop: Shop, fetch: list[str], says: str) -> None:
    shop.sql("INSERT INTO visits SELECT generate_series(1, 2000);")
    shop.dump()
    before = shop.server.databases()
    sources = behind_commands(
        shop,
        *(part.replace("name}", "name}").replace("{", f"{shop.backups}/{{") for part in fetch),
    )
    failed = shop.restore(sources=sources)
    assert says in failed.message, failed.message
    assert failed.result["step"] == "backed_up"
    assert shop.server.databases() == before


def test_database_with_a_hostile_name_is_restored_and_comes_back(
    server: Server, tmp_path: Path
) -> None:
    shop = Shop(server, HOSTILE_DATABASE, tmp_path)
    shop.build()
    shop.dump("-Fc.dump")
    shop.sql("DELETE FROM orders;")
    done = shop.restore(checks=[{"command": "psql -Atc 'SELECT 1'"}])
    assert not done.failed, done.message
    assert shop.orders() == ORDERS
    assert shop.orders(done.result["kept"]) == 0
    back = shop.restore(state="switched_back")
    assert not back.failed, back.message
    assert (shop.orders(), shop.orders(back.result["restored"])) == (0, ORDERS)
    assert "postgres" in server.databases()


def test_backups_are_listed_with_age_and_size_and_what_is_wrong_with_them(shop: Shop) -> None:
    shop.dump("one.dump")
    shop.dump("two", "directory")
    (shop.backups / "broken.dump").write_bytes(b"PGDMP" + bytes(100))
    (shop.backups / "readme.txt").write_text("PG")
    answer = run_module(
        "postgresql_backup_info", None, env=shop.server.reach, sources=[{"path": str(shop.backups)}]
    )
    found = {one["name"]: one for one in answer.result["backups"]}
    assert set(found) == {"one.dump", "two", "broken.dump"}
    assert {found[name]["format"] for name in ("one.dump", "two")} == {"custom", "directory"}
    assert found["one.dump"]["database"] == shop.name
    assert found["one.dump"]["size"] == (shop.backups / "one.dump").stat().st_size
    assert 0 <= found["two"]["age"] < 60
    assert found["broken.dump"]["problem"]
    assert not found["one.dump"]["problem"]
