# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``mitigation``: what it refuses to make worse, and what it puts back."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster, up
from tests.cluster.kubectl import apply, kubectl
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

from .support.objects import snapshot
from .support.playbooks import Played, play
from .support.workloads import wait_until

GOOD, BAD = "blue", "green"
INSTANCE = "app.kubernetes.io/instance"
URL = "UPSTREAM_URL"
NORMAL, FALLBACK, BY_HAND = "http://payments", "http://fallback", "http://by-hand"


def config_map(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {URL: NORMAL},
    }


def fallback(namespace: str, name: str, **more: Any) -> dict[str, Any]:
    """A declaration that changes a key of the ConfigMap of this name."""
    return {
        "name": f"fallback_of_{name}",
        "technique": "fallback_api",
        "namespace": namespace,
        "changes": [{"kind": "ConfigMap", "name": name, "key": URL, "value": FALLBACK}],
        **more,
    }


class Settings:
    """A ConfigMap of one test, and the playbook that changes it."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, folder: Path) -> None:
        self.kubeconfig, self.namespace, self.name = cluster.kubeconfig, namespace, name
        self._folder = folder
        apply(self.kubeconfig, config_map(namespace, name))

    @property
    def url(self) -> str:
        return str(
            self.kubectl("get", "configmap", self.name, f"--output=jsonpath={{.data.{URL}}}")
        )

    def edit(self) -> None:
        patch = json.dumps({"data": {URL: BY_HAND}})
        self.kubectl("patch", "configmap", self.name, "--type=merge", f"--patch={patch}")

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.kubeconfig, "--namespace", self.namespace, *arguments)

    def mitigate(self, *arguments: str, **variables: Any) -> Played:
        declared = variables.pop("declared", {})
        return play(
            "oncall.recovery.mitigation",
            *arguments,
            cwd=self._folder,
            recovery_kubeconfig=str(self.kubeconfig),
            mitigations=[fallback(self.namespace, self.name, **declared)],
            **{"mitigation": f"fallback_of_{self.name}", **variables},
        )


def test_person_who_edits_it_meanwhile_is_not_overwritten(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    settings = Settings(cluster, namespace, "edited", tmp_path)
    assert settings.mitigate().statistic("mitigation")["changed"]
    settings.edit()
    refused = settings.mitigate(mitigation_state="absent")
    assert refused.failed
    assert "NOT PUT BACK: fallback_of_edited" in refused.output
    assert settings.url == BY_HAND
    forced = settings.mitigate(mitigation_state="absent", mitigation_force=True)
    assert not forced.failed, forced.output
    assert settings.url == NORMAL


def test_what_is_over_is_put_back_and_the_rest_stays(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    over = Settings(cluster, namespace, "over", tmp_path)
    lasting = Settings(cluster, namespace, "lasting", tmp_path)
    assert not over.mitigate(declared={"expires_in": "1s"}).failed
    assert not lasting.mitigate(declared={"expires_in": "1s"}, mitigation_expires_in="2h").failed
    listed = over.mitigate(mitigation="", mitigation_namespace=namespace)
    assert "fallback_of_over in " in listed.output
    assert ", OVER since 20" in listed.output
    assert ", until 20" in listed.output
    done = over.mitigate(mitigation="", mitigation_state="expired", mitigation_namespace=namespace)
    assert not done.failed, done.output
    assert "PUT BACK: fallback_of_over" in done.output
    assert (over.url, lasting.url) == (NORMAL, FALLBACK)
    assert not lasting.mitigate(mitigation_state="absent").failed


def test_one_in_several_namespaces_is_applied_and_put_back_in_all(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    elsewhere = f"{namespace}-two"
    kubectl(cluster.kubeconfig, "create", "namespace", elsewhere)
    try:
        here = Settings(cluster, namespace, "spread", tmp_path)
        there = Settings(cluster, elsewhere, "spread", tmp_path)
        change = {"kind": "ConfigMap", "name": "spread", "key": URL, "value": FALLBACK}
        both = {"changes": [change, {**change, "namespace": elsewhere}]}
        assert not here.mitigate(declared=both).failed
        assert (here.url, there.url) == (FALLBACK, FALLBACK)
        done = here.mitigate(declared=both, mitigation_state="absent")
        assert not done.failed, done.output
        assert (here.url, there.url) == (NORMAL, NORMAL)
    finally:
        kubectl(cluster.kubeconfig, "delete", "namespace", elsewhere, "--wait=false")


@pytest.fixture(scope="module")
def middlewares(cluster: Cluster) -> str:
    """The kind of Traefik, whose objects the server only keeps: Traefik itself does not run."""
    group, kind = "traefik.io", "Middleware"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True}
    apply(
        cluster.kubeconfig,
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"middlewares.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": "middlewares", "singular": "middleware"},
                "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
            },
        },
    )
    kubectl(cluster.kubeconfig, "wait", "--for=condition=established", f"crd/middlewares.{group}")
    return f"{group}/v1alpha1"


@pytest.mark.parametrize(
    ("controller", "expected"),
    [
        (
            "ingress-nginx",
            {
                "nginx.ingress.kubernetes.io/limit-rps": "10",
                "nginx.ingress.kubernetes.io/limit-burst-multiplier": "3",
            },
        ),
        (
            "haproxy",
            {"haproxy.org/rate-limit-requests": "10", "haproxy.org/rate-limit-period": "1s"},
        ),
        ("haproxy-ingress", {"haproxy-ingress.github.io/limit-rps": "10"}),
        ("traefik", {"average": 10, "burst": 25}),
    ],
)
def test_rate_is_limited_in_the_words_of_the_controller(
    cluster: Cluster,
    namespace: str,
    middlewares: str,
    tmp_path: Path,
    controller: str,
    expected: dict[str, Any],
) -> None:
    metadata = {"name": controller, "namespace": namespace, "annotations": {"team": "a"}}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {"defaultBackend": backend},
    }
    middleware = {
        "apiVersion": middlewares,
        "kind": "Middleware",
        "metadata": metadata,
        "spec": {"rateLimit": {"average": 0, "burst": 1}},
    }
    is_traefik = controller == "traefik"
    name = f"{'middleware.traefik.io' if is_traefik else 'ingress'}/{controller}"
    apply(cluster.kubeconfig, middleware if is_traefik else ingress)
    (before,) = snapshot(cluster.kubeconfig, namespace, name)
    burst = {} if controller.startswith("haproxy") else {"burst": 25}
    declared = {
        "name": "slow_down",
        "technique": "rate_limit",
        "namespace": namespace,
        "rate_limit": {
            "controller": controller,
            "name": controller,
            "requests_per_second": 10,
            **burst,
        },
    }

    def mitigate(state: str) -> dict[str, Any]:
        done = play(
            "oncall.recovery.mitigation",
            cwd=tmp_path,
            recovery_kubeconfig=str(cluster.kubeconfig),
            mitigations=[declared],
            mitigation="slow_down",
            mitigation_state=state,
        )
        assert not done.failed, done.output
        (live,) = snapshot(cluster.kubeconfig, namespace, name)
        return live

    limited = mitigate("present")
    if is_traefik:
        assert limited["spec"]["rateLimit"] == expected
    else:
        found = limited["metadata"]["annotations"]
        assert {k: v for k, v in found.items() if k in expected} == expected
    assert mitigate("absent") == before


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster) -> str:
    """The URL of the cluster's Prometheus."""
    if cluster.provider != "debian":
        pytest.skip(f"provider {cluster.provider} brings its own Prometheus, or none")
    addons = up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"), with_addons=["prometheus"])
    assert addons.prometheus is not None
    return addons.prometheus.url


