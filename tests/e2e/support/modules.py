# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules as Ansible does: a process that gets its arguments as JSON and answers in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULES = "ansible_collections.oncall.recovery.plugins.modules"
COLLECTIONS = Path(__file__).resolve().parents[3] / ".venv" / "collections"
LONGEST_RUN_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """What a module printed.

    :param result: its JSON, without the invocation.
    """

    result: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.result["changed"])

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def outcomes(self) -> dict[str, str]:
        """What became of each workload, by name."""
        return {workload["name"]: workload["outcome"] for workload in self.result["workloads"]}

    @property
    def only(self) -> Mapping[str, Any]:
        """The one workload of the result."""
        (workload,) = self.result["workloads"]
        return dict(workload)


def run_module(
    module: str,
    kubeconfig: Path | None,
    /,
    *,
    check: bool = False,
    diff: bool = False,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> Answer:
    """Run a module of the collection to its end. ``env`` is all of its environment."""
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff}
    if kubeconfig is not None:
        arguments["kubeconfig"] = str(kubeconfig)
    done = subprocess.run(
        [sys.executable, "-m", f"{MODULES}.{module}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PYTHONPATH": str(COLLECTIONS), **(env or {})},
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    result = json.loads(done.stdout)
    result.pop("invocation", None)
    return Answer(result)
