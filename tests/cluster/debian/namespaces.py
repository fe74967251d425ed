# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell commands for processes that have namespaces of their own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from ..places import cache_folder

# Until it is in its namespaces, the process $1 seems to be in this program's own.
AWAIT_NAMESPACES = """
for _ in $(seq 100); do
    [ "$(readlink /proc/$1/ns/net)" = "$(readlink /proc/self/ns/net)" ] || exit 0
    sleep 0.05
done
exit 1
"""

# The kernel's log is root's alone, and the kubelet would report from it what ran out of memory
# in other clusters and before this one.
NO_KERNEL_LOG = {Path("/dev/kmsg"): Path("/dev/null")}


def replace_paths(replacements: Mapping[Path, Path]) -> str:
    """Commands for a mount namespace that put other files and folders over some of this machine's.

    The cache may itself lie below one of those (a service user's home in /var/lib, say), so it is
    held open and put back.
    """
    cache = shlex.quote(str(cache_folder()))
    lines = [f"cd {cache}"]
    for hidden, shown in replacements.items():
        lines.append(f"mount --bind {shlex.quote(str(shown))} {shlex.quote(str(hidden))}")
    lines.append(f"[ -e {cache} ] || {{ mkdir -p {cache}; mount -c --bind . {cache}; }}")
    return "\n".join(lines)