def share_of_errors(namespace: str) -> str:
    requests = f'http_requests_total{{namespace="{namespace}",page="/"%s}}'
    failed, all_of_them = requests % ',code="500"', requests % ""
    none = f"0 * sum(rate({all_of_them}[5s]))"
    return f"(sum(rate({failed}[5s])) or {none}) / sum(rate({all_of_them}[5s]))"


def test_cluster_that_gets_worse_is_put_back_and_ends_the_run(
    cluster: Cluster, namespace: str, prometheus: str, tmp_path: Path
) -> None:
    """Three clusters, each a namespace of one; in the second the mitigation does harm."""
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    shops = [
        Shop(name=GOOD, namespace=namespace, replicas=1),
        Shop(name=BAD, namespace=namespace, version="2.0.0-errors", replicas=1),
    ]
    for shop in shops:
        deploy.apply(cluster.kubeconfig, shop)
    for shop in shops:
        deploy.wait(cluster.kubeconfig, shop)
    others = [f"{namespace}-first", f"{namespace}-third"]
    for other in others:
        kubectl(cluster.kubeconfig, "create", "namespace", other)
    first, third = (Settings(cluster, other, "settings", tmp_path) for other in others)
    quiet = {"promql": "vector(0)", "threshold": 0.05, "settle": 1}
    harmful = {
        "name": "mitigate",
        "technique": "switch_service",
        "namespace": namespace,
        "services": [{"name": GOOD, "selector": {INSTANCE: BAD}}],
        "signal": {"promql": share_of_errors(namespace), "threshold": 0.05, "settle": 40},
    }
    harmless = [
        fallback(other, "settings", signal=quiet) | {"name": "mitigate"} for other in others
    ]
    hosts = {
        host: {
            "recovery_kubeconfig": str(cluster.kubeconfig),
            "mitigation_prometheus": {"url": prometheus},
            "mitigation_signal_interval": 1,
            "mitigations": [declared],
        }
        for host, declared in (("a", harmless[0]), ("b", harmful), ("c", harmless[1]))
    }
    inventory = tmp_path / "clusters.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    (before,) = snapshot(cluster.kubeconfig, namespace, f"service/{GOOD}")
    with (
        EndpointsWatch(cluster.kubeconfig, namespace, GOOD) as targets,
        LoadGenerator(targets, "/", 10.0) as load,
    ):
        wait_until(lambda: load.report().total > 60, "users are served")
        assert load.report().failed == 0
        done = play(
            "oncall.recovery.mitigation",
            *("-i", str(inventory)),
            cwd=tmp_path,
            mitigation_hosts="all",
            mitigation="mitigate",
        )
        assert load.report().failed > 0
    assert done.failed
    assert "signal of mitigate before: healthy, 0 of" in done.output or (
        "signal of mitigate before: healthy, 0 is not > 0.05" in done.output
    )
    assert "mitigate got worse: before 0 is not > 0.05; after 0." in done.output
    assert "So it was put back by itself" in done.output
    facts = done.statistic("mitigation", "b")
    assert (facts["failed"], facts["put_back"]) == (True, True)
    assert facts["before"][0]["verdict"] == "healthy"
    assert facts["after"][0]["verdict"] == "unhealthy"
    assert snapshot(cluster.kubeconfig, namespace, f"service/{GOOD}") == [before]
    assert (first.url, third.url) == (FALLBACK, NORMAL)
    for other in others:
        kubectl(cluster.kubeconfig, "delete", "namespace", other, "--wait=false")


