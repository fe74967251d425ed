# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done where Argo CD, Flux or Helm deploys the workload."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    listings_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import Manager
from ansible_collections.oncall.recovery.plugins.module_utils._kube.owners import (
    automation_of,
    owners_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.suspension import Suspensions

from .cases import answer_of, case_of, ready_workload

Object = dict[str, t.Any]

APPLICATION = Manager("Argo CD", "Application", "argocd", "shop")
KUSTOMIZATION = Manager("Flux", "Kustomization", "flux-system", "shop")

ARGO_CD = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}
ARGO_CD_ELSEWHERE = {"argocd.argoproj.io/tracking-id": "teams_shop:apps/Deployment:shop/web"}
HELM = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"}
FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "shop",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}
FLUX_HELM = {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux"}


def deployed_by(annotations: Object | None = None, labels: Object | None = None) -> Object:
    live = ready_workload(annotations=dict(annotations or {}))
    live["metadata"]["labels"] = dict(labels or {})
    return live


def custom_resource(spec: Object, **metadata: t.Any) -> Object:
    return {"metadata": {"name": "shop", "uid": "uid-of-shop", **metadata}, "spec": spec}


AUTOMATED = {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}}


@pytest.mark.parametrize(
    ("live", "told"),
    [
        pytest.param(deployed_by(ARGO_CD), "Argo CD Application shop", id="Argo CD"),
        pytest.param(
            deployed_by(labels={"argocd.argoproj.io/instance": "shop"}),
            "Argo CD Application shop",
            id="Argo CD by label",
        ),
        pytest.param(deployed_by(labels=FLUX), "Flux Kustomization flux-system/shop", id="Flux"),
        pytest.param(deployed_by(HELM), "Helm Release shop/shop", id="Helm"),
        pytest.param(deployed_by(HELM, FLUX_HELM), "Flux HelmRelease flux/shop", id="Flux's Helm"),
    ],
)
def test_owner_is_refused_by_default_and_can_be_ignored(live: Object, told: str) -> None:
    assert answer_of("owner", case_of(live)) == (
        "block",
        f"{told} deploys it and would bring the bad version back. Revert there, or set gitops to "
        "suspend or ignore",
    )
    assert answer_of("owner", case_of(live, gitops="ignore")) == (
        "warn",
        f"{told} deploys it and may bring the bad version back",
    )


def test_nobodys_workload_passes_and_nothing_is_read_for_it() -> None:
    case = case_of(ready_workload(), gitops="suspend")
    assert answer_of("owner", case) == ("pass", "neither GitOps nor Helm deploys it")
    assert {listing.plural for listing in listings_for(case)} == {"leases", "resourcequotas"}


@pytest.mark.parametrize(
    ("annotations", "namespace"),
    [(ARGO_CD, "gitops"), (ARGO_CD_ELSEWHERE, "teams")],
    ids=["the namespace of Argo CD", "the namespace that the annotation names"],
)
def test_application_is_looked_for_in(annotations: Object, namespace: str) -> None:
    case = case_of(deployed_by(annotations), gitops="suspend", argocd_namespace="gitops")
    (read,) = (listing for listing in listings_for(case) if listing.plural == "applications")
    assert (read.namespace, read.group) == (namespace, "argoproj.io")


@pytest.mark.parametrize(
    ("live", "around", "outcome", "words"),
    [
        pytest.param(
            deployed_by(ARGO_CD),
            {"applications": [custom_resource(AUTOMATED)]},
            "pass",
            "is kept from acting by itself",
            id="an automated Application",
        ),
        pytest.param(
            deployed_by(ARGO_CD),
            {
                "applications": [
                    custom_resource(
                        AUTOMATED, ownerReferences=[{"kind": "ApplicationSet", "name": "all"}]
                    )
                ]
            },
            "block",
            "would have no effect, for ApplicationSet all made it and would undo that. Revert",
            id="an Application of an ApplicationSet",
        ),
        pytest.param(
            deployed_by(ARGO_CD),
            {"applications": []},
            "block",
            "Application argocd/shop: there is no such object. Set argocd_namespace",
            id="an Application that is not there",
        ),
        pytest.param(
            deployed_by(labels=FLUX),
            {"kustomizations": [custom_resource({})]},
            "pass",
            "is kept from acting by itself",
            id="a Kustomization",
        ),
        pytest.param(
            deployed_by(HELM), {}, "block", "deploys it and cannot be suspended", id="Helm"
        ),
    ],
)
def test_suspending(live: Object, around: Object, outcome: str, words: str) -> None:
    found, detail = answer_of("owner", case_of(live, around=around, gitops="suspend"))
    assert found == outcome
    assert words in detail


class TestAutomation:
    @pytest.mark.parametrize(
        "spec",
        [
            {},
            {"syncPolicy": {}},
            {"syncPolicy": {"syncOptions": ["a"]}},
            {"syncPolicy": {"automated": {"enabled": False}}},
        ],
    )
    def test_application_that_waits_for_a_person_is_left_alone(self, spec: Object) -> None:
        assert automation_of(APPLICATION, custom_resource(spec)).off == ()

    def test_application_gets_back_exactly_what_it_had(self) -> None:
        automation = automation_of(APPLICATION, custom_resource(AUTOMATED))
        had = AUTOMATED["syncPolicy"]["automated"]
        assert automation.off == [
            {"op": "test", "path": "/spec/syncPolicy/automated", "value": had},
            {"op": "remove", "path": "/spec/syncPolicy/automated"},
        ]
        assert automation.on == [{"op": "add", "path": "/spec/syncPolicy/automated", "value": had}]

    @pytest.mark.parametrize(
        ("spec", "on"),
        [
            ({}, {"op": "remove", "path": "/spec/suspend"}),
            ({"suspend": False}, {"op": "add", "path": "/spec/suspend", "value": False}),
        ],
        ids=["unsaid", "said"],
    )
    def test_kustomization_gets_back_what_it_said(self, spec: Object, on: Object) -> None:
        automation = automation_of(KUSTOMIZATION, custom_resource(spec))
        assert automation.off == [{"op": "add", "path": "/spec/suspend", "value": True}]
        assert automation.on == [on]

    def test_kustomization_that_is_suspended_is_left_alone(self) -> None:
        assert automation_of(KUSTOMIZATION, custom_resource({"suspend": True})).off == ()


def test_owner_without_a_name_is_none() -> None:
    assert owners_of(deployed_by({"argocd.argoproj.io/tracking-id": ""})) == []


def test_owner_that_cannot_be_found_does_not_hide_what_was_suspended_for_others() -> None:
    class Server:
        """Takes every write."""

        def get(self, _path: str, *, subject: str) -> Object:
            return {"metadata": {"resourceVersion": "1"}, "data": {}}

        def patch(self, *_: t.Any, **__: t.Any) -> Object:
            return {}

        def served_version(self, _group: str) -> str:
            return "v1alpha1"

    suspensions = Suspensions(t.cast(t.Any, Server()))
    found = {"applications": [custom_resource(AUTOMATED)]}
    case = case_of(deployed_by(ARGO_CD), around=found, gitops="suspend")
    suspensions.suspend_owners(case)
    assert [owner.name for owner in suspensions.done_for(case)] == ["shop"]
    lost = deployed_by({"argocd.argoproj.io/tracking-id": "lost:apps/Deployment:shop/web"})
    assert suspensions.done_for(case_of(lost, around=found, gitops="suspend")) == []
