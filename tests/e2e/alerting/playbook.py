# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbook ``alerting`` as a person would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.support.playbooks import Played, play


def render(folder: Path, *arguments: str, **variables: Any) -> Played:
    """Write what ``variables`` ask for; ``folder`` is the home of this run."""
    more = {
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
    }
    return play("oncall.recovery.alerting", *arguments, cwd=folder, env=more, **variables)
