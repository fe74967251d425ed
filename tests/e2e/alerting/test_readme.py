# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README says works when it is copied."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from .playbook import render

README = Path(__file__).resolve().parents[3] / "README.md"


def test_example_of_the_readme_passes_the_checks_of_promtool_and_amtool(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n# alerting\.yml\n(.*?)```", README.read_text(), re.DOTALL)
    variables = yaml.safe_load(example.replace("/etc/prometheus", str(tmp_path)))
    # The folder of Debian's Prometheus, and a file of the test's own instead of a server's.
    Path(variables["alert_rules_path"]).parent.mkdir()
    servers = {"alert_rules_reload_url": "", "alert_routing_reload_url": ""}
    assert variables.keys() > servers.keys()
    done = render(tmp_path, **{**variables, **servers})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shop/Deployment/web" in Path(variables["alert_rules_path"]).read_text()
    assert "oncall@example.com" in Path(variables["alert_routing_path"]).read_text()
