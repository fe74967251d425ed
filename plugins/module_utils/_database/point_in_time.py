# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A dump of a database as it was at a point in time, made of a base backup and its WAL.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._database.dump import dump
from ansible_collections.oncall.recovery.plugins.module_utils._database.instance import Instance

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._database.request import Request
    from ansible_collections.oncall.recovery.plugins.module_utils._database.sources import Source
    from ansible_collections.oncall.recovery.plugins.module_utils._database.state import (
        State,
        Workspace,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools


def instance_for(tools: Tools, request: Request) -> Instance:
    """The second server of a restore, whether it is there or not."""
    if request.instance_folder:
        folder = request.instance_folder / f"oncall-recovery-{request.name}"
    else:
        folder = request.folder / request.name / "instance"
    return Instance(tools, folder, request.instance_user)


def recover(tools: Tools, request: Request, place: Workspace, state: State, source: Source) -> Path:
    """Run a second server up to the moment that was asked for, dump the database there, end it.

    Returns the path of the dump; raises RecoveryError. What a killed run has left of the server is
    removed first.
    """
    instance = instance_for(tools, request)
    instance.require_possible()
    if state.instance and state.instance != str(instance.folder):
        Instance(tools, Path(state.instance), request.instance_user).remove()
    state.instance = str(instance.folder)
    place.save(state)
    instance.prepare(Path(state.backup["path"]), source, state.before)
    instance.start()
    target = dump(instance.clients, request.wanted.of or state.database, place.folder, "recovered")
    instance.remove()
    state.instance = ""
    place.save(state)
    return target
