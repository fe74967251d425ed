# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pg_restore --list says of a dump."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._database.archive import parsed
from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Backup

LISTING = """;
; Archive created at 2026-11-25 02:00:01 UTC
;     dbname: sh;op
;     TOC Entries: 4
;     Compression: -1
;     Dumped from database version: 15.18 (Debian 15.18-0+deb12u1)
;     Dumped by pg_dump version: 15.18
;
;
; Selected TOC Entries:
;
215; 1259 16390 TABLE public orders postgres
3331; 0 16390 TABLE DATA public orders postgres
; dbname: of a comment
"""
BACKUP = Backup("shop.dump", "disk", "custom", "/b/shop.dump", 12, 1.0)


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_dump_tells_when_and_of_what_it_was_made() -> None:
    found = parsed(BACKUP, LISTING)
    assert found.made == 1795572001.0
    assert found.database == "sh;op"
    assert found.server_version == "15.18 (Debian 15.18-0+deb12u1)"
    assert (found.entries, found.problem, found.is_read) == (2, "", True)


@pytest.mark.parametrize("listing", ["", LISTING.split("215;", maxsplit=1)[0]])
def test_dump_with_an_empty_list_cannot_be_used(listing: str) -> None:
    assert parsed(BACKUP, listing).problem == "its list of contents is empty"
