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
from .places import state_folder
from .progress import say

VARIABLE = "RECOVERY_KUBECONFIG"


class ExistingProvider:
    """Uses a cluster and leaves it alone: nothing is started in it and nothing removed."""

    name = "existing"

    def up(self, wanted: Wanted) -> Cluster:
        kubeconfig = Path(os.environ[VARIABLE]).expanduser().absolute()
        if not kubeconfig.is_file():
            raise ClusterError(
                f"{VARIABLE} names {kubeconfig}, which is no file",
                f"correct it, or unset {VARIABLE} for a cluster made here",
            )
        if wanted.hollow:
            raise ClusterError(
                f"hollow nodes are not added to a cluster of your own ({VARIABLE})",
                f"unset {VARIABLE} for a cluster made here",
            )
        say(f"using the cluster of {kubeconfig}")
        version = json.loads(kubectl(kubeconfig, "get", "--raw", "/version"))["gitVersion"]
        server = kubectl(
            *(kubeconfig, "config", "view", "--minify", "-ojsonpath={.clusters[0].cluster.server}")
        )
        state_folder(wanted.name).mkdir(parents=True, exist_ok=True)
        cluster = Cluster(wanted.name, self.name, version, server, kubeconfig, node=True)
        return self.extend(cluster, wanted)

    def extend(self, cluster: Cluster, wanted: Wanted) -> Cluster:
        refuse_addons(wanted)
        return cluster

    def runs(self, cluster: Cluster) -> bool:
        named = os.environ.get(VARIABLE)
        same = named is None or Path(named).expanduser().absolute() == cluster.kubeconfig
        return same and answers(cluster.kubeconfig, "get", "--raw", "/version") is not None

    def down(self, name: str) -> None:
        """Forgets the cluster, which goes on running."""

    def load_images(self, cluster: Cluster, archives: list[Path]) -> list[str]:
        raise ClusterError(
            f"images cannot be loaded into {cluster.name}, a cluster of your own",
            f"push them to its registry, or unset {VARIABLE} for a cluster made here",
        )


def refuse_addons(wanted: Wanted) -> None:
    """:raises ClusterError: when add-ons are wanted of a provider that cannot reach the pods."""
    if wanted.addons:
        raise ClusterError(
            f"add-ons ({', '.join(wanted.addons)}) run beside the pods of provider debian only",
            "go without --with, or choose --provider debian",
        )
