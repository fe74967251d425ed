# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that Galaxy gets installs from its file and works, without Galaxy."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from scripts import archive

from .support.playbooks import environment, play

# All that the playbooks may need; Ansible's rules for collections allow nothing else.
RUNS = {"MANIFEST.json", "FILES.json", "meta", "playbooks", "plugins", "roles"}
EXPLAINS = {
    *("CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "LICENSES", "README.md", "changelogs"),
    *("docs", "examples", "extensions", "requirements.txt"),
}
# ansible-test and ansible-lint read these where somebody checks what they have installed.
CHECKS = {".ansible-lint", ".yamllint", "REUSE.toml", "tests"}
# Nobody listens there.
UNREACHABLE = {
    "ANSIBLE_GALAXY_SERVER_LIST": "nobody",
    "ANSIBLE_GALAXY_SERVER_NOBODY_URL": "http://127.0.0.1:9/",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive.build(tmp_path_factory.mktemp("archive"))


def test_archive_holds_what_runs_and_what_explains_it(built: Path) -> None:
    with tarfile.open(built) as opened:
        names = opened.getnames()
    assert {name.split("/")[0] for name in names} - {"CHANGELOG.md"} == RUNS | EXPLAINS | CHECKS
    tests = {name.split("/")[1] for name in names if name.startswith("tests/")}
    assert tests == {"config.yml", "integration", "unit"}


def test_archive_installs_into_an_empty_folder_and_a_playbook_of_it_runs(
    built: Path, tmp_path: Path
) -> None:
    collections = tmp_path / "collections"
    env = {**UNREACHABLE, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    subprocess.run(
        [galaxy, "collection", "install", "--offline", "-p", collections, built],
        env={**environment(tmp_path), **env},
        check=True,
        timeout=60,
    )
    installed = collections / "ansible_collections" / "oncall" / "recovery"
    for path in installed.iterdir():
        if path.name not in RUNS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    rules = tmp_path / "rules.yml"
    played = play(
        "oncall.recovery.alerting",
        cwd=tmp_path,
        env=env,
        alert_rules_path=str(rules),
        alert_rules_validate="test -s %s",
        alert_rules_services=[{"namespace": "shop", "name": "web"}],
    )
    assert not played.failed, played.output
    assert yaml.safe_load(rules.read_text())["groups"]
