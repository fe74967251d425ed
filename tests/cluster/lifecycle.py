# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Up, down and what lies between, for whichever provider a cluster has."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import providers
from .debian.provider import DebianProvider
from .errors import ClusterError
from .locks import forget_lock, locked_cluster
from .model import DEFAULT_NAME, Cluster, Wanted, saved
from .places import state_folder
from .progress import say
from .providers import Provider


def up(
    name: str = DEFAULT_NAME,
    *,
    with_addons: Sequence[str] = (),
    node: bool = True,
    hollow: int = 0,
    provider: str | None = None,
) -> Cluster:
    """A running cluster of this name, started only if it does not run yet.

    Whatever an earlier run left half done is removed first.
    :raises ClusterError: when it does not come up, with the reason and the next step.
    """
    wanted = Wanted(name, tuple(with_addons), node, hollow)
    with locked_cluster(name):
        cluster = saved(name)
        if cluster is not None and _fits(cluster, wanted, provider):
            say(f"cluster {name} runs already")
            chosen = _provider_of(name)
            chosen.check(wanted)
            cluster = chosen.extend(cluster, wanted)
        else:
            chosen = providers.called(provider) if provider else providers.choose()
            chosen.check(wanted)
            cluster = _start(chosen, wanted)
        cluster.save()
    return cluster


def down(name: str) -> None:
    """Removes the cluster and everything that it left; does nothing when there is none."""
    with locked_cluster(name):
        if state_folder(name).exists():
            say(f"removing cluster {name}")
            _remove(name)
        forget_lock(name)


def running(name: str) -> Cluster:
    """The cluster, when an ``up`` has finished it.

    :raises ClusterError: when it has not.
    """
    cluster = saved(name)
    if cluster is None:
        raise ClusterError(
            f"there is no cluster {name}", f"python3 -m tests.cluster up --name {name}"
        )
    return cluster


def runs(cluster: Cluster) -> bool:
    """Whether all of the cluster runs right now."""
    return _provider_of(cluster.name).runs(cluster)


def load_images(name: str, archives: Sequence[Path]) -> Cluster:
    """Makes the images of archives (``docker save`` layout) known to the cluster's node."""
    with locked_cluster(name):
        cluster = running(name)
        loaded = _provider_of(name).load_images(cluster, list(archives))
        known = sorted({*cluster.images, *loaded})
        cluster = dataclasses.replace(cluster, images=known)
        cluster.save()
    return cluster


def stop_apiserver(name: str) -> None:
    """Kills the API server, as a crash would."""
    _debian(name).stop_apiserver(name)


def start_apiserver(name: str) -> None:
    """Starts the API server again, at the same address."""
    _debian(name).start_apiserver(name)


def apiserver_pid(name: str) -> int | None:
    """The API server's process identifier, where it is a process of this machine."""
    provider = _provider_of(name)
    return provider.apiserver_pid(name) if isinstance(provider, DebianProvider) else None


def _start(provider: Provider, wanted: Wanted) -> Cluster:
    if state_folder(wanted.name).exists():
        say(f"removing what is left of an earlier cluster {wanted.name}")
        _remove(wanted.name)
    say(f"cluster {wanted.name}: provider {provider.name}")
    _provider_file(wanted.name).parent.mkdir(mode=0o700, parents=True)
    _provider_file(wanted.name).write_text(provider.name)
    cluster = provider.up(wanted)
    _warn_about_proxy(cluster)
    return cluster


def _fits(cluster: Cluster, wanted: Wanted, provider: str | None) -> bool:
    """Whether the cluster runs and can be made what is wanted; a broken one is made anew."""
    if provider not in (None, cluster.provider) or not runs(cluster):
        return False
    if wanted.node and not cluster.node:
        raise ClusterError(
            f"cluster {cluster.name} runs without a real node",
            f"python3 -m tests.cluster down --name {cluster.name}, or another --name",
        )
    return True


def _remove(name: str) -> None:
    _provider_of(name).down(name)
    shutil.rmtree(state_folder(name), ignore_errors=True)


def _provider_of(name: str) -> Provider:
    """The provider that made the cluster, finished or not."""
    try:
        return providers.called(_provider_file(name).read_text())
    except FileNotFoundError:
        return DebianProvider()


def _debian(name: str) -> DebianProvider:
    provider = _provider_of(running(name).name)
    if not isinstance(provider, DebianProvider):
        raise ClusterError(
            f"the API server of cluster {name} is not a process of this machine",
            "use a cluster of provider debian",
        )
    return provider


def _provider_file(name: str) -> Path:
    return state_folder(name) / "provider"


def _warn_about_proxy(cluster: Cluster) -> None:
    address = cluster.api_server.split("/")[2].rsplit(":", 1)[0]
    exempt = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    proxied = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    if proxied and address not in exempt and address != "127.0.0.1":
        say(f"a proxy is set (HTTPS_PROXY): add {address} to NO_PROXY, or clients go through it")
