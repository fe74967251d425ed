# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second rulebook launches a job; a small server answers as AWX's API does."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.e2e.support.rulebook import running_rulebook
from tests.e2e.support.web import QuietHandler, serving
from tests.e2e.support.workloads import wait_until

from .alerts import alert, message

PLAYBOOK = "oncall.recovery.rollback"
TEMPLATE = {
    "id": 7,
    "type": "job_template",
    "name": "Roll back",
    "related": {"launch": "/api/v2/job_templates/7/launch/"},
    "summary_fields": {"organization": {"name": "Default"}},
    "ask_limit_on_launch": False,
    "ask_labels_on_launch": False,
    "ask_inventory_on_launch": False,
    "ask_variables_on_launch": True,
}
JOB = {
    "id": 41,
    "url": "/api/v2/jobs/41/",
    "status": "successful",
    "created": "2026-11-25T14:00:00Z",
}


def awx(launched: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] != "Bearer s3cret-awx-token":
                self.send_error(401)
            elif self.path.startswith("/api/v2/config/"):
                self.answer({"version": "24.6.1"})
            elif "job_templates/" in self.path:
                self.answer({"count": 1, "results": [TEMPLATE], "next": None})
            else:
                self.answer({"count": 1, "results": [JOB], "next": None})

        def do_POST(self) -> None:
            launched.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(JOB)

        def answer(self, body: Any) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    return Handler


def test_alert_launches_one_job_with_what_was_checked_and_nothing_else(tmp_path: Path) -> None:
    launched: list[dict[str, Any]] = []
    with (
        serving(awx(launched)) as url,
        running_rulebook(
            tmp_path,
            "alert_response_job_template",
            env={"EDA_CONTROLLER_URL": url, "EDA_CONTROLLER_TOKEN": "s3cret-awx-token"},
            alert_response_namespaces=["shop"],
            alert_response_playbooks=[PLAYBOOK],
        ) as rulebook,
    ):
        for labels in (
            {"namespace": "kube-system"},
            {"playbook": "oncall.recovery.mitigation"},
            {"signal": "{{ lookup('ansible.builtin.pipe', 'id') }}"},
        ):
            rulebook.send(message(alert("web", **{"playbook": PLAYBOOK, **labels})))
        for _again in range(3):
            assert rulebook.send(message(alert("web", playbook=PLAYBOOK))) == 200
        wait_until(lambda: len(rulebook.lines("acted on already")) == 2, "all are judged")
        wait_until(lambda: bool(launched), f"a job is launched, see {rulebook.log}")
        assert "s3cret" not in rulebook.said()
    (job,) = launched
    assert job["extra_vars"] == {
        "rollback_workloads": [{"kind": "Deployment", "namespace": "shop", "name": "web"}],
        "rollback_target": "last_good",
        "rollback_automatic": True,
        "rollback_deployed_within": 3600,
        "rollback_incident": "alert-20261125T140000Z-shop-deployment-web",
        "rollback_reason": "alert error_rate since 2026-11-25 14:00:00 UTC",
    }
