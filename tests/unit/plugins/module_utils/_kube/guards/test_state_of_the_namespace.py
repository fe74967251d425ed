# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards that look at what the namespace holds beside the workload."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    listings_for,
)

from ..builders import condition, pod, replica_set
from .cases import answer_of, case_of, ready_workload

Object = dict[str, t.Any]

PLACES = [
    pytest.param(
        {"containers": [{"name": "web", "envFrom": [{"configMapRef": {"name": "settings"}}]}]},
        "configmaps",
        id="all variables of a ConfigMap",
    ),
    pytest.param(
        {
            "containers": [
                {
                    "name": "web",
                    "env": [
                        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "settings"}}},
                        {"name": "B", "value": "plain"},
                    ],
                }
            ]
        },
        "secrets",
        id="one variable of a Secret",
    ),
    pytest.param(
        {"initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "settings"}}]}]},
        "secrets",
        id="a Secret of an init container",
    ),
    pytest.param(
        {"volumes": [{"name": "v", "configMap": {"name": "settings"}}]}, "configmaps", id="a volume"
    ),
    pytest.param(
        {"volumes": [{"name": "v", "secret": {"secretName": "settings"}}]},
        "secrets",
        id="a volume of a Secret",
    ),
    pytest.param(
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "settings"}}]}}]},
        "secrets",
        id="a projected volume",
    ),
    pytest.param(
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "settings"}}]},
        "persistentvolumeclaims",
        id="a claim",
    ),
    pytest.param({"serviceAccountName": "settings"}, "serviceaccounts", id="an account"),
]


def referring(spec: Object, around: dict[str, t.Any], **revision: t.Any) -> Case:
    """A Deployment whose first revision has this pod spec; its second refers to nothing."""
    live = ready_workload()
    older = replica_set(live, 1, "web:1", **revision)
    older["spec"]["template"]["spec"].update(spec)
    newer = replica_set(live, 2, "web:2", created="2026-11-23T12:00:00Z")
    return case_of(live, objects=[older, newer], around=around)


def held(changed: str = "2026-11-23T09:00:00Z", name: str = "settings") -> Object:
    created = "2026-11-23T08:00:00Z"
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": created,
            "managedFields": [{"manager": "kubectl", "time": changed}, {"manager": "old"}],
        }
    }


class TestReferencesExist:
    @pytest.mark.parametrize(("spec", "plural"), PLACES)
    def test_reference_that_is_there_passes(self, spec: Object, plural: str) -> None:
        case = referring(spec, {plural: [held()]})
        assert answer_of("references_exist", case)[0] == "pass"

    @pytest.mark.parametrize(("spec", "plural"), PLACES)
    def test_reference_that_is_gone_blocks(self, spec: Object, plural: str) -> None:
        outcome, detail = answer_of(
            "references_exist", referring(spec, {plural: [held(name="other")]})
        )
        assert outcome == "block"
        assert detail.startswith("revision 1 needs what is no longer there: ")
        assert " settings. " in detail

    def test_optional_reference_may_be_gone(self) -> None:
        source = {"configMapRef": {"name": "settings", "optional": True}}
        case = referring({"containers": [{"name": "web", "envFrom": [source]}]}, {})
        assert answer_of("references_exist", case) == ("pass", "it refers to no other objects")

    def test_content_of_secrets_is_never_fetched(self) -> None:
        case = referring({"volumes": [{"name": "v", "secret": {"secretName": "settings"}}]}, {})
        secrets = [listing for listing in listings_for(case) if listing.plural == "secrets"]
        assert secrets
        assert all(listing.metadata_only for listing in secrets)

    def test_only_what_is_referred_to_is_listed(self) -> None:
        assert {listing.plural for listing in listings_for(case_of(ready_workload()))} == {
            "leases",
            "resourcequotas",
        }


class TestReferencesChanged:
    SPEC: t.ClassVar[Object] = {"volumes": [{"name": "v", "configMap": {"name": "settings"}}]}

    def test_change_while_the_target_ran_passes(self) -> None:
        case = referring(self.SPEC, {"configmaps": [held("2026-11-23T11:00:00Z")]})
        assert answer_of("references_changed", case)[0] == "pass"

    def test_change_since_the_target_ran_warns(self) -> None:
        case = referring(self.SPEC, {"configmaps": [held("2026-11-23T13:00:00Z")]})
        assert answer_of("references_changed", case) == (
            "warn",
            "changed since revision 1 ran (until 2026-11-23T12:00:00Z): ConfigMap settings at "
            "2026-11-23T13:00:00Z. A rollback does not bring their content back",
        )

    def test_object_made_anew_warns(self) -> None:
        anew = {"metadata": {"name": "settings", "creationTimestamp": "2026-11-23T13:00:00Z"}}
        case = referring(self.SPEC, {"configmaps": [anew]})
        assert answer_of("references_changed", case)[0] == "warn"

    def test_target_that_was_made_last_counts_from_its_own_time(self) -> None:
        case = referring(
            self.SPEC,
            {"configmaps": [held("2026-11-23T13:00:00Z")]},
            created="2026-11-23T14:00:00Z",
        )
        assert answer_of("references_changed", case)[0] == "pass"


