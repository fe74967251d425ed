# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real node: containerd, kubelet and kube-proxy in namespaces of their own.

The node has its own network, so that two nodes do not share kube-proxy's chains and nothing of
this machine's firewall changes, and its own view of the folders whose paths are built into
containerd and the kubelet. Both are gone with the last process that is in them.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from ..errors import ClusterError
from ..images import PAUSE_IMAGE
from ..places import state_folder
from ..process import Daemon, run
from ..progress import say
from .certificates import Authority
from .control_plane import ControlPlane
from .namespaces import AWAIT_NAMESPACES, NO_KERNEL_LOG, replace_paths
from .plan import Plan

CONTROL_GROUPS = Path("/sys/fs/cgroup")
_CNI_PLUGINS = "/usr/lib/cni"
_HIDDEN = (Path("/run"), Path("/var/lib"), Path("/var/log"))
# The kubelet's cAdvisor looks for containerd's default only.
_SOCKET = Path("/run/containerd/containerd.sock")
_AGAIN = "run the same command again; it starts from scratch"


def control_group(name: str) -> str:
    """The control group, below every hierarchy's root, that holds all pods of a cluster.

    Other users have their own clusters of the same name, in other folders.
    """
    return f"recovery-{name}-{zlib.crc32(bytes(state_folder(name))):08x}"


def hierarchies() -> list[Path]:
    """The roots of the control group hierarchies: one (v2), or one per controller (v1)."""
    if (CONTROL_GROUPS / "cgroup.controllers").exists():
        return [CONTROL_GROUPS]
    if not CONTROL_GROUPS.exists():
        return []
    # Links such as "cpu,cpuacct" lead to a hierarchy that is in the list already.
    return sorted(path for path in CONTROL_GROUPS.iterdir() if _is_hierarchy(path))