README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def quiet_namespace(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace without users, since those of other tests would move the signal."""
    name = f"{namespace}-quiet"
    kubectl(cluster.kubeconfig, "create", "namespace", name)
    yield name
    kubectl(cluster.kubeconfig, "delete", "namespace", name, "--wait=false")


def test_readme_leads_from_declaration_to_put_back(
    cluster: Cluster, quiet_namespace: str, prometheus: str, tmp_path: Path
) -> None:
    namespace = quiet_namespace
    section = README.read_text().partition("## Mitigate now")[2].partition("\n## ")[0]
    declaration, commands = re.findall(r"```\w+\n(.*?)```", section, flags=re.DOTALL)
    lines = [*declaration.splitlines(), *commands.splitlines()]
    assert len(lines) < 30
    # Nobody calls here, so there is nothing to wait a minute for.
    text = declaration.replace("shop", namespace).replace(
        f"{namespace}.properties", "shop.properties"
    )
    (tmp_path / "mitigations.yml").write_text(text.replace("settle: 60", "settle: 2"))
    shop = Shop(namespace=namespace, replicas=1, settings={"upstream_fallback": "never"})
    deploy.apply(cluster.kubeconfig, shop)
    objects = [f"configmap/{shop.settings_name}", f"deployment/{shop.name}"]
    before = snapshot(cluster.kubeconfig, namespace, *objects)
    looks = []
    for command in commands.splitlines():
        prompt, playbook, name, *arguments = shlex.split(command)
        assert (prompt, playbook, name) == ("$", "ansible-playbook", "oncall.recovery.mitigation")
        done = play(
            "oncall.recovery.mitigation",
            *arguments,
            cwd=tmp_path,
            env={"RECOVERY_PROMETHEUS_URL": prometheus},
            recovery_kubeconfig=str(cluster.kubeconfig),
            mitigation_namespace=namespace,
        )
        assert not done.failed, done.output
        looks.append(snapshot(cluster.kubeconfig, namespace, *objects))
    tried, applied, restored = looks
    assert tried == before
    assert applied[0]["data"] == {"shop.properties": "upstream_fallback=always\n"}
    assert restored == before
