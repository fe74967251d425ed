# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder accepts the example and finds what the collection needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTIONS = CHECKOUT / ".venv" / "collections"
EXAMPLE = CHECKOUT / "examples" / "execution-environment" / "execution-environment.yml"
VERSION = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())["version"]


def builder(*arguments: str | Path) -> str:
    program = Path(sys.executable).with_name("ansible-builder")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image is built of, as ansible-builder makes it of the example and an archive."""
    folder = tmp_path_factory.mktemp("execution-environment")
    shutil.copy(EXAMPLE, folder)
    (folder / f"oncall-recovery-{VERSION}.tar.gz").write_bytes(b"an archive")
    builder("create", "--file", folder / EXAMPLE.name, "--context", folder / "context")
    return folder / "context"


def test_collection_comes_from_the_archive_beside_the_definition(context: Path) -> None:
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text())
    (collection,) = wanted["collections"]
    assert collection["type"] == "file"
    assert (context / "_build" / collection["name"]).read_bytes() == b"an archive"


def test_image_has_ansible_and_asks_the_collection_what_else_it_needs(context: Path) -> None:
    (recipe,) = (path.read_text() for path in context.glob("*file"))
    definition: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    needed = definition["dependencies"]
    assert needed["ansible_core"]["package_pip"] in recipe
    assert needed["python_interpreter"]["python_path"] in recipe
    assert "introspect.py introspect" in recipe


@pytest.mark.parametrize(
    ("kind", "file"), [("python", "ee-requirements.txt"), ("system", "ee-bindep.txt")]
)
def test_needs_of_the_collection_are_found(kind: str, file: str) -> None:
    lines = (CHECKOUT / "meta" / file).read_text().splitlines()
    # ansible-builder leaves out what Ansible itself brings.
    needs = [line for line in lines if line and not line.startswith(("#", "PyYAML"))]
    assert needs
    found = yaml.safe_load(builder("introspect", COLLECTIONS))[kind]
    assert found == [f"{need}  # from collection oncall.recovery" for need in needs]
