# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the archive of the collection that Galaxy gets: ``python -m scripts.archive``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .ansible_test import CHECKOUT, copy_checkout

# How galaxy-importer begins a line that is more than news.
_REMARKS = ("WARNING: ", "ERROR: ", "CRITICAL: ")


def build(folder: Path) -> Path:
    """Build the archive into ``folder``, out of what git tracks, or would track, and nothing else.

    :raises subprocess.CalledProcessError: when ansible-galaxy refuses to; it says why itself.
    """
    program = Path(sys.executable).with_name("ansible-galaxy")
    with tempfile.TemporaryDirectory() as place:
        built = Path(place) / "built"
        subprocess.run(
            [program, "collection", "build", "--output-path", built],
            cwd=copy_checkout(Path(place) / "copy"),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = built.iterdir()
        return Path(shutil.move(archive, folder / archive.name))


def remarks(log: str) -> list[str]:
    """The warnings and errors in what galaxy-importer printed."""
    return [line for line in log.splitlines() if line.startswith(_REMARKS)]


if __name__ == "__main__":
    print(build(CHECKOUT))
