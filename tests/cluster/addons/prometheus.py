# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Prometheus, which watches pods that ask for it by annotation, and the node."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from ..debian import packages
from ..debian.control_plane import ControlPlane, LoginFiles
from ..debian.plan import Plan
from ..kubectl import apply
from ..model import Prometheus
from ..probe import says_ok
from ..process import Daemon
from ..progress import say
from . import discovery

DAEMONS = ("prometheus", "prometheus-discovery")
_USER = "system:prometheus"


def start(plan: Plan, control_plane: ControlPlane) -> Prometheus:
    """Starts the server on loopback and waits until it is ready."""
    packages.ensure_installed(["prometheus"], plan.state)
    say("starting prometheus")
    folder = plan.state / "prometheus"
    rules, pods, config = folder / "rules", folder / "pods.json", folder / "prometheus.yml"
    rules.mkdir(parents=True, exist_ok=True)
    control_plane.log_in_as("prometheus", f"/CN={_USER}")
    apply(control_plane.kubeconfig, *_permissions())
    login = control_plane.login_files("prometheus")
    config.write_text(_config(plan, login, rules, pods))
    url = f"http://127.0.0.1:{plan.ports['prometheus']}"
    server, discoverer = (Daemon(plan.state, name) for name in DAEMONS)
    discoverer.start(_discovery(plan, login, pods))
    server.start(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=1d",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--web.enable-lifecycle",
        ]
    )
    server.wait_until(
        lambda: says_ok(f"{url}/-/ready"),
        "prometheus to answer",
        30,
        f"promtool check config {config}",
    )
    return Prometheus(url, config, rules)


def _discovery(plan: Plan, login: LoginFiles, pods: Path) -> list[str]:
    return [
        *(sys.executable, discovery.__file__, "--server", plan.api_server),
        *("--authority", str(login.authority)),
        *("--certificate", str(login.certificate), "--key", str(login.key)),
        *("--to", str(pods)),
    ]


def _config(plan: Plan, login: LoginFiles, rules: Path, pods: Path) -> str:
    """The configuration; its strings are JSON's, which YAML reads alike."""
    quoted = json.dumps
    tls = f"""scheme: https
    tls_config:
      ca_file: {quoted(str(login.authority))}
      cert_file: {quoted(str(login.certificate))}
      key_file: {quoted(str(login.key))}"""
    node = [f"{plan.node_address}:10250"] if plan.node else []
    return f"""# Rules: every *.yml in {rules}. Reload: curl -X POST .../-/reload
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files:
  - {quoted(f"{rules}/*.yml")}
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["127.0.0.1:{plan.ports["alertmanager"]}"]
scrape_configs:
  - job_name: pods
    file_sd_configs:
      - files: [{quoted(str(pods))}]
  - job_name: cadvisor
    # The kubelet reads its containers' usage every 5 s; asking more often shows nothing new.
    scrape_interval: 5s
    scrape_timeout: 5s
    metrics_path: /metrics/cadvisor
    {tls}
    static_configs:
      - targets: {quoted(node)}
    metric_relabel_configs:
      - source_labels: [pod]
        action: keep
        regex: .+
  - job_name: apiserver
    scrape_interval: 15s
    scrape_timeout: 10s
    {tls}
    static_configs:
      - targets: [{quoted(plan.api_server.removeprefix("https://"))}]
"""


def _permissions() -> list[Mapping[str, object]]:
    api = "rbac.authorization.k8s.io"
    role: dict[str, object] = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": _USER},
        "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        ],
    }
    binding: dict[str, object] = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _USER},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": _USER},
        "subjects": [{"apiGroup": api, "kind": "User", "name": _USER}],
    }
    return [role, binding]
