# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbook ``alerting`` as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.support.modules import COLLECTIONS


def render(folder: Path, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Write what ``variables`` ask for; ``folder`` is the home of this run."""
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "oncall.recovery.alerting"),
            *("-e", json.dumps(variables), *arguments),
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
