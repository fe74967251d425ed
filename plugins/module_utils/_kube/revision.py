# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revisions: what a workload ran before, kept in ReplicaSets or ControllerRevisions.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    KINDS,
    STATEFUL_SET,
    collection_path,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    group_by_place,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE_ANNOTATION = "kubernetes.io/change-cause"
RESTARTED_AT_ANNOTATION = "kubectl.kubernetes.io/restartedAt"
POD_TEMPLATE_HASH = "pod-template-hash"
CONTROLLER_REVISION_HASH = "controller-revision-hash"
STATEFUL_SET_HASH = "controller.kubernetes.io/hash"
VERDICT_LABEL = "oncall.recovery/verdict"
INCIDENT_LABEL = "oncall.recovery/incident"
GOOD, BAD = "good", "bad"


@dataclasses.dataclass(frozen=True)
class Revision:
    """One thing a workload has run. Its identity is ``uid`` and ``hash``; ``number`` moves.

    ``replicas`` and ``available`` count its pods, where the revision object does (ReplicaSets).
    ``mark`` is ``good``, ``bad`` or empty, ``incident`` the one that it was marked in.
    """

    number: int
    name: str
    uid: str
    hash: str
    created: str
    template: Mapping[str, t.Any]
    replicas: int | None
    available: int | None
    change_cause: str
    mark: str
    incident: str

    @property
    def images(self) -> dict[str, str]:
        return images_of(self.template)

    def as_result(self) -> dict[str, t.Any]:
        """Number, hash and images: what a person compares."""
        return {"revision": self.number, "hash": self.hash, "images": self.images}


def images_of(template: Mapping[str, t.Any]) -> dict[str, str]:
    """Image by container name, init containers included."""
    spec = template["spec"]
    containers = [*(spec.get("initContainers") or []), *spec["containers"]]
    return {container["name"]: container.get("image", "") for container in containers}


def read_revisions(
    client: Client, workloads: Iterable[Mapping[str, t.Any]]
) -> dict[str, list[Revision]]:
    """Revisions by the workload's UID, oldest number first; one LIST per kind and namespace.

    Read them after the workloads: what the controllers made meanwhile is then included.
    """
    places = group_by_place(workloads)

    def read(place: tuple[str, str]) -> dict[str, list[Revision]]:
        kind, namespace = place
        members = places[place]
        objects, _version = client.list_objects(
            collection_path(KINDS[kind].revisions_plural, namespace),
            subject=f"{KINDS[kind].revisions_plural} in namespace {namespace}",
            label_selector=selector_of(members[0]) if len(members) == 1 else "",
        )
        return revisions_by_owner(kind, objects)

    found: dict[str, list[Revision]] = {}
    for by_owner in client.side_by_side(read, places):
        found.update(by_owner)
    return found


def revisions_by_owner(
    kind: str, objects: Iterable[Mapping[str, t.Any]]
) -> dict[str, list[Revision]]:
    """Sort revision objects by the UID of the workload that controls them.

    Labels decide nothing here: two workloads may share them, and taking another one's revision
    is what kubernetes.core.k8s_rollback does wrong. The rule is IsControlledBy of kubectl's
    ``pkg/util/deployment/deployment.go`` and ``pkg/polymorphichelpers/history.go``.
    """
    read = _from_replica_set if KINDS[kind].keeps_replica_sets else _from_controller_revision
    by_owner: dict[str, list[Revision]] = {}
    for candidate in objects:
        owner = controller_uid(candidate)
        if owner:
            by_owner.setdefault(owner, []).append(read(candidate))
    for revisions in by_owner.values():
        revisions.sort(key=lambda revision: (revision.number, revision.created))
    return by_owner


