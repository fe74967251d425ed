# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may restore, what stays of a database's properties, and where the password is not."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

from tests.e2e.support.modules import run_module

from .server import PASSWORD, bin_dir
from .shop import ORDERS, Shop

PROPERTIES = """
SELECT d.datdba::regrole, d.datconnlimit, d.datcollate, d.datacl::text,
       (SELECT array_agg((r.rolname, s.setconfig) ORDER BY r.rolname)
          FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
         WHERE s.setdatabase = d.oid)
  FROM pg_database d WHERE d.datname = '{name}'
"""


def test_role_without_superuser_restores_and_is_told_what_it_may_not_copy(shop: Shop) -> None:
    owner, robot = f"Owner of {shop.name}", f"robot_{shop.name}"
    shop.sql(
        f'CREATE ROLE "{owner}" LOGIN; ALTER DATABASE {shop.quoted} OWNER TO "{owner}";'
        f'ALTER TABLE orders OWNER TO "{owner}"; ALTER TABLE visits OWNER TO "{owner}";'
        f"CREATE ROLE {robot} LOGIN CREATEDB PASSWORD 'robot';"
        f'GRANT "{owner}", pg_signal_backend TO {robot};'
        f"ALTER DATABASE {shop.quoted} SET search_path TO \"$user\", 'It''s; odd', public;"
        f"ALTER DATABASE {shop.quoted} CONNECTION LIMIT 7;"
        f"REVOKE CONNECT ON DATABASE {shop.quoted} FROM PUBLIC;"
        f"GRANT CONNECT ON DATABASE {shop.quoted} TO pg_monitor WITH GRANT OPTION;"
    )
    before = shop.sql(PROPERTIES.format(name=shop.name), "postgres")
    shop.sql(f"ALTER DATABASE {shop.quoted} SET shop.motto TO 'a, b';")
    shop.dump()
    shop.sql("DELETE FROM public.orders;")
    done = shop.restore(user=robot, password="robot")
    assert not done.failed, done.message
    assert shop.sql(PROPERTIES.format(name=shop.name), "postgres") == before
    assert shop.sql("SELECT count(*) FROM public.orders;") == str(ORDERS)
    (missing,) = done.result["not_copied"]
    assert "permission denied to set parameter" in missing
    assert "not copied: ALTER DATABASE" in str(done.result["warnings"])


def test_superuser_copies_everything(shop: Shop) -> None:
    shop.sql(
        f"ALTER DATABASE {shop.quoted} SET shop.motto TO E'a, ''b\\\\';"
        f"ALTER ROLE postgres IN DATABASE {shop.quoted} SET work_mem TO '8MB';"
        f"ALTER DATABASE {shop.quoted} SET search_path TO '', public;"
    )
    shop.dump()
    before = shop.sql(PROPERTIES.format(name=shop.name), "postgres")
    done = shop.restore()
    assert not done.failed, done.message
    assert done.result["not_copied"] == []
    assert shop.sql(PROPERTIES.format(name=shop.name), "postgres") == before


def test_password_is_in_no_list_of_processes_no_log_and_no_file(shop: Shop) -> None:
    shop.sql("INSERT INTO visits SELECT generate_series(1, 20000);")
    shop.dump()
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            time.sleep(0.005)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        reach = {key: value for key, value in shop.server.reach.items() if key != "PGPASSWORD"}
        done = run_module(
            "postgresql_restore",
            None,
            env={**reach, "HOME": str(shop.folder)},
            **shop.options(
                password=PASSWORD,
                bin_dir=str(bin_dir()),
                checks=[{"command": 'echo "$PGPASSWORD" >&2; exit 1'}],
            ),
        )
    finally:
        over.set()
        looker.join()
    assert "exit code 1" in done.message
    # The looking worked.
    assert any("pg_restore --no-password" in line for line in seen)
    assert not [line for line in seen if PASSWORD in line]
    assert PASSWORD not in str(done.result)
    assert PASSWORD not in shop.server.log.read_text()
    kept = [path for path in shop.state.rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]
