# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shop's repository, built once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .shop import Shop, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "built"
    build(folder)
    return folder


@pytest.fixture
def bare_shop(built: Path, tmp_path: Path) -> Shop:
    """The server alone; the test clones as it needs."""
    folder = tmp_path / "shop"
    shutil.copytree(built, folder)
    (folder / "home").mkdir()
    return Shop(folder)


@pytest.fixture
def shop(bare_shop: Shop) -> Iterator[Shop]:
    """Server and clone; at the end, both have to be sound."""
    bare_shop.clone()
    yield bare_shop
    bare_shop.assert_sound()
