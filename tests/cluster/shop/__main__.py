# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application from the command line: build it, deploy a version, send it users."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ClusterError
from ..images import build_archive
from ..model import DEFAULT_NAME, Cluster, saved
from ..places import cache_folder
from ..progress import say
from . import deploy, load, manifests
from .manifests import Shop
from .versions import VERSIONS, build_shop_images, shop_image, version_named


def show_versions(_options: argparse.Namespace) -> int:
    for version in VERSIONS:
        print(f"{version.tag:22} {version.behaviour}")
    return 0


def load_images(options: argparse.Namespace) -> int:
    archive = build_shop_images(cache_folder() / "images")
    say(f"built {archive}")
    if not options.build_only:
        _cluster(options.cluster).load_images([archive])
        say(f"loaded into the cluster {options.cluster}")
    return 0


def release(options: argparse.Namespace) -> int:
    """What a team's build does: the image of a version from a checkout of its source."""
    images = cache_folder() / "images"
    labels = {"org.opencontainers.image.revision": options.revision} if options.revision else {}
    image = shop_image(images, version_named(options.version), options.source, labels)
    # Not into the cache, which would grow with every release.
    with tempfile.TemporaryDirectory(prefix="oncall-recovery-") as folder:
        archive = build_archive(Path(folder), "release", [image])
        _cluster(options.cluster).load_images([archive])
    say(f"{image.name} loaded into the cluster {options.cluster}")
    return 0


def deploy_version(options: argparse.Namespace) -> int:
    shop = Shop(
        name=options.name,
        namespace=options.namespace,
        version=options.version,
        kind=options.kind,
        replicas=options.replicas,
        command=options.command,
        settings=_pairs(options.set),
        environment=_pairs(options.env),
    )
    kubeconfig = _kubeconfig(options)
    deploy.apply(kubeconfig, shop)
    if options.wait:
        deploy.wait(kubeconfig, shop)
    return 0


def delete_namespace(options: argparse.Namespace) -> int:
    deploy.delete(_kubeconfig(options), options.namespace)
    return 0


def send_users(options: argparse.Namespace) -> int:
    if options.kubeconfig is None and options.service:
        options.kubeconfig = _kubeconfig(options)
    return load.run(options)


def _kubeconfig(options: argparse.Namespace) -> Path:
    return options.kubeconfig or _cluster(options.cluster).kubeconfig


def _cluster(name: str) -> Cluster:
    cluster = saved(name)
    if cluster is None:
        raise ClusterError(
            f"there is no test cluster {name}", f"run 'python3 -m tests.cluster up --name {name}'"
        )
    return cluster


def _pairs(texts: Sequence[str]) -> dict[str, object]:
    pairs: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ClusterError(f"{text!r} is not NAME=VALUE", "write it like cache_enabled=true")
        pairs[name] = value
    return pairs


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.cluster.shop", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("versions", help="list the versions and what each does")
    command.set_defaults(run=show_versions)

    command = commands.add_parser("images", help="build the images and load them")
    command.add_argument("--build-only", action="store_true", help="print the archive's path")
    _add_cluster(command)
    command.set_defaults(run=load_images)

    command = commands.add_parser("release", help="build a version from a checkout and load it")
    _add_cluster(command)
    command.add_argument("--source", type=Path, required=True, help="folder of the application")
    command.add_argument("--version", required=True, help="becomes the image's tag")
    command.add_argument("--revision", default="", help="the commit that it is built from")
    command.set_defaults(run=release)

    command = commands.add_parser("deploy", help="create or update an installation")
    _add_cluster(command)
    command.add_argument("--kubeconfig", type=Path, help="instead of --cluster")
    command.add_argument("--version", default=Shop.version, help="see 'versions'")
    command.add_argument("--name", default=Shop.name, help="of all its objects")
    command.add_argument("--namespace", default=Shop.namespace)
    command.add_argument("--kind", default=Shop.kind, choices=manifests.KINDS)
    command.add_argument("--replicas", type=int, default=Shop.replicas)
    command.add_argument("--command", default=Shop.command, choices=manifests.COMMANDS)
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting in the ConfigMap",
    )
    command.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting in an environment variable",
    )
    command.add_argument("--wait", action="store_true", help="for the rollout")
    command.set_defaults(run=deploy_version)

    command = commands.add_parser("delete", help="delete the namespace and all in it")
    _add_cluster(command)
    command.add_argument("--kubeconfig", type=Path, help="instead of --cluster")
    command.add_argument("--namespace", default=Shop.namespace)
    command.set_defaults(run=delete_namespace)

    command = commands.add_parser("load", help="send users and say what they saw")
    _add_cluster(command)
    load.add_arguments(command)
    command.set_defaults(run=send_users)
    return parser


def _add_cluster(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cluster", default=DEFAULT_NAME, help="name of the test cluster")


def main(arguments: Sequence[str] | None = None) -> int:
    options = argument_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
