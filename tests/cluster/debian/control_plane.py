# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd, the API server, the controller manager and the scheduler, as plain processes."""

from __future__ import annotations

import json
import signal
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit import POLICY
from ..kubectl import answers
from ..probe import says_ok
from ..process import Daemon
from ..progress import say
from .certificates import Authority
from .plan import Plan

FRONT_PROXY = "front-proxy"
"""The common name with which the API server passes questions on to others."""

_AGAIN = "run the same command again; it starts from scratch"


@dataclass(frozen=True)
class LoginFiles:
    """A client's certificate and key, and the certificate of the authority to trust."""

    authority: Path
    certificate: Path
    key: Path


class ControlPlane:
    """The control plane of one cluster, built from the same plan at every call."""

    def __init__(self, plan: Plan, binaries: Path) -> None:
        self._plan = plan
        self._binaries = binaries
        self._authority = Authority(plan.state)
        self.api_server = Daemon(plan.state, "kube-apiserver")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._plan.state / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self._plan.state / "audit.log"

    def prepare(self) -> None:
        """Writes certificates, kubeconfigs and settings."""
        plan, authority = self._plan, self._authority
        say("signing certificates")
        authority.create()
        served = ["IP:127.0.0.1", f"IP:{plan.host_address}", "DNS:localhost"]
        in_cluster = [f"IP:{plan.first_service}", "DNS:kubernetes", "DNS:kubernetes.default.svc"]
        authority.issue("etcd", "/CN=etcd", served)
        authority.issue("kube-apiserver", "/CN=kube-apiserver", served + in_cluster)
        authority.issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        authority.issue(FRONT_PROXY, f"/CN={FRONT_PROXY}")
        authority.signing_key("service-accounts")
        self.log_in_as("admin", "/O=system:masters/CN=admin", to=self.kubeconfig)
        for component in ("kube-controller-manager", "kube-scheduler"):
            self.log_in_as(component, f"/CN=system:{component}")
        (plan.state / "audit-policy.json").write_text(json.dumps(POLICY))

    def log_in_as(
        self, name: str, subject: str, names: Sequence[str] = (), to: Path | None = None
    ) -> Path:
        """Signs a certificate for ``subject`` and returns the path of its kubeconfig.

        :param names: what the certificate also serves under, as for ``Authority.issue``.
        """
        path = to or self._plan.state / "kubeconfigs" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._authority.issue(name, subject, names)
        self._authority.kubeconfig(name, self._plan.api_server, path)
        return path

    def login_files(self, name: str) -> LoginFiles:
        """The files behind a kubeconfig of ``log_in_as``, for programs that want them apart."""
        return LoginFiles(self._authority.certificate, *self._authority.pair(name))

    def start(self) -> None:
        """Starts etcd and the API server; returns before they answer."""
        say("starting etcd and kube-apiserver")
        self._daemon("etcd").start(self._etcd())
        self.api_server.start(self._api_server())

    def wait_for_api_server(self) -> None:
        say("waiting for the API server")
        self.api_server.wait_until(self.is_ready, "the API server to answer", 60, _AGAIN)

    def start_controllers(self) -> None:
        """Starts what gives up when it meets an API server without its default roles yet."""
        say("starting kube-controller-manager and kube-scheduler")
        self._daemon("kube-controller-manager").start(self._controller_manager())
        self._daemon("kube-scheduler").start(self._scheduler())

    def is_ready(self) -> bool:
        """Whether the API server says so itself."""
        login = self.login_files("admin")
        context = ssl.create_default_context(cafile=str(login.authority))
        context.load_cert_chain(login.certificate, login.key)
        return says_ok(f"{self._plan.api_server}/readyz", context)

    def has_ready_node(self, name: str) -> bool:
        """Whether the API server holds the node's own word that it is Ready."""
        condition = '-ojsonpath={.status.conditions[?(@.type=="Ready")].status}'
        return answers(self.kubeconfig, "get", "node", name, condition) == "True"

    def runs(self) -> bool:
        """Whether all four processes run."""
        names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
        return all(self._daemon(name).pid() is not None for name in names)

    def stop_api_server(self) -> None:
        self.api_server.stop(signal.SIGKILL)

    def start_api_server(self) -> None:
        self.api_server.start(self._api_server())
        self.wait_for_api_server()

    def log_of(self, component: str) -> Path:
        return self._daemon(component).log

    def _daemon(self, name: str) -> Daemon:
        return Daemon(self._plan.state, name)

    def _url(self, server: str) -> str:
        return f"https://127.0.0.1:{self._plan.ports[server]}"

    def _program(self, name: str) -> str:
        return str(self._binaries / name)

    def _etcd(self) -> list[str]:
        certificate, key = self._authority.pair("etcd")
        return [
            "etcd",
            f"--data-dir={self._plan.state / 'etcd'}",
            f"--listen-client-urls={self._url('etcd')}",
            f"--advertise-client-urls={self._url('etcd')}",
            f"--listen-peer-urls={self._url('etcd-peer')}",
            f"--initial-advertise-peer-urls={self._url('etcd-peer')}",
            f"--initial-cluster=default={self._url('etcd-peer')}",
            "--client-cert-auth",
            f"--trusted-ca-file={self._authority.certificate}",
            f"--cert-file={certificate}",
            f"--key-file={key}",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={self._authority.certificate}",
            f"--peer-cert-file={certificate}",
            f"--peer-key-file={key}",
            # The data is gone after `down` anyway.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server(self) -> list[str]:
        plan, authority = self._plan, self._authority
        served, served_key = authority.pair("kube-apiserver")
        etcd, etcd_key = authority.pair("etcd")
        kubelet, kubelet_key = authority.pair("kubelet-client")
        proxy, proxy_key = authority.pair(FRONT_PROXY)
        signing_key = authority.folder / "service-accounts.key"
        return [
            self._program("kube-apiserver"),
            f"--bind-address={plan.api_address}",
            f"--secure-port={plan.ports['kube-apiserver']}",
            # Endpoints may not be on loopback, even where no pod will ever use them.
            f"--advertise-address={plan.host_address}",
            f"--service-cluster-ip-range={plan.services}",
            f"--etcd-servers={self._url('etcd')}",
            f"--etcd-cafile={authority.certificate}",
            f"--etcd-certfile={etcd}",
            f"--etcd-keyfile={etcd_key}",
            f"--client-ca-file={authority.certificate}",
            f"--tls-cert-file={served}",
            f"--tls-private-key-file={served_key}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={signing_key}",
            f"--service-account-signing-key-file={signing_key}",
            f"--kubelet-certificate-authority={authority.certificate}",
            f"--kubelet-client-certificate={kubelet}",
            f"--kubelet-client-key={kubelet_key}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={authority.certificate}",
            f"--requestheader-allowed-names={FRONT_PROXY}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={proxy}",
            f"--proxy-client-key-file={proxy_key}",
            f"--audit-policy-file={plan.state / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
            f"--cert-dir={plan.state / 'apiserver'}",
        ]

    def _controller_manager(self) -> list[str]:
        authority = self._authority
        return [
            self._program("kube-controller-manager"),
            *self._client("kube-controller-manager"),
            f"--root-ca-file={authority.certificate}",
            f"--service-account-private-key-file={authority.folder / 'service-accounts.key'}",
            f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key}",
            "--use-service-account-credentials",
            "--controllers=*,-nodeipam,-cloud-node-lifecycle,-route,-service",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--concurrent-deployment-syncs=20",
            "--concurrent-replicaset-syncs=20",
            "--concurrent-namespace-syncs=20",
        ]

    def _scheduler(self) -> list[str]:
        return [
            self._program("kube-scheduler"),
            *self._client("kube-scheduler"),
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ]

    def _client(self, component: str) -> list[str]:
        """What the controller manager and the scheduler have in common."""
        kubeconfig = self._plan.state / "kubeconfigs" / component
        return [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._plan.ports[component]}",
            "--port=0",
            "--leader-elect=false",
            f"--cert-dir={self._plan.state / component}",
        ]
