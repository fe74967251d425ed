# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of the collection: a bad deploy, one command, users served again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.cluster.kubectl import kubectl
from tests.cluster.places import cache_folder
from tests.cluster.shop import deploy
from tests.cluster.shop.load import LoadGenerator
from tests.cluster.shop.manifests import Shop
from tests.cluster.shop.targets import EndpointsWatch
from tests.cluster.shop.versions import build_shop_images

from .support.modules import run_module
from .support.playbooks import Played, play
from .support.workloads import Workload, wait_until

GOOD, BAD = "1.0.0", "2.0.0-errors"
USERS_ANSWER_WITHIN_SECONDS = 30.0


@pytest.fixture(scope="module")
def shop(cluster: Cluster, namespace: str) -> Iterator[Shop]:
    """The sample application, with a bad version rolled out over a good one."""
    cluster.load_images([build_shop_images(cache_folder() / "images")])
    bad = Shop(namespace=namespace, version=BAD, replicas=2)
    for installed in (Shop(namespace=namespace, version=GOOD, replicas=2), bad):
        deploy.apply(cluster.kubeconfig, installed)
        deploy.wait(cluster.kubeconfig, installed)
    yield bad


def roll_back(*arguments: str, cwd: Path, **variables: Any) -> Played:
    """Run the playbook as a person would."""
    return play("oncall.recovery.rollback", *arguments, cwd=cwd, **variables)


def test_one_command_gets_users_served_again(cluster: Cluster, shop: Shop, tmp_path: Path) -> None:
    with (
        EndpointsWatch(cluster.kubeconfig, shop.namespace, shop.name) as targets,
        LoadGenerator(targets, "/", 20.0) as load,
    ):
        wait_until(lambda: load.report().failed > 5, "users see errors")
        done = roll_back(
            cwd=tmp_path,
            recovery_kubeconfig=str(cluster.kubeconfig),
            rollback_namespace=shop.namespace,
            rollback_name=shop.name,
            rollback_reason="INC-4711",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        time.sleep(1)
        with LoadGenerator(targets, "/", 20.0) as load_after:
            wait_until(lambda: load_after.report().total > 60, "users try again")
        assert load_after.report().failed == 0
    for words in (
        "1 of 1 rolled back",
        f"was revision 2: localhost/oncall/shop:{BAD}",
        f"now the template of revision 1: localhost/oncall/shop:{GOOD}",
        "rollout complete: all 2 pods run revision 3",
    ):
        assert words in done.stdout
    live = Workload(cluster.kubeconfig, "Deployment", shop.namespace, shop.name).live()
    assert live["metadata"]["annotations"]["kubernetes.io/change-cause"] == "INC-4711"


@pytest.fixture
def clusters(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> Iterator[tuple[Path, list[Workload]]]:
    """An inventory of three, each a namespace of one cluster; the second has no way back."""
    names = ("first", "second", "third")
    sites = [
        Workload(cluster.kubeconfig, "Deployment", f"{namespace}-{name}", "web") for name in names
    ]
    for site, versions in zip(sites, (("1", "2"), ("2",), ("1", "2")), strict=True):
        kubectl(cluster.kubeconfig, "create", "namespace", site.namespace)
        site.deploy(*versions)
    hosts = {
        name: {
            "recovery_kubeconfig": str(cluster.kubeconfig),
            "rollback_namespace": site.namespace,
        }
        for name, site in zip(names, sites, strict=True)
    }
    inventory = tmp_path / "clusters.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    yield inventory, sites
    for site in sites:
        kubectl(cluster.kubeconfig, "delete", "namespace", site.namespace, "--wait=false")


def test_clusters_are_rolled_back_one_by_one_until_one_fails(
    clusters: tuple[Path, list[Workload]], tmp_path: Path
) -> None:
    inventory, sites = clusters
    one_by_one = {"rollback_hosts": "all", "rollback_name": "web"}
    done = roll_back("-i", str(inventory), cwd=tmp_path, **one_by_one)
    assert done.returncode != 0
    assert [site.version for site in sites] == ["1", "2", "2"]

    done = roll_back("-i", str(inventory), cwd=tmp_path, **one_by_one, rollback_serial=2)
    assert done.returncode != 0
    assert sites[2].version == "2"

    at_all_cost = {**one_by_one, "rollback_serial": 3, "rollback_max_fail_percentage": 100}
    done = roll_back("-i", str(inventory), cwd=tmp_path, **at_all_cost)
    assert done.returncode != 0
    assert sites[2].version == "1"


def test_check_mode_changes_nothing_and_says_so(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    tried = Workload(cluster.kubeconfig, "Deployment", namespace, "tried").deploy("1", "2")
    done = roll_back(
        "--check",
        "--diff",
        cwd=tmp_path,
        recovery_kubeconfig=str(cluster.kubeconfig),
        rollback_namespace=namespace,
        rollback_name="tried",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 would be rolled back" in done.stdout
    assert tried.version == "2"


def test_playbook_holds_the_lock_meanwhile_and_lets_it_go(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    web = Workload(cluster.kubeconfig, "Deployment", namespace, "locked").deploy("1", "2")
    where = {
        "recovery_kubeconfig": str(cluster.kubeconfig),
        "rollback_namespace": namespace,
        "rollback_name": "locked",
    }
    lease = ("get", "lease", "oncall-recovery.deployment.locked")
    held = run_module(
        "k8s_lock", cluster.kubeconfig, namespace=namespace, name="locked", holder="ada"
    )
    assert held.changed

    refused = roll_back(cwd=tmp_path, **where)
    assert refused.returncode != 0
    assert "it is locked by ada until 20" in refused.stdout
    assert web.version == "2"
    overruled = roll_back(cwd=tmp_path, **where, rollback_override_guards=["lock"])
    assert overruled.returncode == 0, overruled.stdout
    assert web.kubectl(*lease, "--output=jsonpath={.spec.holderIdentity}") == "ada"

    web.settle()
    run_module(
        "k8s_lock",
        cluster.kubeconfig,
        namespace=namespace,
        name="locked",
        holder="ada",
        state="absent",
    )
    web.deploy("3")
    assert roll_back(cwd=tmp_path, **where).returncode == 0
    assert web.version == "1"
    assert web.kubectl(*lease, "--output=jsonpath={.spec.holderIdentity}") == ""
    assert web.kubectl(*lease, "--output=jsonpath={.spec.leaseTransitions}") == "1"


def test_forgotten_name_is_explained(cluster: Cluster, tmp_path: Path) -> None:
    done = roll_back(cwd=tmp_path, recovery_kubeconfig=str(cluster.kubeconfig))
    assert done.returncode != 0
    assert "one of the following is required: name" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
