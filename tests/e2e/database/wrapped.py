# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL's programs, of which one kills its parent at a chosen call."""

from __future__ import annotations

import shlex
from pathlib import Path

from .server import bin_dir

PROGRAMS = (*("psql", "pg_controldata", "pg_ctl", "pg_dump", "pg_restore", "pg_verifybackup"),)
# Kills the module, its parent, before or after the call that has this text in arguments or input.
WRAPPER = """#!/bin/sh
script=/dev/null
case "$*" in *--file=-*) script=$(mktemp -p {folder}); cat > "$script";; esac
found=false
if {{ printf '%s' "{program} $*"; cat "$script"; }} | grep -q -e {text}; then found=true; fi
if $found && [ {when} = before ]; then kill -9 "$PPID"; sleep {delay}; fi
{real} "$@" < "$script"
status=$?
if $found && [ {when} = after ]; then kill -9 "$PPID"; fi
exit $status
"""


def wrapped(folder: Path, text: str, when: str, delay: float) -> Path:
    """A folder with them; it says when the call that ``text`` is in kills, and what it waits."""
    folder.mkdir()
    for program in PROGRAMS:
        path = folder / program
        path.write_text(
            WRAPPER.format(
                folder=shlex.quote(str(folder)),
                program=program,
                text=shlex.quote(text),
                when=when,
                delay=delay,
                real=shlex.quote(str(bin_dir() / program)),
            )
        )
        path.chmod(0o755)
    return folder
