# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else decides what a workload runs: GitOps controllers, Helm, autoscalers.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    KIND,
    autoscalers_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ARGO_CD, FLUX, HELM = "Argo CD", "Flux", "Helm"

# https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
ARGO_CD_TRACKING_ANNOTATION = "argocd.argoproj.io/tracking-id"
ARGO_CD_INSTANCE_LABEL = "argocd.argoproj.io/instance"
# https://fluxcd.io/flux/components/kustomize/kustomizations/ and .../helm/helmreleases/
FLUX_OWNER_LABELS = {
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
}
# https://helm.sh/docs/topics/charts_hooks/#helm-and-resource-ownership
HELM_RELEASE_NAME = "meta.helm.sh/release-name"
HELM_RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"


@dataclasses.dataclass(frozen=True)
class Manager:
    """A tool, and the object of its that manages the workload."""

    tool: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.tool} {self.kind} {where}"

    def as_result(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def managers_of(
    workload: Mapping[str, t.Any], autoscalers: Iterable[Mapping[str, t.Any]]
) -> list[Manager]:
    """Read from labels and annotations, and from the HorizontalPodAutoscalers of its namespace."""
    scaled_by = [
        Manager(KIND, KIND, autoscaler["metadata"]["namespace"], autoscaler["metadata"]["name"])
        for autoscaler in autoscalers_of(workload, autoscalers)
    ]
    return [*_owners(workload), *scaled_by]


def _owners(workload: Mapping[str, t.Any]) -> Iterator[Manager]:
    metadata = workload["metadata"]
    annotations = metadata.get("annotations") or {}
    labels = metadata.get("labels") or {}
    tracking = annotations.get(ARGO_CD_TRACKING_ANNOTATION, "").partition(":")[0]
    application = tracking or labels.get(ARGO_CD_INSTANCE_LABEL)
    if application:
        # Applications in any namespace are tracked as namespace_name.
        namespace, found, name = application.rpartition("_")
        yield Manager(ARGO_CD, "Application", namespace if found else "", name)
    for kind, prefix in FLUX_OWNER_LABELS.items():
        if labels.get(f"{prefix}/name"):
            namespace = labels.get(f"{prefix}/namespace", "")
            yield Manager(FLUX, kind, namespace, labels[f"{prefix}/name"])
    if annotations.get(HELM_RELEASE_NAME):
        namespace = annotations.get(HELM_RELEASE_NAMESPACE, "")
        yield Manager(HELM, "Release", namespace, annotations[HELM_RELEASE_NAME])
