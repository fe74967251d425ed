# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores to the moment just before the damage, from a base backup and the WAL since."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.modules import started_module

from .server import Server, as_server_user, folder_of_server, running
from .shop import ORDERS, Shop, now
from .wrapped import wrapped

ARCHIVED = {"archive_mode": "on", "wal_level": "replica", "max_connections": "137"}


@pytest.fixture(scope="module")
def places() -> Iterator[Path]:
    """A folder that the server's user can enter."""
    folder = folder_of_server()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def archiving(places: Path, server: Server) -> Iterator[Server]:
    """A server that archives its WAL; ``server`` has seen to it that there is one at all."""
    assert server
    for name in ("server", "wal", "instances"):
        (places / name).mkdir()
    (places / "wal").chmod(0o777)
    command = f"cp %p {places}/wal/%f"
    with running(places / "server", {**ARCHIVED, "archive_command": command}) as archiving:
        yield archiving


@pytest.fixture
def options(archiving: Server, places: Path, tmp_path: Path) -> dict[str, Any]:
    source = {"path": str(tmp_path / "backups"), "wal_path": str(places / "wal")}
    shutil.rmtree(places / "instances")
    (places / "instances").mkdir()
    return {
        "sources": [source],
        "instance_folder": str(places / "instances"),
        "instance_user": "postgres" if as_server_user() else None,
    }


@pytest.fixture
def damaged(archiving: Server, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Shop, str]:
    """A shop with a base backup, orders after that, and then none; and the moment in between."""
    name = f"shop{abs(hash(request.node.name)) % 1000000}"
    shop = Shop(archiving, name, tmp_path)
    shop.build()
    done = archiving.run("pg_basebackup", "--checkpoint=fast", f"--pgdata={shop.backups / 'base'}")
    assert done.returncode == 0, done.stderr
    time.sleep(0.1)
    shop.sql("INSERT INTO orders SELECT n, true, now() FROM generate_series(5001, 5100) n;")
    time.sleep(0.1)
    moment = now()
    time.sleep(0.1)
    shop.sql("DELETE FROM orders; INSERT INTO visits VALUES (1);")
    archiving.sql("SELECT pg_switch_wal();")
    wait_for_archive(archiving)
    return shop, moment


def wait_for_archive(server: Server) -> None:
    """Until the segment with the damage is in the archive."""
    behind = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready';"
    for _turn in range(100):
        if server.sql(behind) == "0":
            return
        time.sleep(0.1)
    raise AssertionError("the server does not archive its WAL")


def test_database_is_as_it_was_just_before_the_damage(
    damaged: tuple[Shop, str], options: dict[str, Any], places: Path
) -> None:
    shop, moment = damaged
    planned = shop.restore(check=True, before=moment, rpo="1s", **options)
    assert not planned.failed, planned.message
    assert planned.result["backup"]["format"] == "base"
    assert planned.result["lost"]["since"] == moment[:19] + "Z"
    done = shop.restore(before=moment, rpo="1s", **options)
    assert not done.failed, done.message
    assert shop.orders() == ORDERS + 100
    assert shop.sql("SELECT count(*) FROM visits;") == "0"
    assert shop.orders(done.result["kept"]) == 0
    # Of the second server, nothing is left.
    assert list((places / "instances").iterdir()) == []
    assert done.result["differences"][0]["restored"] == ORDERS + 100


def test_moment_that_the_archive_does_not_reach_is_said(
    damaged: tuple[Shop, str], options: dict[str, Any], places: Path
) -> None:
    shop, _moment = damaged
    failed = shop.restore(before="2100-01-01T00:00:00Z", **options)
    assert "did not get to the point in time" in failed.message
    assert "recovery ended before configured recovery target was reached" in failed.message
    assert failed.result["step"] == "backed_up"
    assert shop.orders() == 0


def test_base_backup_that_was_tampered_with_is_refused(
    damaged: tuple[Shop, str], options: dict[str, Any]
) -> None:
    shop, moment = damaged
    file = max((shop.backups / "base" / "base").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[4000:4010] = os.urandom(10)
    file.write_bytes(content)
    refused = shop.restore(before=moment, **options)
    assert "backup_readable (base: pg_verifybackup: " in refused.message
    assert not shop.state.exists()


def test_second_server_of_a_killed_run_is_ended_and_the_next_run_goes_on(
    damaged: tuple[Shop, str], options: dict[str, Any], places: Path
) -> None:
    shop, moment = damaged
    killing = wrapped(places / f"bin of {shop.name}", "pg_is_in_recovery", "after", delay=0)
    env = {**shop.server.reach, "HOME": str(shop.folder)}
    arguments = shop.options(before=moment, **options)
    with started_module("postgresql_restore", env, **arguments, bin_dir=str(killing)) as process:
        process.communicate(timeout=60)
    assert process.returncode == -9
    done = shop.restore(before=moment, **options)
    assert not done.failed, done.message
    assert shop.orders() == ORDERS + 100
    assert list((places / "instances").iterdir()) == []
