# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts an installation of the shop into a cluster and takes it away again."""

from __future__ import annotations

import json
from pathlib import Path

from ..kubectl import kubectl
from . import manifests
from .manifests import Shop

ROLLOUT_SECONDS = 60


def apply(kubeconfig: Path, shop: Shop) -> None:
    """Create or update all objects of the installation, and print what became of each."""
    bundle = {"apiVersion": "v1", "kind": "List", "items": manifests.all_objects(shop)}
    print(kubectl(kubeconfig, "apply", "-f", "-", input_text=json.dumps(bundle)), end="")


def wait(kubeconfig: Path, shop: Shop, seconds: int = ROLLOUT_SECONDS) -> None:
    """Wait until all pods are of the version applied last and ready.

    :raises ClusterError: with kubectl's words when they are not in time.
    """
    status = ("rollout", "status", f"{shop.kind.lower()}/{shop.name}", f"--timeout={seconds}s")
    print(kubectl(kubeconfig, "--namespace", shop.namespace, *status), end="")


def delete(kubeconfig: Path, namespace: str, *, wait: bool = True) -> None:
    """Delete the namespace with all installations in it; nothing happens if there is none."""
    options = ("--ignore-not-found", f"--wait={str(wait).lower()}")
    print(kubectl(kubeconfig, "delete", "namespace", namespace, *options), end="")
