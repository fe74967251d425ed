# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider for machines with Docker: today's Kubernetes by kind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from .audit import POLICY
from .errors import ClusterError
from .existing import refuse_addons
from .kubectl import answers, kubectl
from .model import Cluster, Wanted
from .places import state_folder
from .process import run, run_long

# Names the node image, and with it the version of Kubernetes; without it kind takes its own.
IMAGE_VARIABLE = "RECOVERY_KIND_IMAGE"
_AUDIT_FOLDER = "/var/log/kubernetes-audit"
_POLICY_FILE = "/etc/kubernetes/audit-policy.json"


def is_usable() -> bool:
    """Whether kind is on the PATH and Docker answers."""
    if shutil.which("kind") is None or shutil.which("docker") is None:
        return False
    asked = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"],
        capture_output=True,
        check=False,
        timeout=20,
    )
    return asked.returncode == 0


class KindProvider:
    """A cluster in containers, under the name ``recovery-<name>``."""

    name = "kind"

    def check(self, wanted: Wanted) -> None:
        refuse_addons(wanted)
        if wanted.hollow or not wanted.node:
            raise ClusterError(
                "kind has a real node and no hollow ones",
                "go without --no-node and --hollow, or choose --provider debian",
            )

    def up(self, wanted: Wanted) -> Cluster:
        state = state_folder(wanted.name)
        (state / "audit").mkdir(parents=True, exist_ok=True)
        (state / "audit-policy.json").write_text(json.dumps(POLICY))
        image = os.environ.get(IMAGE_VARIABLE, "")
        (state / "kind.json").write_text(json.dumps(settings(state, image)))
        kubeconfig = state / "kubeconfig"
        run_long(
            [
                *("kind", "create", "cluster", "--name", kind_name(wanted.name)),
                *("--kubeconfig", str(kubeconfig), "--config", str(state / "kind.json")),
                *("--wait", "120s"),
            ],
            owner=state,
            log=state / "logs" / "kind.log",
            waiting_for="kind",
            next_step="check that Docker has memory and disk: docker system df",
        )
        version = json.loads(kubectl(kubeconfig, "get", "--raw", "/version"))["gitVersion"]
        server = kubectl(kubeconfig, "config", "view", "-ojsonpath={.clusters[0].cluster.server}")
        audit_log = state / "audit" / "audit.log"
        return Cluster(wanted.name, self.name, version, server, kubeconfig, audit_log, node=True)

    def extend(self, cluster: Cluster, wanted: Wanted) -> Cluster:
        return cluster

    def runs(self, cluster: Cluster) -> bool:
        return answers(cluster.kubeconfig, "get", "--raw", "/readyz") is not None

    def down(self, name: str) -> None:
        state = state_folder(name)
        run(
            [
                *("kind", "delete", "cluster", "--name", kind_name(name)),
                *("--kubeconfig", str(state / "kubeconfig")),
            ],
            owner=state,
            log=state / "logs" / "kind.log",
            next_step="check that Docker answers: docker version",
        )

    def load_images(self, cluster: Cluster, archives: list[Path]) -> list[str]:
        state = state_folder(cluster.name)
        for archive in archives:
            run(
                [
                    *("kind", "load", "image-archive", str(archive)),
                    *("--name", kind_name(cluster.name)),
                ],
                owner=state,
                log=state / "logs" / "kind.log",
                next_step=f"check that {archive} is an archive as docker save writes it",
            )
        return []


def kind_name(name: str) -> str:
    return f"recovery-{name}"


def settings(state: Path, image: str = "") -> dict[str, object]:
    """kind's configuration: one node whose API server keeps an audit log that this side sees.

    :param image: the image of the node, kind's own where empty.
    """
    arguments = {
        "audit-policy-file": _POLICY_FILE,
        "audit-log-path": f"{_AUDIT_FOLDER}/audit.log",
    }
    volumes = [
        {
            "name": "audit-policy",
            "hostPath": _POLICY_FILE,
            "mountPath": _POLICY_FILE,
            "readOnly": True,
            "pathType": "File",
        },
        {
            "name": "audit-log",
            "hostPath": _AUDIT_FOLDER,
            "mountPath": _AUDIT_FOLDER,
            "pathType": "DirectoryOrCreate",
        },
    ]
    patch = {
        "kind": "ClusterConfiguration",
        "apiServer": {"extraArgs": arguments, "extraVolumes": volumes},
    }
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [
            {
                "role": "control-plane",
                **({"image": image} if image else {}),
                "kubeadmConfigPatches": [json.dumps(patch)],
                "extraMounts": [
                    {
                        "hostPath": str(state / "audit-policy.json"),
                        "containerPath": _POLICY_FILE,
                        "readOnly": True,
                    },
                    {"hostPath": str(state / "audit"), "containerPath": _AUDIT_FOLDER},
                ],
            }
        ],
    }
