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
    """What became of a run."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """What the person saw."""
        return self.stdout + self.stderr

    @property
    def failed(self) -> bool:
        return self.returncode != 0

    def statistic(self, name: str, host: str = "localhost") -> dict[str, Any]:
        """What the run handed over to the next job."""
        found = STATISTICS.search(self.output)
        assert found, self.output
        return dict(json.loads(found[1])[name][host])


def command(playbook: str, *arguments: str, **variables: Any) -> list[str]:
    """What runs a playbook: its path, or as ``oncall.recovery.NAME`` one of the collection's."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return [program, playbook, "-e", json.dumps(variables), *arguments]


def environment(home: Path) -> dict[str, str]:
    """That of a person who has this home, and nothing set."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
    }


def play(
    playbook: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    **variables: Any,
) -> Played:
    """Run a playbook to its end with the variables, and ``cwd`` as home, too."""
    done = subprocess.run(
        command(playbook, *arguments, **variables),
        env={**environment(cwd), **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LONGEST_PLAY_SECONDS,
        check=False,
    )
    played = Played(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in played.output, played.output
    return played
