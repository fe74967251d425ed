# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server for all stories, and a shop's database for each."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.debian import packages

from .server import Server, folder_of_server, running
from .shop import Shop

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    packages.ensure_installed(["postgresql"], tmp_path_factory.mktemp("packages"))
    folder = folder_of_server()
    try:
        with running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def built(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One for stories that change nothing, or it would not be refused."""
    shop = Shop(server, "shop of all", tmp_path_factory.mktemp("built"))
    shop.build()
    shop.dump()
    return shop


@pytest.fixture
def same_shop(built: Shop, tmp_path: Path) -> Shop:
    """That one, with its backup in a folder of the story's own."""
    shutil.copytree(built.backups, tmp_path / "backups")
    return Shop(built.server, built.name, tmp_path)


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Shop:
    """A database with visits and orders, and a folder for its backups."""
    shop = Shop(server, f"shop{next(_NUMBERS)}", tmp_path)
    shop.build()
    return shop
