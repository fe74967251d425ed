# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is asked to be, and what it is once it runs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import ClusterError
from .places import state_folder

ADDONS = ("prometheus", "alertmanager", "metrics")
DEFAULT_NAME = "dev"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")


@dataclass(frozen=True)
class Wanted:
    """A request for a cluster.

    :param name: tells clusters apart that run side by side.
    :param addons: names out of ``ADDONS``.
    :param node: whether pods run for real; needs root, or kind.
    :param hollow: how many kubemark nodes to add, whose pods only seem to run.
    """

    name: str = DEFAULT_NAME
    addons: tuple[str, ...] = ()
    node: bool = True
    hollow: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ClusterError(
                f"{self.name!r} cannot name a cluster",
                "use 1 to 30 lower-case letters, digits and dashes, a letter first",
            )
        unknown = sorted(set(self.addons) - set(ADDONS))
        if unknown:
            raise ClusterError(
                f"no add-on is called {', '.join(unknown)}", f"choose from {', '.join(ADDONS)}"
            )
        if not 0 <= self.hollow <= 100:
            raise ClusterError(f"{self.hollow} hollow nodes", "ask for 0 to 100 of them")


@dataclass(frozen=True)
class Prometheus:
    """:param rules: folder whose ``*.yml`` rule files count after a POST to ``/-/reload``."""

    url: str
    config: Path
    rules: Path


@dataclass(frozen=True)
class Alertmanager:
    """:param config: counts after a POST to ``/-/reload``."""

    url: str
    config: Path


@dataclass(frozen=True)
class Cluster:
    """A running cluster, and the handle that tests hold.

    :param version: the API server's, such as ``v1.20.2``.
    :param api_server: its URL.
    :param audit_log: one JSON object a line for every request that is not a component's own;
        None where the provider cannot show it.
    :param node: whether it has a real node.
    :param hollow: how many hollow nodes it has.
    """

    name: str
    provider: str
    version: str
    api_server: str
    kubeconfig: Path
    audit_log: Path | None = None
    node: bool = False
    hollow: int = 0
    metrics: bool = False
    prometheus: Prometheus | None = None
    alertmanager: Alertmanager | None = None
    images: list[str] = field(default_factory=list)

    @property
    def addons(self) -> tuple[str, ...]:
        """The add-ons that it runs."""
        return tuple(addon for addon in ADDONS if getattr(self, addon))

    def load_images(self, archives: list[Path]) -> None:
        """Makes the images of archives (``docker save`` layout) known to the node."""
        from .lifecycle import load_images

        load_images(self.name, archives)

    def down(self) -> None:
        """Ends the cluster and removes all that belongs to it."""
        from .lifecycle import down

        down(self.name)

    def stop_apiserver(self) -> None:
        """Ends the API server only, at once, as a crash would."""
        from .lifecycle import stop_apiserver

        stop_apiserver(self.name)

    def start_apiserver(self) -> None:
        """Starts the API server again, at the same address, and waits until it is ready."""
        from .lifecycle import start_apiserver

        start_apiserver(self.name)

    def save(self) -> None:
        path = _saved(self.name)
        arriving = path.with_suffix(".arriving")
        arriving.write_text(json.dumps(self.as_json(), indent=2))
        arriving.rename(path)

    def as_json(self) -> dict[str, object]:
        """Plain data, as ``status --json`` prints it."""
        plain: dict[str, object] = json.loads(json.dumps(asdict(self), default=str))
        return plain


def saved(name: str) -> Cluster | None:
    """The cluster that an ``up`` finished, whether or not it still runs; None without one."""
    try:
        plain = json.loads(_saved(name).read_text())
    except FileNotFoundError:
        return None
    prometheus, alertmanager = plain.pop("prometheus"), plain.pop("alertmanager")
    audit_log = plain.pop("audit_log")
    return Cluster(
        **{**plain, "kubeconfig": Path(plain["kubeconfig"])},
        audit_log=audit_log and Path(audit_log),
        prometheus=prometheus
        and Prometheus(prometheus["url"], Path(prometheus["config"]), Path(prometheus["rules"])),
        alertmanager=alertmanager
        and Alertmanager(alertmanager["url"], Path(alertmanager["config"])),
    )


def _saved(name: str) -> Path:
    return state_folder(name) / "cluster.json"
