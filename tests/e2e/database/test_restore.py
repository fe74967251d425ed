# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores a database after a DELETE without WHERE, while the application goes on."""

from __future__ import annotations

import time

from .server import Load
from .shop import ORDERS, Shop


def test_deleted_rows_come_back_under_load_and_nothing_is_lost(shop: Shop) -> None:
    shop.dump()
    with Load(shop.server, shop.name) as load:
        time.sleep(0.5)
        shop.sql("DELETE FROM orders;")
        done = shop.restore(
            checks=[
                {"name": "there are orders", "sql": f"SELECT count(*) = {ORDERS} FROM orders"},
                {"command": 'psql -Atc "SELECT 1 / count(*) FROM orders" && test "$PGDATABASE"'},
            ]
        )
        assert not done.failed, done.message
        time.sleep(0.5)
    assert shop.orders() == ORDERS
    kept = done.result["kept"]
    assert shop.orders(kept) == 0
    # Every write that the server has acknowledged is in one of the two.
    numbers = {
        int(number)
        for database in (shop.name, kept)
        for number in shop.sql("SELECT number FROM visits;", database).split()
    }
    assert set(load.written) <= numbers
    assert len(load.refused) < 20
    assert done.changed
    assert not shop.restore().changed
    assert done.result["differences"][0] == {
        "table": "public.orders",
        "live": 0,
        "restored": ORDERS,
    }


def test_way_back_needs_an_approval_of_its_own(shop: Shop) -> None:
    shop.dump()
    shop.sql("DELETE FROM orders;")
    kept = shop.restore().result["kept"]
    refused = shop.restore(state="switched_back", approved_by=None)
    assert "waits for an approval, nothing was changed" in refused.message
    assert (shop.orders(), shop.orders(kept)) == (ORDERS, 0)
    back = shop.restore(state="switched_back")
    assert back.changed
    assert (shop.orders(), shop.orders(back.result["restored"])) == (0, ORDERS)
    assert not shop.restore(state="switched_back").changed
    again = shop.restore()
    assert "was switched back. Use another name" in again.message
