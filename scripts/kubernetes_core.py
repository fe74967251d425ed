# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the collection kubernetes.core, to measure against, into a folder of collections.

The package index carries it inside the package ``ansible``, so Galaxy need not be reachable.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The release of ``ansible`` for ansible-core 2.19, the newest for Python 3.11.
PACKAGE = "ansible==12.3.0"
PREFIX = "ansible_collections/kubernetes/core/"


def main(collections: Path) -> None:
    """Unpack ``kubernetes.core`` below ``collections``, unless it is there."""
    if (collections / PREFIX / "MANIFEST.json").exists():
        return
    print(f"bench: fetching kubernetes.core out of the package {PACKAGE}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "-d",
                folder,
                PACKAGE,
            ],
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(PREFIX)]
            archive.extractall(collections, members)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
