# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application on the real cluster: every version is broken as its name says.

Stories about recovery stand on this; where it fails, they mean nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import Cluster, up
from tests.cluster.kubectl import kubectl
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

NAMESPACE = f"shop-e2e-{os.getpid()}"
PATIENCE_SECONDS = 90.0


BROKEN = {
    name: Shop(name=name, namespace=NAMESPACE, version=f"2.0.0-{name}", replicas=1)
    for name in ("crash", "missing", "leak", "never-ready")
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster where the versions that never come up have been deployed at once."""
    cluster = up(os.environ.get("RECOVERY_TEST_CLUSTER", "test"))
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    for shop in BROKEN.values():
        deploy.apply(cluster.kubeconfig, shop)
    yield cluster
    deploy.delete(cluster.kubeconfig, NAMESPACE, wait=False)


def installed(cluster: Cluster, *, seconds: int = 60, **fields: Any) -> Shop:
    """An installation whose pods are all ready."""
    shop = Shop(namespace=NAMESPACE, **fields)
    deploy.apply(cluster.kubeconfig, shop)
    deploy.wait(cluster.kubeconfig, shop, seconds)
    return shop


@contextmanager
def users_of(
    cluster: Cluster, shop: Shop, path: str = "/", rate: float = 20.0
) -> Iterator[LoadGenerator]:
    with (
        EndpointsWatch(cluster.kubeconfig, shop.namespace, shop.name) as targets,
        LoadGenerator(targets, path, rate) as load,
    ):
        yield load


def pods_of(cluster: Cluster, shop: Shop) -> list[dict[str, Any]]:
    selector = f"app.kubernetes.io/instance={shop.name}"
    found = kubectl(cluster.kubeconfig, "-n", NAMESPACE, "get", "pods", "-l", selector, "-ojson")
    pods: list[dict[str, Any]] = json.loads(found)["items"]
    return pods


def container_of(cluster: Cluster, shop: Shop) -> dict[str, Any]:
    """The status of the container of the only pod; empty before the kubelet has written one."""
    (pod,) = pods_of(cluster, shop) or [{"status": {}}]
    (container,) = pod["status"].get("containerStatuses") or [{}]
    status: dict[str, Any] = container
    return status


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"no {what} after {seconds:.0f} s"
        time.sleep(0.5)


def reason(container: dict[str, Any], *path: str) -> str:
    found: Any = container
    for key in path:
        found = found.get(key, {})
    return str(found.get("reason", ""))


def test_users_see_the_errors_of_a_failing_version(cluster: Cluster) -> None:
    shop = installed(cluster, name="errors", version="2.0.0-errors", replicas=1)
    with users_of(cluster, shop) as load:
        time.sleep(5)
    report = load.report()
    assert set(report.failed_by_reason) == {"http_500"}
    assert 0.3 < report.success_share < 0.7


def test_users_give_up_on_a_slow_version(cluster: Cluster) -> None:
    shop = installed(cluster, name="slow", version="2.0.0-slow", replicas=1)
    with users_of(cluster, shop) as load:
        time.sleep(3)
    assert set(load.report().failed_by_reason) == {"timeout"}
    assert load.report().ok == 0


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_good_to_good_loses_no_request(cluster: Cluster, kind: str) -> None:
    name = f"rolling-{kind.lower()}"
    shop = installed(cluster, name=name, kind=kind, version="1.0.0", replicas=2)
    with users_of(cluster, shop, rate=50) as load:
        time.sleep(1)
        installed(cluster, name=name, kind=kind, version="1.1.0", replicas=2)
        time.sleep(1)
    report = load.report()
    assert report.failed_by_reason == {}
    assert set(report.served_by) == {"shop/1.0.0", "shop/1.1.0"}
    assert report.total > 100


def test_daemon_set_serves_from_every_node(cluster: Cluster) -> None:
    shop = installed(cluster, name="everywhere", kind="DaemonSet")
    assert len(pods_of(cluster, shop)) >= 1


def test_changed_config_map_heals_without_a_restart(cluster: Cluster) -> None:
    upstream = installed(cluster, name="api", command="upstream", replicas=1)
    spare = installed(cluster, name="spare-api", command="upstream", replicas=1)
    settings: dict[str, object] = {
        "upstream_url": f"http://{cluster_ip(cluster, upstream)}",
        "upstream_fallback_url": f"http://{cluster_ip(cluster, spare)}",
        "upstream_timeout_seconds": 1.5,
    }
    shop = installed(cluster, name="buyer", replicas=1, settings=settings)
    (before,) = pods_of(cluster, shop)
    with users_of(cluster, shop, "/shipping") as load:
        time.sleep(2)
        assert load.report().failed == 0
        failing = {"fault_error_share": 1}
        installed(cluster, name="api", command="upstream", replicas=1, settings=failing)
        wait_until(lambda: load.report().failed > 0, "failing user")
        installed(
            cluster, name="buyer", replicas=1, settings={**settings, "upstream_fallback": "always"}
        )
        wait_until(lambda: all(s.failed == 0 for s in load.report().seconds[-5:]), "healing")
    # On a slow machine the upstream may also answer late.
    assert "http_502" in load.report().failed_by_reason
    (after,) = pods_of(cluster, shop)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert container_of(cluster, shop)["restartCount"] == 0


def cluster_ip(cluster: Cluster, shop: Shop) -> str:
    path = "-ojsonpath={.spec.clusterIP}"
    return kubectl(cluster.kubeconfig, "-n", NAMESPACE, "get", "service", shop.name, path)


@pytest.mark.parametrize(
    ("name", "where", "expected"),
    [
        pytest.param("crash", ("state", "waiting"), "CrashLoopBackOff", id="crashes"),
        pytest.param("missing", ("state", "waiting"), "ImagePullBackOff", id="has no image"),
        pytest.param("leak", ("lastState", "terminated"), "OOMKilled", id="is OOM-killed"),
    ],
)
def test_pod_of_a_broken_version(
    cluster: Cluster, name: str, where: tuple[str, ...], expected: str
) -> None:
    wait_until(lambda: reason(container_of(cluster, BROKEN[name]), *where) == expected, expected)


def test_never_ready_runs_and_stays_unready(cluster: Cluster) -> None:
    shop = BROKEN["never-ready"]
    wait_until(lambda: "running" in container_of(cluster, shop).get("state", {}), "running pod")
    time.sleep(5)
    status = container_of(cluster, shop)
    assert (status["ready"], status["restartCount"]) == (False, 0)


def test_kubectl_top_shows_the_pods(cluster: Cluster) -> None:
    if cluster.provider != "debian":
        pytest.skip(f"provider {cluster.provider} brings its own metrics, or none")
    up(cluster.name, with_addons=["metrics"])
    (pod,) = pods_of(cluster, BROKEN["never-ready"])
    pod_name = pod["metadata"]["name"]

    def is_shown() -> bool:
        return pod_name in kubectl(cluster.kubeconfig, "-n", NAMESPACE, "top", "pods")

    wait_until(is_shown, f"reading of {pod_name}", 30)
