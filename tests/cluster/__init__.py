# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Kubernetes cluster to test on; see ``python3 -m tests.cluster --help``.

>>> cluster = up("test", with_addons=["prometheus"])
>>> os.environ["KUBECONFIG"] = str(cluster.kubeconfig)
>>> cluster.down()
"""

from __future__ import annotations

from .errors import ClusterError
from .lifecycle import down, up
from .model import Cluster

__all__ = ["Cluster", "ClusterError", "down", "up"]
