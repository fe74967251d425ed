# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider that needs no container engine: Kubernetes as plain processes on Debian."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from .. import addons
from ..errors import ClusterError
from ..images import build_base_images
from ..kubectl import answers
from ..model import Cluster, Wanted
from ..places import cache_folder
from ..process import wait_until
from ..progress import say
from . import hollow, leftovers, packages
from . import plan as plans
from .build import VERSION, ensure_built
from .control_plane import ControlPlane
from .node import Node

HOLLOW_LIMIT = 100


class DebianProvider:
    """Builds, starts and removes clusters on this machine."""

    name = "debian"

    def check(self, wanted: Wanted) -> None:
        if wanted.node and os.geteuid() != 0:
            raise ClusterError(
                "a real node needs root, and there is neither root nor Docker with kind here",
                "sudo python3 -m tests.cluster up, or RECOVERY_KUBECONFIG=... for a cluster of "
                "your own, or --no-node for a control plane alone",
            )

    def up(self, wanted: Wanted) -> Cluster:
        needed = packages.CONTROL_PLANE + (packages.NODE if wanted.node else ())
        packages.ensure_installed(needed, cache_folder())
        binaries = ensure_built()
        plan = plans.make(wanted.name, wanted.node, HOLLOW_LIMIT)
        control_plane = ControlPlane(plan, binaries)
        node = Node(plan, binaries, control_plane) if wanted.node else None
        control_plane.prepare()
        if node is not None:
            node.create_network()
        control_plane.start()
        images = _prepare(node) if node is not None else []
        control_plane.wait_for_api_server()
        control_plane.start_controllers()
        if node is not None:
            node.start_proxy()
            say("waiting for the node to be Ready")
            node.wait_until_ready()
        cluster = Cluster(
            name=wanted.name,
            provider=self.name,
            version=f"v{VERSION}",
            api_server=plan.api_server,
            kubeconfig=control_plane.kubeconfig,
            audit_log=control_plane.audit_log,
            node=wanted.node,
            images=images,
        )
        cluster = self.extend(cluster, wanted)
        _wait_for_service_accounts(control_plane)
        return cluster

    def extend(self, cluster: Cluster, wanted: Wanted) -> Cluster:
        """Adds the add-ons and hollow nodes that a running cluster lacks."""
        plan, control_plane = _parts(cluster.name)
        if wanted.hollow > cluster.hollow:
            hollow.start(plan, ensure_built(), control_plane, wanted.hollow)
            cluster = dataclasses.replace(cluster, hollow=wanted.hollow)
        return addons.add(cluster, wanted.addons, plan, control_plane)

    def runs(self, cluster: Cluster) -> bool:
        """Whether every part of the cluster runs and the API server answers."""
        if plans.saved(cluster.name) is None:
            return False
        plan, control_plane = _parts(cluster.name)
        node = Node(plan, ensure_built(), control_plane)
        return (
            control_plane.runs()
            and (node.runs() or not cluster.node)
            and hollow.run(plan, cluster.hollow)
            and addons.run(cluster, plan)
            and control_plane.is_ready()
        )

    def down(self, name: str) -> None:
        leftovers.clear(name)

    def load_images(self, cluster: Cluster, archives: list[Path]) -> list[str]:
        if not cluster.node:
            raise ClusterError(
                f"cluster {cluster.name} has no real node to load images into",
                f"python3 -m tests.cluster down --name {cluster.name}, then up without --no-node",
            )
        plan, control_plane = _parts(cluster.name)
        return Node(plan, ensure_built(), control_plane).load_images(archives)

    def stop_apiserver(self, name: str) -> None:
        _parts(name)[1].stop_api_server()

    def start_apiserver(self, name: str) -> None:
        _parts(name)[1].start_api_server()

    def apiserver_pid(self, name: str) -> int | None:
        return _parts(name)[1].api_server.pid()


def _parts(name: str) -> tuple[plans.Plan, ControlPlane]:
    plan = plans.saved(name)
    if plan is None:
        raise ClusterError(
            f"there is no cluster {name}", f"python3 -m tests.cluster up --name {name}"
        )
    return plan, ControlPlane(plan, ensure_built())


def _prepare(node: Node) -> list[str]:
    node.start()
    say("loading the base images")
    return node.load_images(build_base_images(cache_folder() / "images"))


def _wait_for_service_accounts(control_plane: ControlPlane) -> None:
    """Pods are refused before the controller manager has made the namespace's account."""
    path = "-ojsonpath={.secrets[0].name}"
    wait_until(
        lambda: bool(answers(control_plane.kubeconfig, "get", "serviceaccount", "default", path)),
        "the service account of namespace default",
        30,
        "run the same command again; it starts from scratch",
        control_plane.log_of("kube-controller-manager"),
    )
