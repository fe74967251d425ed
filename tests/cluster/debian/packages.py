# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages that a cluster needs: which are missing, and their installation."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import ClusterError
from ..locks import locked
from ..places import cache_folder
from ..process import run_long
from ..progress import say

CONTROL_PLANE = ("etcd-server", "kubernetes-client", "openssl")
BUILD = (
    "dpkg-dev",
    "gcc",
    "golang-github-modern-go-reflect2-dev",
    "golang-go",
    "libc6-dev",
    "make",
    "rsync",
)
NODE = (
    "busybox-static",
    "containerd",
    "containernetworking-plugins",
    "iproute2",
    "iptables",
    "runc",
    "util-linux",
)
# What ansible-rulebook runs its rules on.
JAVA = ("default-jre-headless",)
_POLICY = Path("/usr/sbin/policy-rc.d")
# 101 is Debian's word for "forbidden".
_FORBID = "#!/bin/sh\n# oncall.recovery, while it installs packages\nexit 101\n"
# Other packages bring these programs too and would clash over the file; any version serves.
_ANY_MAKERS_PROGRAM = {"default-jre-headless": "java", "kubernetes-client": "kubectl"}


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
    cache_folder().mkdir(parents=True, exist_ok=True)
    with locked(cache_folder()):
        if not _has_package_lists():
            say("fetching the package lists (apt-get update)")
            _apt(["update"], owner, log, "the package lists")
        say(f"installing Debian packages, services stay off: {' '.join(wanted)}")
        with _services_stay_off():
            _apt(["install", "-y", "--no-install-recommends", *wanted], owner, log, "packages")
        _disable_services(wanted)


def _apt(
    arguments: Sequence[str],
    owner: Path,
    log: Path,
    waiting_for: str,
) -> None:
    run_long(
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments],
        owner=owner,
        log=log,
        waiting_for=waiting_for,
        next_step=f"apt-get update, then by hand: apt-get {' '.join(arguments)}",
        env={"DEBIAN_FRONTEND": "noninteractive"},
    )


def _has_package_lists() -> bool:
    return any(Path("/var/lib/apt/lists").glob("*_Packages*"))


@contextlib.contextmanager
def _services_stay_off() -> Iterator[None]:
    """Forbids the start of services while packages are installed.

    ``policy-rc.d`` is Debian's own switch for that. The machine's policy is put back afterwards,
    or by the next call where this one was killed.
    """
    kept = _POLICY.with_name("policy-rc.d.kept-by-oncall-recovery")
    if _POLICY.exists() and not kept.exists() and _POLICY.read_text() != _FORBID:
        _POLICY.rename(kept)
    _POLICY.write_text(_FORBID)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if kept.exists():
            kept.rename(_POLICY)
        else:
            _POLICY.unlink()


def _disable_services(packages: Sequence[str]) -> None:
    """Keeps a later boot from starting the services of packages that were just installed."""
    if not Path("/run/systemd/system").exists():
        return
    files = subprocess.run(
        ["dpkg-query", "-L", *packages], capture_output=True, text=True, check=False
    )
    units = {
        Path(line).name
        for line in files.stdout.splitlines()
        if line.endswith(".service") and "@" not in line and "/systemd/system/" in line
    }
    for unit in sorted(units):
        subprocess.run(["systemctl", "disable", unit], capture_output=True, check=False)
