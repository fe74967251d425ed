# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as a process of its own, without Ansible around it, and weighs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.support.modules import COLLECTIONS, MODULES


@dataclass(frozen=True)
class Run:
    """:param megabytes: the most memory that the process held."""

    result: dict[str, Any]
    megabytes: float


def run(
    module: str, *, check: bool = False, env: Mapping[str, str] | None = None, **options: Any
) -> Run:
    """Run it to its end, with ``env`` as all of its environment. Raises RuntimeError on failure."""
    arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check}}
    with subprocess.Popen(
        [sys.executable, "-m", f"{MODULES}.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**(env or {}), "PYTHONPATH": str(COLLECTIONS)},
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(arguments))
        process.stdin.close()
        result = json.loads(process.stdout.read())
        _pid, _status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    if result.get("failed"):
        raise RuntimeError(f"{module}: {result['msg'][:2000]}")
    return Run(result, usage.ru_maxrss / 1024)
