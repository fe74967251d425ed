# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Alertmanager, which tells nobody until a test gives it receivers."""

from __future__ import annotations

from ..debian import packages
from ..debian.plan import Plan
from ..model import Alertmanager
from ..probe import says_ok
from ..process import Daemon
from ..progress import say

DAEMONS = ("alertmanager",)
_CONFIG = """\
# Reload after a change: curl -X POST .../-/reload
route:
  receiver: nobody
  group_wait: 1s
  group_interval: 1s
receivers:
  - name: nobody
"""


def start(plan: Plan) -> Alertmanager:
    """Starts the server on loopback and waits until it is ready."""
    packages.ensure_installed(["prometheus-alertmanager"], plan.state)
    say("starting alertmanager")
    folder = plan.state / "alertmanager"
    folder.mkdir(exist_ok=True)
    config = folder / "alertmanager.yml"
    config.write_text(_CONFIG)
    url = f"http://127.0.0.1:{plan.ports['alertmanager']}"
    server = Daemon(plan.state, *DAEMONS)
    server.start(
        [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={url.removeprefix('http://')}",
            # One is enough, and the port for its peers would be open to all.
            "--cluster.listen-address=",
        ]
    )
    server.wait_until(
        lambda: says_ok(f"{url}/-/ready"),
        "alertmanager to answer",
        30,
        f"amtool check-config {config}",
    )
    return Alertmanager(url, config)
