# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights of examples/rbac, and no others, for the account that the rulebook acts as."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.cluster import Cluster
from tests.cluster.kubectl import kubectl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "rbac"
ACCOUNT = "system:serviceaccount:{namespace}:oncall-recovery"
AUTOMATION = "oncall-recovery-automation"
FILES = ("observer", "roller-back", "bindings", "automation")


@contextlib.contextmanager
def rights_of_the_examples(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Apply the files as the README there says, with another namespace than theirs."""
    own = f"{AUTOMATION}-{namespace}"
    for name in FILES:
        text = (EXAMPLES / f"{name}.yml").read_text()
        # Many namespaces are bound to the one Role there, each by a name of its own.
        text = text.replace("namespace: shop", f"namespace: {namespace}").replace(AUTOMATION, own)
        kubectl(cluster.kubeconfig, "apply", "--filename", "-", input_text=text)
    try:
        yield
    finally:
        left = ("delete", "role,rolebinding", own, "--ignore-not-found")
        kubectl(cluster.kubeconfig, "--namespace", "oncall-recovery", *left)
