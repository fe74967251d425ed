# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says whether the checkout is what a tag claims it to be: ``python -m scripts.release 0.2.0``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parent.parent
# Semantic versioning without pre-releases, which the workflow does not publish.
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def faults(tag: str, root: Path = CHECKOUT) -> list[str]:
    """What keeps the checkout below ``root`` from being released as ``tag``; empty when nothing.

    Each says what is wrong and what to do.
    """
    if not VERSION.fullmatch(tag):
        return [f"the tag {tag!r} is no version such as 0.2.0: delete it, and tag the version"]
    found = []
    version = yaml.safe_load((root / "galaxy.yml").read_text())["version"]
    if version != tag:
        found.append(f"galaxy.yml has version {version}, not {tag}: set it, or tag {version}")
    releases = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text())["releases"]
    if tag not in releases:
        found.append(f"changelogs/changelog.yaml has no release {tag}: antsibull-changelog release")
    fragments = sorted(path.name for path in (root / "changelogs" / "fragments").glob("*.y*ml"))
    if fragments:
        found.append(
            f"changelogs/fragments still has {', '.join(fragments)}: antsibull-changelog release"
        )
    return found


def main(tag: str) -> int:
    found = faults(tag)
    for fault in found:
        print(f"release: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m scripts.release TAG")
    sys.exit(main(sys.argv[1]))
