# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_scale on real controllers: those of the workloads, and the one of autoscalers."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import apply

from .support.audit import requests_to
from .support.modules import Answer, run_module
from .support.proxy import Fault, Faults, Trouble, proxy_to
from .support.workloads import Workload, wait_until

SCALABLE_KINDS = ("Deployment", "StatefulSet", "ReplicaSet")
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 66}},
}


def scale(workload: Workload, **options: Any) -> Answer:
    where = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return run_module("k8s_scale", workload.kubeconfig, **{**where, "wait_timeout": 60, **options})


def make(workload: Workload, *, image: str = "") -> Workload:
    """Create a workload of any kind that can be scaled."""
    manifest = workload.manifest("1")
    if workload.kind == "ReplicaSet":
        manifest["spec"].pop("revisionHistoryLimit")
    if image:
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = image
    apply(workload.kubeconfig, manifest)
    return workload


@pytest.fixture
def web(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Workload:
    """A Deployment of two pods that is its test's own."""
    name = f"web-{abs(hash(request.node.name)) % 10**8}"
    return make(Workload(cluster.kubeconfig, "Deployment", namespace, name, pods=2))


def autoscale(workload: Workload, least: int, greatest: int) -> None:
    """Let an autoscaler target it that has no metrics to go by, so that it keeps to its bounds."""
    apply(
        workload.kubeconfig,
        {
            "apiVersion": "autoscaling/v2beta2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": workload.name, "namespace": workload.namespace},
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": workload.kind,
                    "name": workload.name,
                },
                "minReplicas": least,
                "maxReplicas": greatest,
                "metrics": [MEMORY],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 77}},
            },
        },
    )


def autoscaler(workload: Workload) -> dict[str, Any]:
    address = "horizontalpodautoscalers.v2beta2.autoscaling"
    return dict(json.loads(workload.kubectl("get", address, workload.name, "--output=json")))


def bounds(workload: Workload) -> tuple[int, int]:
    spec = autoscaler(workload)["spec"]
    return spec["minReplicas"], spec["maxReplicas"]


def is_active(workload: Workload) -> bool | None:
    """Whether the autoscaler acts, as its controller says; None before it has said so."""
    for condition in autoscaler(workload)["status"].get("conditions") or []:
        if condition["type"] == "ScalingActive":
            return bool(condition["reason"] != "ScalingDisabled")
    return None


def replicas(workload: Workload) -> int:
    return int(workload.live()["spec"]["replicas"])


