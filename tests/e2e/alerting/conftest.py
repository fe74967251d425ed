# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus, Alertmanager and their tools, and the playbook that writes files for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.debian import packages

from .playbook import render


@pytest.fixture(scope="session", autouse=True)
def _tools(tmp_path_factory: pytest.TempPathFactory) -> None:
    """promtool and amtool come with the servers."""
    packages.ensure_installed(
        ["prometheus", "prometheus-alertmanager", *packages.JAVA],
        tmp_path_factory.mktemp("packages"),
    )


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules for one service of each kind, with the values that the role ships."""
    folder = tmp_path_factory.mktemp("rules")
    path = folder / "rules.yml"
    done = render(
        folder,
        alert_rules_path=str(path),
        alert_rules_validate="promtool check rules %s",
        alert_rules_runbook_url="https://runbooks.example/{signal}",
        alert_rules_services=[
            {"namespace": "shop", "name": "web", "team": "shop", "slo": 99.9},
            {"namespace": "shop", "name": "orders", "kind": "StatefulSet"},
            {"namespace": "shop", "name": "agent", "kind": "DaemonSet"},
        ],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return path
