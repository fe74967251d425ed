# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds Kubernetes from Debian's source package, once; the binaries stay in the cache."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from ..errors import ClusterError
from ..locks import locked
from ..places import cache_folder
from ..process import run, run_long, stop_owned_by
from ..progress import say
from . import packages

VERSION = "1.20.2"
# Goes up when what is built from the same source changes.
_BUILD = 2
# The Debian release whose source package vendors every dependency.
_RELEASE = "bookworm"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubemark",
)


def ensure_built() -> Path:
    """The folder with the Kubernetes programs, built first when the cache lacks them."""
    binaries = cache_folder() / f"kubernetes-{VERSION}-{_BUILD}" / "bin"
    if _complete(binaries):
        return binaries
    work = binaries.with_name("build")
    work.mkdir(parents=True, exist_ok=True)
    say(f"Kubernetes {VERSION} is not in {binaries.parent}: building it, 5 to 8 minutes, once")
    with locked(work.parent):
        if _complete(binaries):
            return binaries
        stop_owned_by(work)
        packages.ensure_installed(packages.BUILD, work)
        source = _fetch_source(work)
        _renew_reflection(source)
        _compile(source, work)
        _keep(source, binaries)
        shutil.rmtree(work)
    return binaries


def _complete(binaries: Path) -> bool:
    return all((binaries / program).exists() for program in _PROGRAMS)


def _fetch_source(work: Path) -> Path:
    """Downloads and unpacks the source; apt gets lists of its own, the system's stay as they are.

    Signatures are checked with the archive's keyring.
    """
    source = work / "src" / "k8s.io" / "kubernetes"
    if source.exists():
        return source
    say("fetching Debian's source package of kubernetes")
    lists, unpacked = work / "apt", work / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    for folder in (lists / "lists" / "partial", lists / "cache", unpacked):
        folder.mkdir(parents=True, exist_ok=True)
    sources = lists / "sources.list"
    sources.write_text(f"deb-src [signed-by={_KEYRING}] {_mirror()} {_RELEASE} main\n")
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": lists / "lists",
        "Dir::Cache": lists / "cache",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
    log = work / "logs" / "source.log"
    next_step = "check that apt reaches its mirror: apt-get update"
    run([*apt, "update"], owner=work, log=log, next_step=next_step)
    run([*apt, "source", "kubernetes"], owner=work, log=log, next_step=next_step, cwd=unpacked)
    [tree] = (entry for entry in unpacked.iterdir() if entry.is_dir())
    if not re.search(rf"\b{re.escape(VERSION)}\b", tree.name + _changelog_head(tree)):
        raise ClusterError(
            f"Debian's source package is {tree.name}, not Kubernetes {VERSION}",
            f"set VERSION in {__file__} to the package's version",
        )
    source.parent.mkdir(parents=True, exist_ok=True)
    tree.rename(source)
    return source


def _renew_reflection(source: Path) -> None:
    """Puts Debian's newer reflect2 in: the vendored 1.0.1 crashes the API server, built with
    Go 1.18 or newer, at the first custom resource (modern-go/reflect2#26).
    """
    newer = Path("/usr/share/gocode/src/github.com/modern-go/reflect2")
    vendored = source / "vendor" / "github.com" / "modern-go" / "reflect2"
    shutil.rmtree(vendored)
    shutil.copytree(newer, vendored, symlinks=False)


def _changelog_head(tree: Path) -> str:
    with (tree / "debian" / "changelog").open() as changelog:
        return changelog.readline().replace("really", " ")


def _mirror() -> str:
    """The address of the Debian archive that this machine's own apt uses."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for line in listed.splitlines():
        address, _separator, release = line.rpartition(" ")
        # The security archive and add-on sources do not carry the release itself.
        if address.rstrip("/").endswith("/debian") and "-" not in release:
            return address
    raise ClusterError(
        "apt knows no Debian archive that source packages could come from",
        "check /etc/apt/sources.list and run apt-get update",
    )


def _compile(source: Path, work: Path) -> None:
    major, minor, _patch = VERSION.split(".")
    run_long(
        ["make", "WHAT=" + " ".join(f"cmd/{program}" for program in _PROGRAMS)],
        owner=work,
        log=work / "logs" / "make.log",
        waiting_for=f"the build of Kubernetes {VERSION}",
        next_step=f"remove {work} and run the same command again",
        cwd=source,
        env={
            # The shell's own idea of where it is would lead out of the GOPATH layout.
            "PWD": str(source),
            "GOPATH": str(work),
            "GOCACHE": str(work / "go-cache"),
            "GOFLAGS": "",
            "GOGC": "200",
            "CGO_ENABLED": "0",
            "KUBE_GIT_VERSION": f"v{VERSION}",
            "KUBE_GIT_MAJOR": major,
            "KUBE_GIT_MINOR": minor,
            "KUBE_GIT_TREE_STATE": "clean",
            "KUBE_GIT_COMMIT": "debian",
        },
    )


def _keep(source: Path, binaries: Path) -> None:
    """Moves the programs into the cache so that a half-filled folder is never seen."""
    built = source / "_output" / "local" / "bin"
    if not built.exists():
        raise ClusterError(f"the build left no {built}", "remove it and run again")
    arriving = binaries.with_name("bin.arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(parents=True)
    for program in _PROGRAMS:
        found = next(path for path in built.rglob(program) if path.is_file())
        shutil.move(found, arriving / program)
        (arriving / program).chmod(0o755)
    shutil.rmtree(binaries, ignore_errors=True)
    arriving.rename(binaries)