@pytest.mark.parametrize("kind", SCALABLE_KINDS)
def test_workload_is_scaled_once_and_waited_for(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    # A Deployment would adopt a ReplicaSet that its selector matches.
    web = make(Workload(cluster.kubeconfig, kind, namespace, f"each-{kind.lower()}", pods=1))

    tried = scale(web, replicas=3, check=True, diff=True)
    assert (tried.changed, replicas(web)) == (True, 1)
    difference = tried.result["diff"][0]
    assert (difference["before"], difference["after"]) == ({"replicas": 1}, {"replicas": 3})
    assert "would be scaled from 1 to 3 replicas" in tried.only["message"]

    answer = scale(web, replicas=3)
    assert answer.outcomes == {web.name: "scaled"}, answer.message
    assert answer.only["ready_replicas"] == 3
    assert web.live()["status"]["readyReplicas"] == 3

    again = scale(web, replicas=3)
    assert (again.outcomes, again.changed) == ({web.name: "already"}, False)

    down = scale(web, factor=0.5)
    assert (down.only["replicas_before"], down.only["replicas"]) == (3, 2)
    assert web.live()["status"]["replicas"] == 2

    gone = scale(web, replicas=0)
    assert not gone.failed, gone.message
    assert web.live()["status"].get("replicas", 0) == 0
    assert scale(web, replicas=1, current_replicas=0).changed


class TestPreconditions:
    def test_number_that_is_another_fails_and_changes_nothing(
        self, cluster: Cluster, web: Workload
    ) -> None:
        with requests_to(cluster, web.namespace) as requests:
            answer = scale(web, replicas=3, current_replicas=1)
        assert answer.failed and not answer.changed
        assert "it has 2 replicas, not 1, so it is left alone" in answer.message
        assert requests.writes == []

    def test_version_that_is_old_fails_and_changes_nothing(self, web: Workload) -> None:
        version = web.live()["metadata"]["resourceVersion"]
        web.kubectl("annotate", web.address, "a=b")
        answer = scale(web, replicas=3, resource_version=version)
        assert answer.failed and not answer.changed
        assert f"and not {version}, so it is left alone" in answer.message
        assert replicas(web) == 2

    def test_present_version_is_enough(self, cluster: Cluster, namespace: str) -> None:
        still = make(Workload(cluster.kubeconfig, "Deployment", namespace, "still"))
        still.settle()
        version = still.live()["metadata"]["resourceVersion"]
        assert scale(still, replicas=1, resource_version=version).changed

    @pytest.mark.parametrize("by", ["number", "version"])
    def test_server_checks_it_at_the_moment_of_the_change(self, web: Workload, by: str) -> None:
        """Another is faster, between our look at the workload and our change."""
        scale(web, replicas=2)
        condition = {"current_replicas": 2} if by == "number" else {}
        if by == "version":
            condition["resource_version"] = web.live()["metadata"]["resourceVersion"]

        answer = scale_while(
            web, lambda: web.kubectl("scale", web.address, "--replicas=4"), replicas=3, **condition
        )

        assert answer.failed and not answer.changed
        assert "so it is left alone" in answer.message
        assert replicas(web) == 4

    def test_autoscaler_is_not_touched_where_the_workload_has_moved(self, web: Workload) -> None:
        autoscale(web, 1, 5)
        scale(web, replicas=2, hpa="ignore", wait=False)
        answer = scale_while(
            web,
            lambda: web.kubectl("scale", web.address, "--replicas=4"),
            replicas=3,
            current_replicas=2,
        )
        assert answer.failed and not answer.changed
        assert bounds(web) == (1, 5)


def scale_while(web: Workload, meanwhile: Callable[[], Any], **options: Any) -> Answer:
    """Scale, with something else done just before the server gets our first change."""

    def hook(method: str, _path: str) -> Fault | None:
        if method == "PATCH" and pending:
            pending.pop()()
        return None

    pending = [meanwhile]
    with proxy_to(web.kubeconfig, hook) as url:
        answer = scale(web, host=url, wait=False, **options)
    assert not pending
    return answer


def test_number_is_multiplied_anew_where_another_was_faster(web: Workload) -> None:
    answer = scale_while(web, lambda: web.kubectl("scale", web.address, "--replicas=4"), factor=1.5)
    assert answer.outcomes == {web.name: "scaled"}, answer.message
    assert replicas(web) == 6


@pytest.mark.parametrize(
    "trouble", [Trouble.RESET_BEFORE, Trouble.RESET_AFTER, Trouble.HALF_THE_ANSWER]
)
def test_factor_is_applied_once_in_spite_of(web: Workload, trouble: Trouble) -> None:
    faults = Faults("PATCH", "/scale", trouble)
    with proxy_to(web.kubeconfig, faults) as url:
        answer = scale(web, host=url, factor=1.5, wait=False)
    assert faults.matched >= 1
    assert (answer.outcomes, answer.changed) == ({web.name: "scaled"}, True)
    assert replicas(web) == 3


class TestWithAutoscaler:
    def test_floor_is_raised_and_the_rest_of_the_autoscaler_kept(self, web: Workload) -> None:
        autoscale(web, 1, 4)
        before = autoscaler(web)["spec"]
        tried = scale(web, replicas=3, check=True, diff=True)
        assert tried.changed and bounds(web) == (1, 4)
        after = tried.result["diff"][0]["after"]
        assert after[f"HorizontalPodAutoscaler {web.namespace}/{web.name}"] == {
            "min_replicas": 3,
            "max_replicas": 4,
        }

        answer = scale(web, replicas=3)

        assert answer.outcomes == {web.name: "scaled"}, answer.message
        assert answer.only["ready_replicas"] == 3
        assert autoscaler(web)["spec"] == {**before, "minReplicas": 3}
        again = scale(web, replicas=3)
        assert (again.outcomes, again.changed) == ({web.name: "already"}, False)

    def test_autoscaler_keeps_what_was_asked_for(self, web: Workload) -> None:
        """One that would set the number back is the one that has to let it stay."""
        autoscale(web, 1, 2)
        assert scale(web, factor=1.5, hpa_max_replicas=5).changed
        assert (bounds(web), replicas(web)) == ((3, 3), 3)
        wait_until(
            lambda: autoscaler(web)["status"].get("currentReplicas") == 3,
            "the autoscaler has looked",
            seconds=40,
        )
        assert replicas(web) == 3

    def test_more_than_it_allows_is_refused_and_changes_nothing(self, web: Workload) -> None:
        autoscale(web, 1, 2)
        answer = scale(web, replicas=3)
        assert answer.failed and not answer.changed
        assert "Say in hpa_max_replicas how far its maxReplicas may be raised" in answer.message
        assert (bounds(web), replicas(web)) == ((1, 2), 2)

    def test_refuse_changes_nothing(self, cluster: Cluster, web: Workload) -> None:
        autoscale(web, 1, 4)
        with requests_to(cluster, web.namespace) as requests:
            answer = scale(web, replicas=3, hpa="refuse")
        assert answer.failed
        assert f"HorizontalPodAutoscaler {web.namespace}/{web.name} decides" in answer.message
        assert requests.writes == []

    def test_number_that_it_sets_back_is_overridden_and_no_success(self, web: Workload) -> None:
        autoscale(web, 2, 4)
        answer = scale(web, replicas=1, hpa="ignore")
        assert answer.failed
        assert answer.outcomes == {web.name: "overridden"}
        assert f"{web.name} or someone else set it from 1 to 2 replicas" in answer.message
        assert "is going to set it to 2" in str(answer.result["warnings"])

    def test_no_replicas_switch_it_off_and_a_number_on_again(self, web: Workload) -> None:
        autoscale(web, 2, 4)
        stopped = scale(web, replicas=0)
        assert stopped.outcomes == {web.name: "scaled"}, stopped.message
        assert "switch HorizontalPodAutoscaler" in str(stopped.result["warnings"])
        wait_until(lambda: is_active(web) is False, "the autoscaler is off", seconds=40)
        assert replicas(web) == 0

        started = scale(web, replicas=3)

        assert started.outcomes == {web.name: "scaled"}, started.message
        assert (replicas(web), bounds(web)) == (3, (3, 4))
        wait_until(lambda: is_active(web) is True, "the autoscaler is on again", seconds=40)

    def test_bounds_that_others_move_meanwhile_are_looked_at_anew(self, web: Workload) -> None:
        autoscale(web, 1, 4)
        patch = '--patch={"spec":{"maxReplicas":6}}'
        answer = scale_while(web, lambda: web.kubectl("patch", "hpa", web.name, patch), replicas=3)
        assert answer.outcomes == {web.name: "scaled"}, answer.message
        assert bounds(web) == (3, 6)


class TestWaiting:
    def test_replicas_that_do_not_get_ready_fail_with_their_pods_reason(
        self, cluster: Cluster, namespace: str
    ) -> None:
        bad = Workload(cluster.kubeconfig, "Deployment", namespace, "bad")
        answer = scale(make(bad, image="example.invalid/web:1"), replicas=2, wait_timeout=8)
        assert answer.failed and answer.changed
        assert "after 8 s 0 of 2 replicas are ready" in answer.message
        assert "ImagePull" in answer.message

    def test_number_that_someone_sets_back_is_overridden_at_once(
        self, cluster: Cluster, namespace: str
    ) -> None:
        bad = Workload(cluster.kubeconfig, "Deployment", namespace, "fought-over")
        make(bad, image="example.invalid/web:1")
        with ThreadPoolExecutor() as executor:
            pending = executor.submit(scale, bad, replicas=3)
            wait_until(lambda: replicas(bad) == 3, "it was scaled")
            bad.kubectl("scale", bad.address, "--replicas=1")
            answer = pending.result()
        assert answer.failed
        assert answer.outcomes == {"fought-over": "overridden"}
        assert "something else set it from 3 to 1 replicas" in answer.message
        assert answer.only["duration"] < 30


def test_hundreds_cost_two_lists_and_a_patch_each(cluster: Cluster, namespace: str) -> None:
    fleet = [
        Workload(cluster.kubeconfig, "Deployment", namespace, f"fleet-{number:03}")
        for number in range(100)
    ]
    # While they are paused they get no pods.
    manifests = [workload.manifest("1", paused=True) for workload in fleet]
    for manifest in manifests:
        manifest["metadata"]["labels"]["fleet"] = "yes"
    apply(cluster.kubeconfig, *manifests)
    autoscale(fleet[0], 1, 3)
    everything = {"namespace": namespace, "label_selectors": ["fleet=yes"], "wait": False}
    with requests_to(cluster, namespace) as requests:
        answer = run_module("k8s_scale", cluster.kubeconfig, replicas=1, hpa="refuse", **everything)
    assert answer.failed, "the first has an autoscaler"
    assert list(answer.outcomes.values()) == ["failed"] + ["scaled"] * 99
    assert requests.verbs.count("list") == 2
    assert requests.verbs.count("patch") == 99
    assert len(requests.verbs) == 101


def test_replica_set_of_a_deployment_is_refused(web: Workload) -> None:
    web.settle()
    own = json.loads(web.kubectl("get", "replicasets", f"--selector=app={web.name}", "-o=json"))
    name = own["items"][0]["metadata"]["name"]
    answer = scale(web, kind="ReplicaSet", name=name, replicas=5)
    assert answer.failed and not answer.changed
    assert f"Scale Deployment {web.namespace}/{web.name} instead" in answer.message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, "one of the following is required: replicas, factor", id="no number"),
        pytest.param({"replicas": -1}, "replicas: is -1", id="less than nothing"),
        pytest.param({"factor": 0}, "factor: is 0.0. Use a number above 0", id="factor 0"),
        pytest.param({"factor": "nan"}, "factor: is nan", id="no number at all"),
        pytest.param({"replicas": 1, "factor": 2}, "mutually exclusive", id="both"),
        pytest.param({"replicas": 1, "kind": "DaemonSet"}, "value of kind must be", id="kind"),
        pytest.param(
            {"replicas": 1, "hpa": "ignore", "hpa_max_replicas": 3},
            "hpa_max_replicas: makes sense with hpa=adjust only",
            id="ceiling of an autoscaler that is ignored",
        ),
        pytest.param(
            {
                "replicas": 1,
                "resource_version": "1",
                "name": None,
                "workloads": [{"name": "a"}, {"name": "b"}],
                "namespace": None,
            },
            "resource_version: is that of one workload",
            id="one version for many",
        ),
    ],
)
def test_bad_input_changes_nothing(
    cluster: Cluster, namespace: str, options: dict[str, Any], words: str
) -> None:
    given = {"namespace": namespace, "name": "web", **options}
    given = {name: value for name, value in given.items() if value is not None}
    with requests_to(cluster, namespace) as requests:
        answer = run_module("k8s_scale", cluster.kubeconfig, **given)
    assert answer.failed
    assert words in answer.message
    assert requests.all == []
