# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster with all that the stories need."""

from __future__ import annotations

import os

import pytest

from tests.cluster import Cluster, up
from tests.cluster.debian import packages
from tests.cluster.places import cache_folder
from tests.cluster.shop.versions import build_shop_images


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    cluster = up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"))
    if cluster.provider != "debian":
        pytest.skip(f"provider {cluster.provider} shows no audit log")
    packages.ensure_installed(
        ["prometheus", "prometheus-alertmanager", *packages.JAVA],
        tmp_path_factory.mktemp("packages"),
    )
    cluster = up(cluster.name, with_addons=["prometheus"])
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    return cluster
