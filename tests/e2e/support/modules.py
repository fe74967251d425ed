# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules as Ansible does: a process that gets its arguments as JSON and answers in JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .proxy import Trouble, proxy_to

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
    with started_module(module, env, **arguments) as process:
        out, err = process.communicate(timeout=LONGEST_RUN_SECONDS)
    assert "Traceback" not in out + err, out + err
    result = json.loads(out)
    result.pop("invocation", None)
    return Answer(result)


@contextmanager
def started_module(
    module: str, env: Mapping[str, str] | None = None, /, **arguments: Any
) -> Iterator[subprocess.Popen[str]]:
    """A module's process that has got its arguments; it is killed where it outlives the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"{MODULES}.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(COLLECTIONS), **(env or {})},
        text=True,
    )
    assert process.stdin
    with process:
        try:
            process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
            process.stdin.close()
            # What communicate() would otherwise flush again.
            process.stdin = None
            yield process
        finally:
            process.kill()


def killed_module(module: str, kubeconfig: Path, method: str, part: str, /, **options: Any) -> None:
    """Run a module until it sends a request of this method with ``part`` in its path.

    That kills it, and the request never arrives. Dry runs do not count.
    """
    processes: list[subprocess.Popen[str]] = []

    def kill(sent: str, path: str) -> Trouble | None:
        if sent != method or part not in path or "dryRun" in path:
            return None
        processes[0].kill()
        return Trouble.RESET_BEFORE

    with (
        proxy_to(kubeconfig, kill) as host,
        started_module(module, host=host, kubeconfig=str(kubeconfig), **options) as process,
    ):
        processes.append(process)
        out, err = process.communicate(timeout=LONGEST_RUN_SECONDS)
        assert process.returncode == -signal.SIGKILL, out + err