def controller_uid(candidate: Mapping[str, t.Any]) -> str:
    """UID of the object that controls this one, or nothing."""
    for owner in candidate["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return str(owner["uid"])
    return ""


def current_revision(
    workload: Mapping[str, t.Any], revisions: Iterable[Revision]
) -> Revision | None:
    """The revision of the workload's present template; None until the controller has made it.

    Deployment: the oldest ReplicaSet whose template is equal (FindNewReplicaSet in Kubernetes'
    ``pkg/controller/deployment/util/deployment_util.go``). StatefulSet: the one that
    ``status.updateRevision`` names. DaemonSet: the highest number, once the generation has
    been observed.
    """
    revisions = list(revisions)
    if KINDS[workload["kind"]].keeps_replica_sets:
        template = comparable(workload["spec"]["template"])
        equal = [r for r in revisions if comparable(r.template) == template]
        return min(equal, key=lambda revision: revision.created, default=None)
    if not is_observed(workload):
        return None
    if workload["kind"] == STATEFUL_SET.name:
        name = (workload.get("status") or {}).get("updateRevision")
        return next((r for r in revisions if r.name == name), None)
    return max(revisions, key=lambda revision: revision.number, default=None)


def is_observed(workload: Mapping[str, t.Any]) -> bool:
    """True where the controller has seen the newest generation of the workload."""
    status = workload.get("status") or {}
    return bool(status.get("observedGeneration", 0) >= workload["metadata"].get("generation", 0))


def comparable(template: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    """The template without what controllers add to it (equalIgnoreHash of kubectl)."""
    metadata = _without_hash(template)["metadata"]
    kept = {key: value for key, value in metadata.items() if value is not None}
    return {"metadata": kept, "spec": template["spec"]}


def is_template_of(revision: Revision, workload: Mapping[str, t.Any]) -> bool:
    """True where the workload's present template is the revision's."""
    return comparable(revision.template) == comparable(workload["spec"]["template"])


def is_restart_of(one: Mapping[str, t.Any], other: Mapping[str, t.Any]) -> bool:
    """True where two templates are equal but for the time of ``kubectl rollout restart``."""
    return _without_restart(one) == _without_restart(other)


def same_template(one: Mapping[str, t.Any], other: Mapping[str, t.Any]) -> bool:
    """True where both are the same object, by UID, with the same template."""
    same_object = one["metadata"]["uid"] == other["metadata"]["uid"]
    return same_object and bool(one["spec"]["template"] == other["spec"]["template"])


def is_superseded(before: Mapping[str, t.Any], live: Mapping[str, t.Any]) -> bool:
    """True where someone has changed the template since the workload was as it was ``before``."""
    is_newer = live["metadata"]["generation"] > before["metadata"]["generation"]
    return is_newer and not same_template(live, before)


def _without_restart(template: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The template as it would be, had it never been restarted."""
    metadata = {**comparable(template)["metadata"]}
    annotations = metadata.pop("annotations", {})
    kept = {k: v for k, v in annotations.items() if k != RESTARTED_AT_ANNOTATION}
    return {"metadata": {**metadata, "annotations": kept}, "spec": template["spec"]}


def _without_hash(template: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A copy of the template as the workload itself would hold it."""
    metadata = dict(template.get("metadata") or {})
    labels = metadata.get("labels") or {}
    metadata["labels"] = {k: v for k, v in labels.items() if k != POD_TEMPLATE_HASH}
    return {**template, "metadata": metadata}


def _from_replica_set(replica_set: Mapping[str, t.Any]) -> Revision:
    metadata = replica_set["metadata"]
    annotations = metadata.get("annotations") or {}
    labels = metadata.get("labels") or {}
    status = replica_set.get("status") or {}
    return Revision(
        number=_number(annotations.get(REVISION_ANNOTATION)),
        name=metadata["name"],
        uid=metadata["uid"],
        hash=labels.get(POD_TEMPLATE_HASH, ""),
        created=metadata["creationTimestamp"],
        template=_without_hash(replica_set["spec"]["template"]),
        replicas=status.get("replicas", 0),
        available=status.get("availableReplicas", 0),
        change_cause=annotations.get(CHANGE_CAUSE_ANNOTATION, ""),
        mark=labels.get(VERDICT_LABEL, ""),
        incident=labels.get(INCIDENT_LABEL, ""),
    )


def _from_controller_revision(controller_revision: Mapping[str, t.Any]) -> Revision:
    metadata = controller_revision["metadata"]
    labels = metadata.get("labels") or {}
    # The stored patch says "$patch: replace", which is for strategic merges only.
    template = {
        key: value
        for key, value in controller_revision["data"]["spec"]["template"].items()
        if key != "$patch"
    }
    return Revision(
        number=int(controller_revision["revision"]),
        name=metadata["name"],
        uid=metadata["uid"],
        hash=labels.get(CONTROLLER_REVISION_HASH) or labels.get(STATEFUL_SET_HASH, ""),
        created=metadata["creationTimestamp"],
        template=template,
        replicas=None,
        available=None,
        change_cause=(metadata.get("annotations") or {}).get(CHANGE_CAUSE_ANNOTATION, ""),
        mark=labels.get(VERDICT_LABEL, ""),
        incident=labels.get(INCIDENT_LABEL, ""),
    )


def _number(annotation: str | None) -> int:
    """A ReplicaSet without a (readable) revision counts as 0, as in kubectl."""
    try:
        return int(annotation or 0)
    except ValueError:
        return 0


def selector_of(workload: Mapping[str, t.Any]) -> str:
    """The workload's own selector as a query; wide enough, since owners decide."""
    labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
