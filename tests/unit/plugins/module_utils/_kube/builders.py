# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as the API server returns them, short enough to read in a table of cases."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    Revision,
    revisions_by_owner,
)

Object = dict[str, t.Any]

NAMESPACE = "shop"
KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def template(image: str = "web:2", **labels: str) -> Object:
    return {
        "metadata": {"creationTimestamp": None, "labels": labels or {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}], "restartPolicy": "Always"},
    }


def workload(
    kind: str = "Deployment",
    name: str = "web",
    *,
    image: str = "web:2",
    labels: dict[str, str] | None = None,
    namespace: str = NAMESPACE,
    uid: str = "",
    generation: int = 2,
    observed: int | None = None,
    annotations: dict[str, str] | None = None,
    spec: Object | None = None,
    status: Object | None = None,
) -> Object:
    """A workload whose controller has observed it, unless ``observed`` says otherwise."""
    labels = labels or {"app": name}
    metadata: Object = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"uid-of-{name}",
        "generation": generation,
        "resourceVersion": "100",
    }
    if annotations is not None:
        metadata["annotations"] = annotations
    return {
        "kind": kind,
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": labels},
            "template": template(image, **labels),
            **({} if kind == "DaemonSet" else {"replicas": 3}),
            **(spec or {}),
        },
        "status": {
            "observedGeneration": generation if observed is None else observed,
            **(status or {}),
        },
    }


def autoscaler(
    least: int = 2,
    greatest: int = 8,
    *,
    name: str = "web-hpa",
    target: Object | None = None,
    owners: list[Object] | None = None,
) -> Object:
    """A HorizontalPodAutoscaler as a LIST of autoscaling/v1 shows it."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", **(target or {})}
    return {
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-of-{name}",
            "ownerReferences": owners or [],
        },
        "spec": {"scaleTargetRef": reference, "minReplicas": least, "maxReplicas": greatest},
    }


def owned_by(owner: Object, *, controller: bool = True) -> list[Object]:
    uid = owner["metadata"]["uid"]
    return [{"kind": owner["kind"], "uid": uid, "controller": controller}]


def replica_set(
    owner: Object,
    number: int | str,
    image: str = "web:2",
    *,
    created: str = "2026-11-23T10:00:00Z",
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    replicas: int = 0,
    available: int = 0,
) -> Object:
    name = f"{owner['metadata']['name']}-rs{number}"
    template_labels = {**owner["spec"]["selector"]["matchLabels"], "pod-template-hash": name}
    return {
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "uid": f"uid-of-{name}",
            "resourceVersion": "100",
            "creationTimestamp": created,
            "ownerReferences": owned_by(owner),
            "labels": {**template_labels, **(labels or {})},
            "annotations": {
                "deployment.kubernetes.io/revision": str(number),
                **(annotations or {}),
            },
        },
        "spec": {"template": template(image, **template_labels)},
        "status": {"replicas": replicas, "availableReplicas": available},
    }


def controller_revision(
    owner: Object,
    number: int,
    image: str = "web:2",
    *,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
) -> Object:
    name = f"{owner['metadata']['name']}-cr{number}"
    own_labels = owner["spec"]["selector"]["matchLabels"]
    hash_label = {
        "StatefulSet": "controller.kubernetes.io/hash",
        "DaemonSet": "controller-revision-hash",
    }[owner["kind"]]
    return {
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "uid": f"uid-of-{name}",
            "resourceVersion": "100",
            "creationTimestamp": "2026-11-23T10:00:00Z",
            "ownerReferences": owned_by(owner),
            "labels": {**own_labels, hash_label: f"cr{number}", **(labels or {})},
            "annotations": annotations or {},
        },
        "revision": number,
        "data": {"spec": {"template": {**template(image, **own_labels), "$patch": "replace"}}},
    }


def revision_object(owner: Object, number: int, image: str = "web:2") -> Object:
    """The object that keeps a revision of ``owner``, whatever its kind."""
    build = replica_set if owner["kind"] == "Deployment" else controller_revision
    return build(owner, number, image)


def history(owner: Object, *images: str) -> list[Object]:
    """The objects of revisions 1, 2, ... with these images."""
    return [revision_object(owner, number, image) for number, image in enumerate(images, start=1)]


def revisions_of(owner: Object, objects: Iterable[Object]) -> list[Revision]:
    return revisions_by_owner(owner["kind"], objects).get(owner["metadata"]["uid"], [])


def pod(
    owner: Object,
    name: str = "web-x1",
    *,
    containers: Iterable[Object] = (),
    init_containers: Iterable[Object] = (),
    conditions: Iterable[Object] = (),
    labels: dict[str, str] | None = None,
    status: Object | None = None,
) -> Object:
    """A pod that ``owner`` (a ReplicaSet, or a StatefulSet or DaemonSet itself) controls."""
    return {
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "uid": f"uid-of-{name}",
            "resourceVersion": "100",
            "ownerReferences": owned_by({"kind": "", **owner}),
            "labels": labels or {},
        },
        "status": {
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init_containers),
            "conditions": list(conditions),
            **(status or {}),
        },
    }


def container(
    state: str,
    *,
    name: str = "web",
    ready: bool = False,
    last: Object | None = None,
    **detail: t.Any,
) -> Object:
    """Status of a container that is ``waiting``, ``running`` or ``terminated``."""
    last_state = {"terminated": last} if last else {}
    return {
        "name": name,
        "ready": ready,
        "state": {state: detail or {"at": 1}},
        "lastState": last_state,
    }


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}
