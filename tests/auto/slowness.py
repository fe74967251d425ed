# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a processor this machine gives to a program right now."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Slowness:
    """How many seconds pass for one second of work: 1 on a quiet machine, and never less."""

    passed: float = 0.0
    worked: float = 0.0

    def measure(self) -> None:
        """Start Ansible and end it at once, which is what the automation does most of its time."""
        started = time.monotonic()
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        process = subprocess.Popen([program, "--version"], stdout=subprocess.DEVNULL)
        _pid, _status, used = os.wait4(process.pid, 0)
        process.returncode = 0
        self.passed += time.monotonic() - started
        self.worked += used.ru_utime + used.ru_stime

    @property
    def factor(self) -> float:
        return max(1.0, self.passed / self.worked) if self.worked else 1.0
