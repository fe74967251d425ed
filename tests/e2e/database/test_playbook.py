# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook as a person runs it: plan, approval, restore, and back."""

from __future__ import annotations

from .playbook import run
from .shop import APPROVER, ORDERS, Shop


def test_person_sees_the_plan_approves_it_and_goes_back(shop: Shop) -> None:
    shop.dump()
    shop.sql("INSERT INTO orders VALUES (9001, false, now()); DELETE FROM orders WHERE id < 9001;")
    before = shop.server.databases()

    listed = run(shop, database_restore_state="listed")
    assert "shop.dump (disk): 0 min old" in listed.output, listed.output
    assert listed.statistic("database_restore")["outcome"] == "listed"

    planned = run(shop, "--check")
    assert planned.statistic("database_restore")["outcome"] == "planned", planned.output

    waiting = run(shop)
    found = waiting.statistic("database_restore")
    assert not waiting.failed, waiting.output
    assert (found["outcome"], found["changed"]) == ("waiting_for_approval", False)
    assert "changed=0" in waiting.output
    assert "public.orders: 1 rows, by created_at" in waiting.output
    assert '\\"database_restore_backup\\": \\"shop.dump\\"' in waiting.output
    assert shop.server.databases() == before
    assert not shop.state.exists()

    checks = [{"name": "there are orders", "sql": f"SELECT count(*) = {ORDERS} FROM orders"}]
    done = run(shop, "-vvv", database_restore_approved_by=APPROVER, database_restore_checks=checks)
    found = done.statistic("database_restore")
    assert not done.failed, done.output
    assert (found["outcome"], found["changed"]) == ("switched", True)
    assert found["approved_by"] == APPROVER
    assert shop.orders() == ORDERS
    assert shop.orders(found["kept"]) == 1

    back = run(shop, database_restore_state="switched_back", database_restore_approved_by=APPROVER)
    found = back.statistic("database_restore")
    assert (found["outcome"], found["changed"]) == ("switched_back", True), back.output
    assert shop.orders() == 1
    assert shop.orders(found["restored"]) == ORDERS


def test_backup_that_is_damaged_is_refused_and_said(shop: Shop) -> None:
    whole = shop.dump()
    whole.write_bytes(whole.read_bytes()[:-200])
    refused = run(shop, database_restore_approved_by=APPROVER)
    found = refused.statistic("database_restore")
    assert refused.failed
    assert found["outcome"] == "refused"
    assert "refused by backup_whole" in found["message"], found
    assert not shop.state.exists()
