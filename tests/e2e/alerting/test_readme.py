# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README and the guide say works when it is copied."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import ssl
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from tests.e2e.support.rulebook import START_SECONDS, rulebook_environment
from tests.e2e.support.workloads import wait_until

from .playbook import render
from .servers import free_port

CHECKOUT = Path(__file__).resolve().parents[3]
README = CHECKOUT / "README.md"
GUIDE = CHECKOUT / "docs" / "docsite" / "rst" / "guide_alerting.rst"
# What the tests have installed already.
INSTALLS = ("sudo apt-get", "python3 -m pip")


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


def test_rulebook_is_set_up_by_what_the_readme_says(tmp_path: Path) -> None:
    text = README.read_text().partition("### Roll back by itself")[2]
    set_up, start = (
        block.replace("$ ", "")
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)[:2]
    )
    (example,) = re.findall(r"```yaml\n(# alert_response\.yml\n.*?)```", text, re.DOTALL)
    wanted = "\n".join(line for line in set_up.splitlines() if not line.startswith(INSTALLS))
    shell(wanted, tmp_path)
    folder, port = tmp_path / "alert_response", free_port()
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    (folder / "alert_response.yml").write_text(f"{example}alert_response_port: {port}\n")
    token = (folder / "token").read_text().strip()
    context = ssl.create_default_context(cafile=folder / "certificate.pem")
    request = urllib.request.Request(
        f"https://127.0.0.1:{port}/endpoint",
        data=b'{"alerts": []}',
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )

    def is_accepted() -> bool:
        with contextlib.suppress(urllib.error.URLError):
            return bool(urllib.request.urlopen(request, context=context, timeout=5).status == 200)
        return False

    process = subprocess.Popen(
        ["bash", "-c", start],
        cwd=folder,
        env=rulebook_environment(tmp_path),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(is_accepted, "the rulebook takes a message", START_SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def shell(commands: str, folder: Path) -> None:
    subprocess.run(["bash", "-e", "-c", commands], cwd=folder, check=True, capture_output=True)
