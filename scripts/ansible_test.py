# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test on this machine itself: no container engine, and no site but the package index."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    import nox

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oncall-recovery"
COPIES = CACHE / "ansible-test" / hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]

# The Python versions that can run each ansible-core, from its release notes.
PYTHONS_OF_CORE = {
    "2.17": ((3, 10), (3, 12)),
    "2.18": ((3, 11), (3, 13)),
    "2.19": ((3, 11), (3, 13)),
    "2.20": ((3, 12), (3, 14)),
    "2.21": ((3, 12), (3, 14)),
}

# ansible-test bootstraps pip with a script from a site that many networks do not reach.
# It takes one from its cache first; Python's own ensurepip does the same work.
PIP_BOOTSTRAP = """\
import runpy
import sys

sys.argv = ["ensurepip", "--default-pip"]
runpy.run_module("ensurepip", run_name="__main__", alter_sys=True)
"""


def cores_for(python: tuple[int, int]) -> list[str]:
    """The versions of ansible-core that run on ``python``, oldest first."""
    return [
        core for core, (oldest, newest) in PYTHONS_OF_CORE.items() if oldest <= python <= newest
    ]


def run(
    session: nox.Session, core: str, command: str, *options: str, needs_cluster: bool = False
) -> None:
    """Run ``ansible-test COMMAND`` on a copy of the checkout and fetch its JUnit reports.

    The arguments after ``--`` on nox's command line are passed on.
    """
    copy = copy_checkout(COPIES / f"{command}-{core}")
    home = prepare_home(Path(session.virtualenv.location))
    if needs_cluster:
        write_integration_config(copy, cluster_of_the_tests())
    python = "{}.{}".format(*sys.version_info[:2])
    try:
        with session.chdir(copy):
            session.run(
                *("ansible-test", command, "--local", "--python", python, "--color", "no"),
                *(*options, *session.posargs),
                env={"HOME": str(home)},
            )
    finally:
        fetch_reports(copy, f"{command}-{core}")


def copy_checkout(root: Path) -> Path:
    """Copy what git tracks, or would track, to where ansible-test expects a collection."""
    copy = root / "ansible_collections" / "oncall" / "recovery"
    shutil.rmtree(root, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = CHECKOUT / name, copy / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return copy


def prepare_home(environment: Path) -> Path:
    """A home folder for ansible-test, so that it neither reads nor changes the user's own.

    ansible-test drops most of the environment, so pip's settings have to stand in a file.
    """
    home = CACHE / "home"
    bootstraps = home / ".ansible" / "test" / "cache"
    bootstraps.mkdir(parents=True, exist_ok=True)
    for version in pip_versions(environment):
        (bootstraps / f"get_pip_{version.replace('.', '_')}.py").write_text(PIP_BOOTSTRAP)
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.touch(mode=0o600)
    lines = (f"{key} = {value}\n" for key, value in pip_settings().items())
    settings.write_text("[global]\n" + "".join(lines))
    return home


def pip_versions(environment: Path) -> set[str]:
    """The versions of pip that the ansible-test of ``environment`` may ask for."""
    (source,) = environment.glob(
        "lib/python*/site-packages/ansible_test/_internal/python_requirements.py"
    )
    return set(re.findall(r"pip='([\d.]+)'", source.read_text()))


def pip_settings() -> dict[str, str]:
    """What the user told pip about its index, in its files or in the environment, which wins."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    keys = r"(index-url|extra-index-url|find-links|cert|client-cert|proxy|trusted-host)"
    found = re.findall(rf"^[\w:]+\.{keys}='(.*)'$", listed.stdout, flags=re.MULTILINE)
    return dict(reversed(found))  # pip lists the environment first


def cluster_of_the_tests() -> dict[str, t.Any]:
    """The cluster of the tests as plain data; never the one that the user's shell names.

    Its Prometheus is started where its provider can have one.
    """
    name = os.environ.get("RECOVERY_TEST_CLUSTER", "test")
    cluster = _ask_about(name)
    if cluster["provider"] == "debian" and not cluster["prometheus"]:
        _tests_cluster("up", "--name", name, "--with", "prometheus")
        cluster = _ask_about(name)
    return cluster


def _ask_about(name: str) -> dict[str, t.Any]:
    asked = _tests_cluster("status", "--json", "--name", name)
    if asked.returncode != 0:
        raise SystemExit(
            f"the integration tests need their cluster: python -m tests.cluster up --name {name}"
        )
    cluster: dict[str, t.Any] = json.loads(asked.stdout)
    return cluster


def _tests_cluster(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.cluster", *arguments],
        cwd=CHECKOUT,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )


def write_integration_config(copy: Path, cluster: dict[str, t.Any]) -> None:
    """Tell the integration targets where things are: they see nothing of the environment."""
    config = copy / "tests" / "integration" / "integration_config.yml"
    config.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "kubeconfig": cluster["kubeconfig"],
        "prometheus": cluster["prometheus"]["url"] if cluster["prometheus"] else "''",
        "examples": str(copy / "examples"),
    }
    config.write_text("---\n" + "".join(f"{name}: {value}\n" for name, value in told.items()))


def fetch_reports(copy: Path, prefix: str) -> None:
    """Gather the JUnit reports of a copy in the checkout's tests/output/junit."""
    reports = CHECKOUT / "tests" / "output" / "junit"
    reports.mkdir(parents=True, exist_ok=True)
    for earlier in reports.glob(f"{prefix}-*.xml"):
        earlier.unlink()
    for report in sorted((copy / "tests" / "output" / "junit").glob("*.xml")):
        shutil.copy2(report, reports / f"{prefix}-{report.name}")
