# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a restore at every step, with its program going on as an orphan, and starts it again."""

from __future__ import annotations

import pytest

from tests.e2e.support.modules import started_module
from tests.e2e.support.workloads import wait_until

from .shop import ORDERS, Shop
from .wrapped import wrapped


def orders_of(shop: Shop) -> str:
    return shop.server.run(
        "psql", "-XAtc", "SELECT count(*) FROM orders", PGDATABASE=shop.name
    ).stdout.strip()


@pytest.mark.parametrize(
    ("text", "when"),
    [
        pytest.param("pg_dump --format", "before", id="while it dumps the live database"),
        pytest.param("CREATE DATABASE", "before", id="while it makes the new database"),
        pytest.param("CREATE DATABASE", "after", id="once the new database is made"),
        pytest.param("pg_restore .*--exit-on-error", "before", id="while it restores"),
        pytest.param("COMMENT ON DATABASE", "after", id="once it has restored"),
        pytest.param("RENAME TO", "before", id="while it switches"),
        pytest.param("RENAME TO", "after", id="once it has switched"),
    ],
)
def test_restore_that_was_killed_goes_on_and_loses_nothing(
    shop: Shop, text: str, when: str
) -> None:
    shop.dump()
    shop.sql("DELETE FROM orders WHERE id > 10;")
    killing = wrapped(shop.folder / "bin", text, when, delay=0.3)
    env = {**shop.server.reach, "HOME": str(shop.folder)}
    options = shop.options(bin_dir=str(killing))
    with started_module("postgresql_restore", env, **options) as process:
        process.communicate(timeout=60)
    assert process.returncode == -9
    # Whatever it was doing, people can still log in; who is thrown out by the switch tries again.
    wait_until(lambda: orders_of(shop) in ("10", str(ORDERS)), "people can log in")

    done = shop.restore()
    assert not done.failed, done.message
    assert done.result["step"] == "switched"
    assert shop.orders() == ORDERS
    assert shop.orders(done.result["kept"]) == 10
    # The two, and nothing that an attempt has left.
    assert shop.of(shop.name) == {shop.name, done.result["kept"]}
    folder = shop.state / "INC-1"
    assert sorted(path.name for path in folder.iterdir()) == ["live.dump", "lock", "state.json"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
