# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one scenario takes place: a namespace, users, and a Prometheus with the rules of alerts."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import kubectl
from tests.cluster.shop import deploy, manifests
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.e2e.alerting.playbook import render
from tests.e2e.alerting.servers import ask, prometheus

from .scenario import WEB, Scenario, Users

WINDOW = "10s"
# Prometheus looks and judges every second, over what the last seconds were like.
QUICK = {"for": "0s", "window": WINDOW}
SIGNALS = {"error_rate": QUICK, "latency": QUICK, "dependency_timeouts": QUICK}


@dataclass
class Stage:
    """One scenario's surroundings, and what can be done to them.

    :param shops: the installations as they were applied last, by name.
    """

    cluster: Cluster
    scenario: Scenario
    folder: Path
    namespace: str
    shops: dict[str, Shop] = field(default_factory=dict)
    prometheus: str = ""
    _prometheus: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _crowds: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def kubectl(self, *arguments: str, input_text: str | None = None) -> str:
        return kubectl(
            self.cluster.kubeconfig,
            "--namespace",
            self.namespace,
            *arguments,
            input_text=input_text,
        )

    def address(self, name: str) -> str:
        return self.kubectl("get", "service", name, "-ojsonpath={.spec.clusterIP}")

    def install(self, options: Mapping[str, Any], *, wait: bool = True) -> None:
        """Apply an installation; what is not said stays as it was.

        ``{name}`` in a text is the address of an installation that is there.
        """
        name = str(options.get("name", WEB))
        earlier = self.shops.get(name)
        said = {} if earlier is None else vars(earlier)
        shop = self.scenario.installation(self.namespace, {**said, **self._filled_in(options)})
        deploy.apply(self.cluster.kubeconfig, shop)
        self.shops[name] = shop
        if wait:
            deploy.wait(self.cluster.kubeconfig, shop)

    def configure(self, options: Mapping[str, Any]) -> None:
        """Apply an installation's ConfigMap alone."""
        shop = self.shops[str(options.get("name", WEB))]
        settings = {**shop.settings, **self._filled_in(options["settings"])}
        changed = Shop(**{**vars(shop), "settings": settings})
        self.shops[shop.name] = changed
        self.kubectl("apply", "-f", "-", input_text=yaml.safe_dump(manifests.config_map(changed)))

    def inject(self, options: Mapping[str, Any]) -> None:
        """Change settings of the processes that run, which lasts until they end."""
        shop = self.shops[str(options.get("name", WEB))]
        selector = ",".join(f"{key}={value}" for key, value in shop.selector.items())
        path = "-ojsonpath={.items[*].status.podIP}"
        for address in self.kubectl("get", "pods", f"-l{selector}", path).split():
            put(f"http://{address}:{manifests.PORT}/settings", options["settings"])

    def crowd(self, users: Users) -> None:
        """More users, until the end."""
        targets = self._crowds.enter_context(
            EndpointsWatch(self.cluster.kubeconfig, self.namespace, WEB)
        )
        self._crowds.enter_context(LoadGenerator(targets, users.path, users.rate, users.patience))

    def blind(self) -> None:
        """End Prometheus; nobody listens at its address any more."""
        self._prometheus.close()

    def alert(self) -> dict[str, Any] | None:
        """The first alert about the shop that fires, or None."""
        with contextlib.suppress(OSError):
            told = ask(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"]
            firing = [one for one in told if one["state"] == "firing"]
            return min(firing, key=lambda one: str(one["activeAt"]), default=None)
        return None

    def version(self) -> str:
        """That is in the template now."""
        path = "-ojsonpath={.spec.template.spec.containers[0].image}"
        shop = self.shops[WEB]
        return self.kubectl("get", shop.kind.lower(), WEB, path).rpartition(":")[2]

    def _filled_in(self, options: Any) -> Any:
        if isinstance(options, Mapping):
            return {key: self._filled_in(value) for key, value in options.items()}
        if isinstance(options, str) and "{" in options:
            for name in self.shops:
                if f"{{{name}}}" in options:
                    options = options.replace(f"{{{name}}}", self.address(name))
        return options

    def variables(self, values: Any) -> Any:
        """Variables of the role with ``{namespace}`` and the addresses filled in."""
        if isinstance(values, list):
            return [self.variables(value) for value in values]
        if isinstance(values, Mapping):
            return {key: self.variables(value) for key, value in values.items()}
        if isinstance(values, str):
            return self._filled_in(values.replace("{namespace}", self.namespace))
        return values


@contextlib.contextmanager
def staged(
    cluster: Cluster, scenario: Scenario, folder: Path, namespace: str
) -> Iterator[tuple[Stage, LoadGenerator]]:
    """Install all that the scenario begins with, watch it, and let users come."""
    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(cluster, scenario, folder, namespace)
    users = scenario.users
    with contextlib.ExitStack() as stack:
        stack.callback(deploy.delete, cluster.kubeconfig, namespace, wait=False)
        for options in (*scenario.beside, scenario.shop):
            stage.install(options)
        stage.prometheus = stage._prometheus.enter_context(
            prometheus(folder / "prometheus", _rules(stage), _what_to_scrape(stage))
        )
        stack.callback(stage.blind)
        stack.callback(stage._crowds.close)
        targets = stack.enter_context(EndpointsWatch(cluster.kubeconfig, namespace, WEB))
        load = stack.enter_context(LoadGenerator(targets, users.path, users.rate, users.patience))
        yield stage, load


def put(url: str, content: Any) -> None:
    request = urllib.request.Request(url, json.dumps(content).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=10):
        pass


def wait_until(holds: Any, seconds: float) -> bool:
    """Whether it held within the time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _rules(stage: Stage) -> Path:
    path = stage.folder / "rules.yml"
    shop = stage.shops[WEB]
    done = render(
        stage.folder,
        alert_rules_path=str(path),
        alert_rules_services=[{"namespace": shop.namespace, "kind": shop.kind, "name": WEB}],
        alert_rules_signals=SIGNALS,
    )
    if done.returncode or not path.exists():
        raise ClusterError("the playbook alerting failed", done.output)
    return path


def _what_to_scrape(stage: Stage) -> dict[str, Any]:
    """As the cluster's own Prometheus does, and of this namespace only."""
    addon = stage.cluster.prometheus
    if addon is None:
        raise ClusterError("the cluster has no Prometheus, whose list of pods is used", "add it")
    only_here = {"source_labels": ["namespace"], "regex": stage.namespace, "action": "keep"}
    config = yaml.safe_load(addon.config.read_text())
    jobs = [job for job in config["scrape_configs"] if job["job_name"] in ("pods", "cadvisor")]
    for job in jobs:
        key = "relabel_configs" if job["job_name"] == "pods" else "metric_relabel_configs"
        job[key] = [*job.get(key, []), only_here]
    return {"global": config["global"], "scrape_configs": jobs}
