# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README and the guide say works when it is copied."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

from .playbook import render

CHECKOUT = Path(__file__).resolve().parents[3]
README = CHECKOUT / "README.md"
GUIDE = CHECKOUT / "docs" / "docsite" / "rst" / "guide_alerting.rst"


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
    configuration = Path(variables["alert_routing_path"])
    assert "oncall@example.com" in configuration.read_text()
    # Debian's Alertmanager runs as it, and nobody else may read the file.
    assert configuration.owner() == "prometheus"


def test_command_of_the_guide_writes_an_object_where_no_prometheus_answers(tmp_path: Path) -> None:
    guide = GUIDE.read_text()
    (example,) = re.findall(r"    # alerting\.yml\n(.*?)\n\n\.\.", guide, re.DOTALL)
    (tmp_path / "alerting.yml").write_text(example)
    (pasted,) = re.findall(
        r"\$ ansible-playbook oncall\.recovery\.alerting ([^$]*=prometheus_rule.*?)\n    \$",
        guide,
        re.DOTALL,
    )
    arguments = shlex.split(pasted.replace("\\\n", " ").replace("$PWD", str(tmp_path)))
    done = render(tmp_path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load((tmp_path / "rules.yml").read_text())
    assert written["kind"] == "PrometheusRule"
    assert len(written["spec"]["groups"]) == 2
