# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would bring the bad version back: the Argo CD, Flux and Helm objects that own a workload.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Listing
from ansible_collections.oncall.recovery.plugins.module_utils._kube.managers import (
    ARGO_CD,
    FLUX,
    HELM,
    Manager,
    managers_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Object = Mapping[str, t.Any]

# The API group and plural of each kind of owner that can be suspended.
RESOURCES = {
    (ARGO_CD, "Application"): ("argoproj.io", "applications"),
    (FLUX, "Kustomization"): ("kustomize.toolkit.fluxcd.io", "kustomizations"),
    (FLUX, "HelmRelease"): ("helm.toolkit.fluxcd.io", "helmreleases"),
}


@dataclasses.dataclass(frozen=True)
class Automation:
    """Whether an owner acts by itself, and how to keep it from that.

    ``off`` is a JSON patch that switches it off, empty where it is off. ``on`` switches it back.
    ``obstacle`` says why switching it off would have no effect.
    """

    off: Sequence[Object] = ()
    on: Sequence[Object] = ()
    obstacle: str = ""


def owners_of(workload: Object) -> list[Manager]:
    """The tools that deploy the workload; Helm counts only where Flux does not run it."""
    owners = managers_of(workload, [])
    if any(owner.kind == "HelmRelease" for owner in owners):
        return [owner for owner in owners if owner.tool != HELM]
    return owners


def owner_listing(owner: Manager, argocd_namespace: str) -> Listing | None:
    """Where to find the owner's own object; None for Helm, which has none that acts by itself.

    An Argo CD label or annotation without a namespace means the namespace of Argo CD.
    """
    if (owner.tool, owner.kind) not in RESOURCES:
        return None
    group, plural = RESOURCES[owner.tool, owner.kind]
    return Listing(plural, owner.namespace or argocd_namespace, group=group)


def automation_of(owner: Manager, live: Object) -> Automation:
    """How the live object of an owner is kept from acting by itself.

    Argo CD: without ``spec.syncPolicy.automated`` it waits for a person
    (https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/). Flux: ``spec.suspend``, as
    ``flux suspend`` sets it.
    """
    return _of_application(live) if owner.tool == ARGO_CD else _of_flux(live)


def _of_application(live: Object) -> Automation:
    for parent in live["metadata"].get("ownerReferences") or []:
        if parent["kind"] == "ApplicationSet":
            name = parent["name"]
            return Automation(obstacle=f"ApplicationSet {name} made it and would undo that")
    automated = (live["spec"].get("syncPolicy") or {}).get("automated")
    # Argo CD 3.1 and newer can keep the settings and switch them off.
    if automated is None or automated.get("enabled") is False:
        return Automation()
    path = "/spec/syncPolicy/automated"
    return Automation(
        off=[_test(path, automated), {"op": "remove", "path": path}],
        on=[{"op": "add", "path": path, "value": automated}],
    )


def _of_flux(live: Object) -> Automation:
    if live["spec"].get("suspend"):
        return Automation()
    path = "/spec/suspend"
    back = {"op": "add", "path": path, "value": False}
    return Automation(
        off=[{"op": "add", "path": path, "value": True}],
        on=[back if "suspend" in live["spec"] else {"op": "remove", "path": path}],
    )


def _test(path: str, value: t.Any) -> dict[str, t.Any]:
    return {"op": "test", "path": path, "value": value}