def _is_hierarchy(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and (path / "cgroup.procs").exists()


class Node:
    """The one real node of a cluster."""

    def __init__(self, plan: Plan, binaries: Path, control_plane: ControlPlane) -> None:
        self._plan = plan
        self._binaries = binaries
        self._control_plane = control_plane
        self._folder = plan.state / "node"

    @property
    def name(self) -> str:
        return f"{self._plan.name}-node"

    @property
    def socket(self) -> Path:
        """Where containerd listens, as seen from outside the node."""
        return self._own(_SOCKET.parents[1]) / _SOCKET.relative_to(_SOCKET.parents[1])

    def create_network(self) -> None:
        """Makes the namespaces and the link, whose end on this side the API server listens on."""
        plan = self._plan
        say(f"creating the node's namespaces and its link {plan.link} ({plan.network})")
        self._folder.mkdir(parents=True, exist_ok=True)
        holder = self._daemon("node").start(
            ["unshare", "--mount", "--net", "--propagation", "slave", "sleep", "infinity"]
        )
        self._run(
            ["sh", "-euc", AWAIT_NAMESPACES, "sh", str(holder)],
            "the kernel must allow mount and network namespaces: unshare -mn true",
        )
        outside = f"""
            ip link add {plan.link} type veth peer name eth0 netns {holder}
            ip address add {plan.host_address}/30 dev {plan.link}
            ip link set {plan.link} up
        """
        inside = f"""
            ip link set lo up
            ip address add {plan.name_service}/32 dev lo
            ip address add {plan.node_address}/30 dev eth0
            ip link set eth0 up
            echo 1 > /proc/sys/net/ipv4/ip_forward
        """
        route = f"ip route add {plan.network} via {plan.node_address}"
        next_step = "see 'ip link' and 'ip route' for what is in the way"
        self._run(["sh", "-euc", outside], next_step)
        self._run(self._inside("sh", "-euc", inside + self._private_folders()), next_step)
        self._run(["sh", "-euc", route], next_step)

    def start(self) -> None:
        """Starts containerd and the kubelet.

        The kubelet needs the API server later only: it first looks for Docker, for 5 s.
        """
        say("starting containerd and kubelet")
        self._make_control_groups()
        self._write_settings()
        self._daemon("containerd").start(
            self._inside("containerd", "--config", str(self._folder / "containerd.toml"))
        )
        self._daemon("containerd").wait_until(
            self.socket.exists, "containerd to listen", 20, _AGAIN
        )
        self._daemon("kubelet").start(
            self._inside(
                self._program("kubelet"),
                f"--config={self._folder / 'kubelet.json'}",
                f"--kubeconfig={self._plan.state / 'kubeconfigs' / 'kubelet'}",
                f"--hostname-override={self.name}",
                f"--node-ip={self._plan.node_address}",
                "--container-runtime=remote",
                f"--container-runtime-endpoint=unix://{_SOCKET}",
                "--housekeeping-interval=5s",
            )
        )

    def start_proxy(self) -> None:
        """Starts kube-proxy, which asks the API server for its node at once."""
        say("starting kube-proxy")
        config = f"--config={self._folder / 'kube-proxy.json'}"
        self._daemon("kube-proxy").start(self._inside(self._program("kube-proxy"), config))

    def wait_until_ready(self) -> None:
        self._daemon("kubelet").wait_until(
            lambda: self._control_plane.has_ready_node(self.name),
            f"node {self.name} to be Ready",
            60,
            _AGAIN,
        )

    def runs(self) -> bool:
        """Whether the processes of the node run."""
        names = ("node", "containerd", "kubelet", "kube-proxy")
        return all(self._daemon(name).pid() is not None for name in names)

    def load_images(self, archives: list[Path]) -> list[str]:
        """Imports archives in the layout of ``docker save``; returns the images' names."""
        names: list[str] = []
        for archive in archives:
            ctr = ["ctr", "--address", str(self.socket), "--namespace", "k8s.io"]
            output = self._run(
                [*ctr, "image", "import", str(archive)],
                f"check that {archive} is an archive as docker save writes it",
            )
            names += [line.split()[1] for line in output.splitlines() if line.startswith("unpack")]
        return names

    def _daemon(self, name: str) -> Daemon:
        return Daemon(self._plan.state, name)

    def _program(self, name: str) -> str:
        return str(self._binaries / name)

    def _run(self, command: list[str], next_step: str) -> str:
        log = self._plan.state / "logs" / "node-setup.log"
        return run(command, owner=self._plan.state, log=log, next_step=next_step)

    def _inside(self, *command: str) -> list[str]:
        """The command, to be run in the node's namespaces."""
        holder = self._daemon("node").pid()
        if holder is None:
            raise ClusterError(f"the node of cluster {self._plan.name} is gone", _AGAIN)
        return ["nsenter", "--target", str(holder), "--mount", "--net", "--", *command]

    def _own(self, hidden: Path) -> Path:
        """The node's own folder in place of one of this machine's."""
        return self._folder / hidden.relative_to("/").as_posix().replace("/", "-")

    def _private_folders(self) -> str:
        for hidden in _HIDDEN:
            self._own(hidden).mkdir(exist_ok=True)
        own = {hidden: self._own(hidden) for hidden in _HIDDEN}
        return replace_paths({**own, **NO_KERNEL_LOG})

    def _make_control_groups(self) -> None:
        for hierarchy in hierarchies():
            group = hierarchy / control_group(self._plan.name)
            group.mkdir(exist_ok=True)
            if hierarchy.name == "cpuset":
                for setting in ("cpuset.cpus", "cpuset.mems"):
                    (group / setting).write_text((hierarchy / setting).read_text())

    def _write_settings(self) -> None:
        plan, authority = self._plan, Authority(self._plan.state)
        authority.issue("kubelet-server", f"/CN={self.name}", [f"IP:{plan.node_address}"])
        node = f"/O=system:nodes/CN=system:node:{self.name}"
        self._control_plane.log_in_as("kubelet", node)
        self._control_plane.log_in_as("kube-proxy", "/CN=system:kube-proxy")
        network = self._folder / "cni"
        network.mkdir(exist_ok=True)
        settings = {
            "containerd.toml": self._containerd_settings(),
            "kubelet.json": json.dumps(self._kubelet_settings(authority)),
            "kube-proxy.json": json.dumps(self._proxy_settings()),
            "cni/10-recovery.conflist": json.dumps(self._network_settings()),
            "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
        }
        for name, content in settings.items():
            (self._folder / name).write_text(content)

    def _containerd_settings(self) -> str:
        folder = self._folder
        text = json.dumps
        return f"""version = 2
root = {text(str(folder / "containerd"))}
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
address = "{_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = {text(PAUSE_IMAGE)}
# A machine without CAP_SYS_RESOURCE may not lower it, and every sandbox would fail.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = {text(_CNI_PLUGINS)}
conf_dir = {text(str(folder / "cni"))}
"""

    def _network_settings(self) -> dict[str, object]:
        """Every pod has a routed link of its own: all its packets pass kube-proxy's rules."""
        return {
            "cniVersion": "0.4.0",
            "name": "recovery",
            "plugins": [
                {
                    "type": "ptp",
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "ranges": [[{"subnet": self._plan.pods}]],
                        # No default route: what pods ask of the outside fails at once.
                        "routes": [{"dst": self._plan.network}],
                    },
                }
            ],
        }

    def _kubelet_settings(self, authority: Authority) -> dict[str, object]:
        certificate, key = authority.pair("kubelet-server")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self._plan.node_address,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(certificate),
            "tlsPrivateKeyFile": str(key),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{control_group(self._plan.name)}",
            "enforceNodeAllocatable": [],
            # The machine's own fullness is not what tests are about.
            "evictionHard": {},
            "imageGCHighThresholdPercent": 100,
            "failSwapOn": False,
            "maxPods": 250,
            "resolvConf": str(self._folder / "resolv.conf"),
            # Nothing listens there: look-ups fail at once, and no pod gets a warning event.
            "clusterDNS": [self._plan.name_service],
            "clusterDomain": "cluster.local",
            "volumePluginDir": "/var/lib/kubelet/volume-plugins",
            "serializeImagePulls": False,
            # Faster than the defaults, so that tests need not wait for what is not their subject.
            "syncFrequency": "10s",
            "nodeStatusUpdateFrequency": "2s",
            "kubeAPIQPS": 100,
            "kubeAPIBurst": 200,
            "eventRecordQPS": 100,
            "eventBurst": 200,
        }

    def _proxy_settings(self) -> dict[str, object]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "bindAddress": self._plan.node_address,
            "clientConnection": {
                "kubeconfig": str(self._plan.state / "kubeconfigs" / "kube-proxy")
            },
            "mode": "iptables",
            "iptables": {"minSyncPeriod": "0s", "syncPeriod": "30s"},
            "hostnameOverride": self.name,
            # These limits are the whole machine's, not this network's.
            "conntrack": {
                "maxPerCore": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        }
