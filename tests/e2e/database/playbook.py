# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbook ``restore_database`` as a person would."""

from __future__ import annotations

from tests.e2e.support.playbooks import Played, play

from .server import PASSWORD
from .shop import Shop

PLAYBOOK = "oncall.recovery.restore_database"


def run(shop: Shop, *arguments: str, **variables: object) -> Played:
    options = shop.options()
    options.pop("approved_by")
    named = {f"database_restore_{name}": value for name, value in options.items()}
    named["incident"] = named.pop("database_restore_name")
    env = {**shop.server.reach, "ANSIBLE_LOCALHOST_WARNING": "false"}
    played = play(PLAYBOOK, *arguments, cwd=shop.folder, env=env, **{**named, **variables})
    assert PASSWORD not in played.output
    return played
