# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster that whole stories run on, and a namespace for each file of tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster, up
from tests.cluster.kubectl import kubectl


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A cluster with a real node; RECOVERY_TEST_CLUSTER names another one than make's."""
    return up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"))


@pytest.fixture(scope="module")
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace that only this file of tests uses."""
    subject = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    name = f"{subject}-{os.getpid()}"
    kubectl(cluster.kubeconfig, "create", "namespace", name)
    yield name
    kubectl(cluster.kubeconfig, "delete", "namespace", name, "--wait=false")
