# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which provider makes a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from . import kind
from .debian.provider import DebianProvider
from .errors import ClusterError
from .existing import VARIABLE, ExistingProvider
from .kind import KindProvider
from .model import Cluster, Wanted


class Provider(Protocol):
    """What every provider does."""

    name: str

    def check(self, wanted: Wanted) -> None:
        """:raises ClusterError: when it cannot make what is wanted here."""

    def up(self, wanted: Wanted) -> Cluster:
        """Starts a new cluster; nothing of an earlier one of this name may be left."""

    def extend(self, cluster: Cluster, wanted: Wanted) -> Cluster:
        """Adds to a running cluster what it lacks of what is wanted."""

    def runs(self, cluster: Cluster) -> bool:
        """Whether all of the cluster runs."""

    def down(self, name: str) -> None:
        """Removes a cluster, whatever state it is in."""

    def load_images(self, cluster: Cluster, archives: list[Path]) -> list[str]:
        """Makes images known to the node; returns their names where it can tell."""


_PROVIDERS: dict[str, type[Provider]] = {
    "existing": ExistingProvider,
    "kind": KindProvider,
    "debian": DebianProvider,
}
NAMES = tuple(_PROVIDERS)


def called(name: str) -> Provider:
    return _PROVIDERS[name]()


def choose() -> Provider:
    """The user's own cluster when named, else kind when Docker answers, else Debian's parts.

    :raises ClusterError: when none of them is possible here.
    """
    if os.environ.get(VARIABLE):
        return ExistingProvider()
    if kind.is_usable():
        return KindProvider()
    if _is_debian():
        return DebianProvider()
    raise ClusterError(
        "this machine has neither Docker with kind nor Debian's packages",
        f"install kind, or name a cluster of your own: {VARIABLE}=/path/to/kubeconfig",
    )


def _is_debian() -> bool:
    try:
        return "ID=debian" in Path("/etc/os-release").read_text().split()
    except FileNotFoundError:
        return False
