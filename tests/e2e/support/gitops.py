# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom resources of Argo CD and Flux, with definitions that take any content.

Their controllers do not run here: what is tested is what we read from and write to the resources.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import apply, kubectl


@dataclass(frozen=True)
class Kind:
    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str

    def definition(self) -> dict[str, Any]:
        """A CustomResourceDefinition; the last version is the one that is stored."""
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.{self.group}"},
            "spec": {
                "group": self.group,
                "scope": "Namespaced",
                "names": {"kind": self.kind, "plural": self.plural},
                "versions": [
                    {
                        "name": version,
                        "served": True,
                        "storage": version == self.versions[-1],
                        "schema": {"openAPIV3Schema": schema},
                    }
                    for version in self.versions
                ],
            },
        }


APPLICATION = Kind("argoproj.io", ("v1alpha1",), "Application", "applications")
KUSTOMIZATION = Kind(
    "kustomize.toolkit.fluxcd.io", ("v1beta2", "v1"), "Kustomization", "kustomizations"
)
# As an older Flux has it: not every cluster serves v2.
HELM_RELEASE = Kind("helm.toolkit.fluxcd.io", ("v2beta1",), "HelmRelease", "helmreleases")


def define_all(kubeconfig: Path) -> None:
    kinds = (APPLICATION, KUSTOMIZATION, HELM_RELEASE)
    apply(kubeconfig, *(kind.definition() for kind in kinds))
    names = [f"crd/{kind.plural}.{kind.group}" for kind in kinds]
    kubectl(kubeconfig, "wait", "--for=condition=Established", *names, "--timeout=30s")


def create(
    kubeconfig: Path,
    kind: Kind,
    namespace: str,
    name: str,
    spec: Mapping[str, Any],
    **metadata: Any,
) -> None:
    resource = {
        "apiVersion": f"{kind.group}/{kind.versions[-1]}",
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": dict(spec),
    }
    apply(kubeconfig, resource)


def spec_of(kubeconfig: Path, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
    found = kubectl(
        kubeconfig, "--namespace", namespace, "get", f"{kind.plural}.{kind.group}", name, "-ojson"
    )
    return dict(json.loads(found)["spec"])
