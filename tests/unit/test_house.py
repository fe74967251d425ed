# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What newcomers meet: folders with a purpose, commands that exist, checks that agree."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.ansible_test import PYTHONS_OF_CORE

CHECKOUT = Path(__file__).resolve().parents[2]
MAKEFILE = (CHECKOUT / "Makefile").read_text()
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
WORKFLOWS = CHECKOUT / ".github" / "workflows"
# Their folders differ in purpose; below the others one line for all is enough.
OPENED = [
    ".",
    "docs",
    "examples",
    "extensions",
    "plugins",
    "plugins/module_utils",
    "roles",
    "tests",
]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def folders() -> set[str]:
    """All folders that git keeps files in, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (Path(name) for name in listed.stdout.split("\0") if name)
    kept = (path for path in paths if (CHECKOUT / path).exists())
    return {str(folder) for path in kept for folder in path.parents} - {"."}


def explained() -> set[str]:
    """The folders that have a line in the tables of docs/architecture.md."""
    text = (CHECKOUT / "docs" / "architecture.md").read_text()
    return set(re.findall(r"^\| `(\S+)/` \| .{10}", text, re.MULTILINE))


@pytest.mark.parametrize("parent", OPENED)
def test_each_folder_says_what_it_is_for(parent: str) -> None:
    inside = {name for name in folders() if str(Path(name).parent) == parent}
    silent = sorted(
        name for name in inside - explained() if not (CHECKOUT / name / "README.md").exists()
    )
    assert not silent, f"give {silent} a line in a table of docs/architecture.md, or a README.md"


def test_no_folder_is_explained_that_is_gone() -> None:
    assert explained() <= folders()


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    assert {line.split()[0] for line in listed.stdout.splitlines()} == TARGETS
    assert all(len(line.split()) > 3 for line in listed.stdout.splitlines())


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "CONTRIBUTING.md", "docs/architecture.md"),
        "examples/execution-environment/README.md",
        *(f".github/workflows/{path.name}" for path in sorted(WORKFLOWS.glob("*.yml"))),
    ],
)
def test_every_target_of_make_that_is_named_exists(name: str) -> None:
    text = (CHECKOUT / name).read_text()
    named = re.findall(r"(?:`|\$ |run: |^|-s )make ([a-z][a-z0-9-]+)\b", text, re.MULTILINE)
    assert set(named) <= TARGETS


def test_pre_commit_runs_what_make_lint_runs() -> None:
    lint = re.search(r"^LINT := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert lint
    (local,) = load(CHECKOUT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    run: list[str] = []
    for hook in local["hooks"]:
        # Through make, which puts what is in .venv on the PATH.
        program, target, sessions = shlex.split(hook["entry"])
        assert (program, target) == ("make", "lint")
        run += sessions.removeprefix("LINT=").split()
    assert sorted(run) == sorted(lint[1].replace("\\", " ").split())


def test_pre_commit_accepts_its_configuration() -> None:
    program = CHECKOUT / ".venv" / "bin" / "pre-commit"
    done = subprocess.run(
        [program, "validate-config"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_dev_container_makes_the_environment() -> None:
    text = (CHECKOUT / ".devcontainer" / "devcontainer.json").read_text()
    settings = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert settings["postCreateCommand"].startswith("make venv")
    # The cluster of the tests needs both, where it comes from Debian's packages.
    assert settings["privileged"]
    assert settings["remoteUser"] == "root"


def matrix(workflow: str, job: str) -> list[dict[str, str]]:
    return list(load(WORKFLOWS / workflow)["jobs"][job]["strategy"]["matrix"]["include"])


def test_workflow_tries_every_ansible_core_with_its_oldest_and_newest_python() -> None:
    tried = {
        (entry["core"], entry["python"]) for entry in matrix("ansible-core.yml", "ansible-test")
    }
    wanted = {
        (core, "{}.{}".format(*python))
        for core, pythons in PYTHONS_OF_CORE.items()
        for python in pythons
    }
    assert tried == wanted


def test_guide_says_which_python_each_ansible_core_runs_on() -> None:
    text = (CHECKOUT / "docs" / "docsite" / "rst" / "guide_versions.rst").read_text()
    told = re.findall(r"^   \* - (2\.\d+)\n     - (3\.\d+) to (3\.\d+)$", text, re.MULTILINE)
    wanted = [
        (core, *("{}.{}".format(*python) for python in pythons))
        for core, pythons in PYTHONS_OF_CORE.items()
    ]
    assert told == wanted


def test_integration_goes_from_the_oldest_to_the_newest() -> None:
    oldest, newest = matrix("integration.yml", "kind")
    cores = list(PYTHONS_OF_CORE)
    assert (oldest["core"], newest["core"]) == (cores[0], cores[-1])
    assert oldest["kubernetes"] == "1.20"
    for entry in (oldest, newest):
        assert entry["image"].startswith(f"kindest/node:v{entry['kubernetes']}.")
        python = tuple(int(part) for part in entry["python"].split("."))
        first, last = PYTHONS_OF_CORE[entry["core"]]
        assert first <= python <= last


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.yml")), ids=lambda path: path.name)
def test_workflow_pins_every_action_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?", path.read_text())
    assert used
    for action, version in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert version, f"say beside {action} which version it is"


def test_only_the_step_that_publishes_gets_the_token() -> None:
    workflow = load(WORKFLOWS / "release.yml")
    holders = [
        (job, step["name"])
        for job, told in workflow["jobs"].items()
        for step in told["steps"]
        if "secrets." in json.dumps(step)
    ]
    assert holders == [("publish", "Publish the archive")]
    assert workflow["jobs"]["publish"]["environment"] == "galaxy"
    assert workflow["jobs"]["publish"]["needs"] == "build"
