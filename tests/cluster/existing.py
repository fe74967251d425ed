# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider for a cluster that the user names in RECOVERY_KUBECONFIG and keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .errors import ClusterError
from .kubectl import answers, kubectl
from .model import Cluster, Wanted
from .progress import say

VARIABLE = "RECOVERY_KUBECONFIG"


class ExistingProvider:
    """Uses a cluster and leaves it alone: nothing is started in it and nothing removed."""

    name = "existing"

    def check(self, wanted: Wanted) -> None:
        refuse_addons(wanted)
        if wanted.hollow:
            raise ClusterError(
                f"hollow nodes are not added to a cluster of your own ({VARIABLE})",
                f"unset {VARIABLE} for a cluster made here",
            )
        if not _named().is_file():
            raise ClusterError(
                f"{VARIABLE} names {_named()}, which is no file",
                f"correct it, or unset {VARIABLE} for a cluster made here",
            )

    def up(self, wanted: Wanted) -> Cluster:
        kubeconfig = _named()
        say(f"using the cluster of {kubeconfig}")
        version = json.loads(kubectl(kubeconfig, "get", "--raw", "/version"))["gitVersion"]
        path = "-ojsonpath={.clusters[0].cluster.server}"
        server = kubectl(kubeconfig, "config", "view", "--minify", path)
        return Cluster(wanted.name, self.name, version, server, kubeconfig, node=True)

    def extend(self, cluster: Cluster, wanted: Wanted) -> Cluster:
        return cluster

    def runs(self, cluster: Cluster) -> bool:
        still_named = not os.environ.get(VARIABLE) or _named() == cluster.kubeconfig
        return still_named and answers(cluster.kubeconfig, "get", "--raw", "/version") is not None

    def down(self, name: str) -> None:
        """Forgets the cluster, which goes on running."""

    def load_images(self, cluster: Cluster, archives: list[Path]) -> list[str]:
        raise ClusterError(
            f"images cannot be loaded into {cluster.name}, a cluster of your own",
            f"push them to its registry, or unset {VARIABLE} for a cluster made here",
        )


def _named() -> Path:
    return Path(os.environ[VARIABLE]).expanduser().absolute()


def refuse_addons(wanted: Wanted) -> None:
    """:raises ClusterError: when add-ons are wanted of a provider that cannot reach the pods."""
    if wanted.addons:
        raise ClusterError(
            f"add-ons ({', '.join(wanted.addons)}) run beside the pods of provider debian only",
            "go without --with, or choose --provider debian",
        )
