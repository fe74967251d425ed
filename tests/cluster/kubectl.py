# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a cluster's API server, by kubectl."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import ClusterError


def kubectl(kubeconfig: Path, *arguments: str, input_text: str | None = None) -> str:
    """Runs kubectl and returns its standard output.

    :raises ClusterError: with kubectl's own words when it fails.
    """
    try:
        done = subprocess.run(
            ["kubectl", "--kubeconfig", str(kubeconfig), "--request-timeout=20s", *arguments],
            input=input_text,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise ClusterError("kubectl is not installed", "install it, or run as root") from None
    if done.returncode != 0:
        raise ClusterError(
            f"kubectl {' '.join(arguments)}: {done.stderr.strip()}",
            f"try it by hand with --kubeconfig {kubeconfig}",
        )
    return done.stdout


def answers(kubeconfig: Path, *arguments: str) -> str | None:
    """What kubectl prints, or None when the request fails."""
    try:
        return kubectl(kubeconfig, *arguments)
    except ClusterError:
        return None


def apply(kubeconfig: Path, *objects: Mapping[str, object]) -> None:
    """Creates or updates objects."""
    bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    kubectl(kubeconfig, "apply", "-f", "-", input_text=json.dumps(bundle))