def quota(hard: dict[str, str], used: dict[str, str], **spec: t.Any) -> Object:
    return {
        "metadata": {"name": "team"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


class TestQuota:
    def answer(
        self, limits: Object, *, strategy: Object | None = None, **changes: t.Any
    ) -> tuple[str, str]:
        """A Deployment whose older pods take 500m and 256Mi, and the newer ones 100m."""
        spec = {"replicas": 2, "strategy": strategy or {"rollingUpdate": {"maxUnavailable": 0}}}
        live = ready_workload(spec={**spec, **changes})
        older, newer = replica_set(live, 1, "web:1"), replica_set(live, 2, "web:2")
        takes(older, cpu="500m", memory="256Mi")
        takes(newer, cpu="100m")
        takes({"spec": live["spec"]}, cpu="100m")
        case = case_of(live, objects=[older, newer], around={"resourcequotas": [limits]})
        return answer_of("quota", case)

    @pytest.mark.parametrize(
        ("hard", "used"),
        [
            pytest.param({"pods": "4"}, {"pods": "3"}, id="pods"),
            pytest.param({"requests.cpu": "1"}, {"requests.cpu": "500m"}, id="processor"),
            pytest.param({"memory": "1Gi"}, {"memory": "768Mi"}, id="memory"),
            pytest.param({"limits.cpu": "1"}, {"limits.cpu": "1"}, id="what the pods do not limit"),
            pytest.param({"services": "1"}, {"services": "1"}, id="what pods do not take"),
        ],
    )
    def test_room_for_one_pod_passes(self, hard: dict[str, str], used: dict[str, str]) -> None:
        assert self.answer(quota(hard, used))[0] == "pass"

    @pytest.mark.parametrize(
        ("hard", "used", "words"),
        [
            pytest.param({"pods": "4"}, {"pods": "4"}, "0 of pods, and a pod", id="pods"),
            pytest.param(
                {"requests.cpu": "1"}, {"requests.cpu": "501m"}, "0.499 of requests.cpu", id="cpu"
            ),
        ],
    )
    def test_no_room_blocks_where_no_old_pod_may_end_first(
        self, hard: dict[str, str], used: dict[str, str], words: str
    ) -> None:
        outcome, detail = self.answer(quota(hard, used))
        assert outcome == "block"
        assert f"quota team leaves {words}" in detail

    @pytest.mark.parametrize(
        "strategy",
        [
            pytest.param({"type": "Recreate"}, id="recreate"),
            pytest.param({"rollingUpdate": {"maxUnavailable": 1}}, id="one may be missing"),
            pytest.param({"rollingUpdate": {"maxUnavailable": "50%"}}, id="half may be missing"),
        ],
    )
    def test_pods_that_end_first_make_room(self, strategy: Object) -> None:
        full = quota({"pods": "2"}, {"pods": "2"})
        assert self.answer(full, strategy=strategy)[0] == "pass"
        larger = quota({"requests.cpu": "1"}, {"requests.cpu": "1"})
        outcome, detail = self.answer(larger, strategy=strategy)
        assert (outcome, "even where an old one ends" in detail) == ("warn", True)

    def test_share_that_rounds_down_to_none_makes_no_room(self) -> None:
        full = quota({"pods": "2"}, {"pods": "2"})
        strategy = {"rollingUpdate": {"maxUnavailable": "25%"}}
        assert self.answer(full, strategy=strategy)[0] == "block"

    def test_quota_with_a_scope_is_left_out(self) -> None:
        scoped = quota({"pods": "1"}, {"pods": "1"}, scopes=["BestEffort"])
        assert self.answer(scoped)[0] == "pass"

    def test_workload_without_pods_needs_no_room(self) -> None:
        assert self.answer(quota({"pods": "1"}, {"pods": "1"}), replicas=0)[0] == "pass"


def takes(owner: Object, **requests: str) -> None:
    containers = owner["spec"]["template"]["spec"]["containers"]
    containers[0]["resources"] = {"requests": requests}


class TestHealthOfAStatefulSet:
    def answer(self, *, then_ready: bool, updated: int = 1) -> tuple[str, str]:
        """Three pods, of which ``updated`` run revision 2 and are ready."""
        live = ready_workload("StatefulSet")
        live["status"].update({"replicas": 3, "updatedReplicas": updated})
        pods = [
            pod_of(live, "web-0", "web-cr1", then_ready),
            pod_of(live, "web-1", "web-cr2", True),
        ]
        return answer_of("health", case_of(live, around={"pods": pods}))

    def test_target_whose_pods_are_not_ready_blocks(self) -> None:
        assert self.answer(then_ready=False)[0] == "block"

    def test_target_whose_pods_are_ready_passes(self) -> None:
        assert self.answer(then_ready=True)[0] == "pass"

    def test_pods_are_not_read_once_all_run_the_newest(self) -> None:
        assert self.answer(then_ready=False, updated=3)[0] == "pass"


def pod_of(owner: Object, name: str, revision: str, is_ready: bool) -> Object:
    ready = condition("Ready", "True" if is_ready else "False")
    return pod(owner, name, conditions=[ready], labels={"controller-revision-hash": revision})
