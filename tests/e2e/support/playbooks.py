# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks of the collection as a person does, from a shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .modules import COLLECTIONS

LONGEST_PLAY_SECONDS = 180
STATISTICS = re.compile(r"^\s*RUN: (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """What became of a run. ``output`` is what the person saw."""

    returncode: int
    output: str

    @property
    def failed(self) -> bool:
        return self.returncode != 0

    def statistic(self, name: str, host: str = "localhost") -> dict[str, Any]:
        """What the run handed over to the next job."""
        found = STATISTICS.search(self.output)
        assert found, self.output
        return dict(json.loads(found[1])[name][host])


def play(
    playbook: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    **variables: Any,
) -> Played:
    """Run ``oncall.recovery.PLAYBOOK`` with the variables, and ``cwd`` as home, too."""
    done = subprocess.run(
        [
            *(
                str(Path(sys.executable).with_name("ansible-playbook")),
                f"oncall.recovery.{playbook}",
            ),
            *("-e", json.dumps(variables), *arguments),
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(cwd),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
            **(env or {}),
        },
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LONGEST_PLAY_SECONDS,
        check=False,
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    return Played(done.returncode, output)
