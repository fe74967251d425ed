# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shop's versions, and their images.

Every version runs the same code in ``app/``; what differs is the settings that its image brings
along. A new way to break is one more entry in ``VERSIONS``, and a new setting if none fits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import images
from ..images import File, Image

SHOP_REPOSITORY = f"{images.IMAGE_PREFIX}/shop"
APP_FOLDER = Path(__file__).with_name("app")


@dataclass(frozen=True)
class Version:
    """One version.

    :param tag: of the image.
    :param behaviour: what users and the cluster see of it.
    :param settings: names and values of ``app/settings.py`` that the image brings along.
    :param has_image: False where the point is that nobody built it.
    """

    tag: str
    behaviour: str
    settings: Mapping[str, object] = field(default_factory=dict)
    has_image: bool = True

    @property
    def image(self) -> str:
        return f"{SHOP_REPOSITORY}:{self.tag}"


VERSIONS = (
    Version("1.0.0", "serves"),
    Version("1.1.0", "serves"),
    Version("1.2.0", "serves"),
    Version("2.0.0-errors", "answers half of all requests with 500", {"fault_error_share": 0.5}),
    Version("2.0.0-slow", "takes 3 s for a page", {"fault_delay_seconds": 3.0}),
    Version("2.0.0-crash", "ends right after its start", {"fault_exit_at_start": True}),
    Version("2.0.0-never-ready", "runs, but is never ready", {"fault_never_ready": True}),
    Version("2.0.0-leak", "grows until it is OOM-killed", {"fault_leak_mib_per_second": 4.0}),
    Version(
        "2.0.0-broken-feature",
        "fails where recommendations are shown",
        {"fault_recommendations_error_share": 1.0},
    ),
    Version("2.0.0-missing", "has no image", has_image=False),
)


def build_shop_images(cache_dir: Path, versions: Iterable[Version] = VERSIONS) -> Path:
    """One archive with the images of all versions that have one, from the cache if unchanged."""
    with_image = [version for version in versions if version.has_image]
    return images.build_archive(
        cache_dir, "shop", [shop_image(cache_dir, version) for version in with_image]
    )


def shop_image(
    cache_dir: Path,
    version: Version,
    app_folder: Path = APP_FOLDER,
    labels: Mapping[str, str] | None = None,
) -> Image:
    """The version's image, from another copy of the application's source where one is given."""
    content = {"version": version.tag, "settings": dict(version.settings)}
    return Image(
        name=version.image,
        # What differs by version is a layer of its own, so that all others are stored once.
        layers=(
            images.busybox_layer(cache_dir),
            images.python_layer(cache_dir),
            images.layer_tar(images.directory_tree(app_folder, "srv/app")),
            images.layer_tar({"srv/app/version.json": File(json.dumps(content).encode())}),
        ),
        command=("python3", "-m", "app"),
        environment={"PATH": "/usr/bin", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        labels={"org.opencontainers.image.version": version.tag, **(labels or {})},
        user=images.UNPRIVILEGED_USER,
        working_dir="/srv",
    )


def version_named(tag: str) -> Version:
    """The version with this tag; a tag that is not in the table is taken as a good one."""
    return next((version for version in VERSIONS if version.tag == tag), Version(tag, "unknown"))
