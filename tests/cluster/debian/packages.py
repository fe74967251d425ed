# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that a cluster needs: which are missing, and their installation."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ClusterError
from ..process import run_long
from ..progress import say

CONTROL_PLANE = ("etcd-server", "kubernetes-client", "openssl")
BUILD = ("dpkg-dev", "gcc", "golang-go", "libc6-dev", "make", "rsync")
NODE = (
    "busybox-static",
    "containerd",
    "containernetworking-plugins",
    "iproute2",
    "iptables",
    "runc",
    "util-linux",
)
# Other packages bring these programs too and would clash over the file; any version serves.
_ANY_MAKERS_PROGRAM = {"kubernetes-client": "kubectl"}


def missing(packages: Sequence[str]) -> list[str]:
    """Those of ``packages`` that are neither installed nor replaced by another's program."""
    query = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    present = {
        line.split()[1] for line in query.stdout.splitlines() if line.startswith("installed ")
    }
    return sorted(
        package
        for package in set(packages) - present
        if shutil.which(_ANY_MAKERS_PROGRAM.get(package, "")) is None
    )


def ensure_installed(packages: Sequence[str], owner: Path) -> None:
    """Installs what is missing, after saying so; none of its services is started.

    :raises ClusterError: when something is missing and this is not root, or apt fails.
    """
    wanted = missing(packages)
    if not wanted:
        return
    command = f"apt-get install --no-install-recommends {' '.join(wanted)}"
    if os.geteuid() != 0:
        raise ClusterError(
            f"these Debian packages are missing: {', '.join(wanted)}",
            f"sudo {command}",
        )
    log = owner / "logs" / "apt.log"
    if not _has_package_lists():
        say("fetching the package lists (apt-get update)")
        _apt(["update"], owner, log, "the package lists")
    say(f"installing Debian packages, services stay off: {' '.join(wanted)}")
    with tempfile.TemporaryDirectory() as folder, _ServicesStayOff(Path(folder)) as env:
        _apt(["install", "-y", "--no-install-recommends", *wanted], owner, log, "packages", env)


def _apt(
    arguments: Sequence[str],
    owner: Path,
    log: Path,
    waiting_for: str,
    env: dict[str, str] | None = None,
) -> None:
    run_long(
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments],
        owner=owner,
        log=log,
        waiting_for=waiting_for,
        next_step="check the machine's apt sources with: apt-get update",
        env={"DEBIAN_FRONTEND": "noninteractive", **(env or {})},
    )


def _has_package_lists() -> bool:
    return any(Path("/var/lib/apt/lists").glob("*_Packages*"))


class _ServicesStayOff:
    """While packages are installed, their services are neither started nor enabled.

    ``policy-rc.d`` answers 101 ("forbidden") to every service start. One that is there already
    is put back afterwards. Masks keep a later boot from starting the services.
    """

    _POLICY = Path("/usr/sbin/policy-rc.d")

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "policy-rc.d"

    def __enter__(self) -> dict[str, str]:
        if self._POLICY.exists():
            shutil.copy2(self._POLICY, self._kept)
        self._POLICY.write_text("#!/bin/sh\nexit 101\n")
        self._POLICY.chmod(0o755)
        return {"RUNLEVEL": "1"}

    def __exit__(self, *_: object) -> None:
        if self._kept.exists():
            shutil.copy2(self._kept, self._POLICY)
        else:
            self._POLICY.unlink(missing_ok=True)
