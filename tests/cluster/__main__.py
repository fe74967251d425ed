# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python3 -m tests.cluster up``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import lifecycle
from .errors import ClusterError
from .model import ADDONS, DEFAULT_NAME, Cluster
from .providers import NAMES


def main() -> int:
    options = _parser().parse_args()
    try:
        return int(options.action(options) or 0)
    except ClusterError as error:
        print(f"ERROR: {error}", file=sys.stderr)
    except OSError as error:
        print(f"ERROR: {error}\nnext: check permissions and free disk space", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; the next up or down cleans this up", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.cluster", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default=DEFAULT_NAME, help="which cluster (default: %(default)s)")

    verb = verbs.add_parser("up", parents=[common], help="start a cluster, or add to a running one")
    verb.set_defaults(action=_up)
    verb.add_argument(
        "--with",
        dest="addons",
        metavar="ADDON,...",
        type=lambda text: [addon for addon in text.split(",") if addon],
        default=[],
        help=f"also start: {', '.join(ADDONS)}",
    )
    verb.add_argument("--no-node", dest="node", action="store_false", help="control plane only")
    verb.add_argument(
        "--hollow", metavar="N", type=int, default=0, help="add N nodes whose pods only seem to run"
    )
    verb.add_argument(
        "--provider", choices=NAMES, help="default: the first of them that is possible here"
    )

    verb = verbs.add_parser("down", parents=[common], help="remove a cluster and all it left")
    verb.set_defaults(action=lambda options: lifecycle.down(options.name))

    verb = verbs.add_parser("status", parents=[common], help="say what runs and where")
    verb.set_defaults(action=_status)
    verb.add_argument("--json", action="store_true", help="print it as JSON")

    verb = verbs.add_parser("kubeconfig", parents=[common], help="print the kubeconfig's path")
    verb.set_defaults(action=lambda options: print(lifecycle.running(options.name).kubeconfig))

    verb = verbs.add_parser("load-images", parents=[common], help="load image archives")
    verb.set_defaults(action=_load_images)
    verb.add_argument("archives", nargs="+", type=Path, metavar="FILE")

    for name, action, text in (
        ("stop-apiserver", lifecycle.stop_apiserver, "kill the API server, as a crash would"),
        ("start-apiserver", lifecycle.start_apiserver, "start it again at the same address"),
        ("restart-apiserver", _restart_apiserver, "kill it and start it again"),
    ):
        verb = verbs.add_parser(name, parents=[common], help=text)
        verb.set_defaults(action=lambda options, action=action: action(options.name))
    return parser


def _up(options: argparse.Namespace) -> None:
    cluster = lifecycle.up(
        options.name,
        with_addons=options.addons,
        node=options.node,
        hollow=options.hollow,
        provider=options.provider,
    )
    _describe(cluster)


def _status(options: argparse.Namespace) -> int:
    cluster = lifecycle.running(options.name)
    works = lifecycle.runs(cluster)
    if options.json:
        pid = lifecycle.apiserver_pid(cluster.name)
        print(json.dumps({**cluster.as_json(), "running": works, "api_server_pid": pid}, indent=2))
    else:
        _describe(cluster)
    if not works:
        print(f"cluster {cluster.name} is not whole: up starts it anew", file=sys.stderr)
    return 0 if works else 1


def _load_images(options: argparse.Namespace) -> None:
    cluster = lifecycle.load_images(options.name, options.archives)
    print("\n".join(cluster.images))


def _restart_apiserver(name: str) -> None:
    lifecycle.stop_apiserver(name)
    lifecycle.start_apiserver(name)


def _describe(cluster: Cluster) -> None:
    print(f"cluster {cluster.name}: Kubernetes {cluster.version} ({cluster.provider})")
    print(f"  API server    {cluster.api_server}")
    if cluster.audit_log:
        print(f"  audit log     {cluster.audit_log}")
    if cluster.prometheus:
        print(f"  Prometheus    {cluster.prometheus.url}  (rules: {cluster.prometheus.rules})")
    if cluster.alertmanager:
        print(f"  Alertmanager  {cluster.alertmanager.url}")
    print(f"  use it        export KUBECONFIG={cluster.kubeconfig}")


if __name__ == "__main__":
    sys.exit(main())
