# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the image was built as: ``version.json`` beside the application, written at image build."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

RELEASE_FILE = Path(__file__).with_name("version.json")


@dataclass(frozen=True)
class Release:
    """A version and the settings that it brings along, such as the way in which it is broken."""

    version: str = "0.0.0-dev"
    settings: dict[str, object] = field(default_factory=dict)


def read_release(path: Path = RELEASE_FILE) -> Release:
    """The release in ``path``; outside of an image, where there is none, a development version."""
    if not path.exists():
        return Release()
    content = json.loads(path.read_text())
    return Release(version=content["version"], settings=content.get("settings", {}))
