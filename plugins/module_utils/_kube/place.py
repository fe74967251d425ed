# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A place: the workloads of one kind in one namespace, with their revisions and pods.

Fed with lists and watch events, it answers what each workload looks like now.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    KINDS,
    collection_path,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.revision import (
    controller_uid,
    revisions_by_owner,
    selector_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    group_by_place,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Object = Mapping[str, t.Any]

WORKLOADS, REVISIONS, PODS = "workloads", "revisions", "pods"


@dataclasses.dataclass(frozen=True)
class Source:
    """One list of objects to read or watch: those of one type in one place."""

    what: str
    path: str
    label_selector: str = ""
    field_selector: str = ""

    def __str__(self) -> str:
        return self.path.partition("/namespaces/")[2].replace("/", ": ") or self.path


class Place:
    """Keeps the objects of one kind and namespace by UID and by the UID of their controller."""

    def __init__(self, kind: str, workloads: Iterable[Object], *, with_pods: bool) -> None:
        self.kind = kind
        self.workloads = {w["metadata"]["uid"]: w for w in workloads}
        self.sources = _sources(kind, list(self.workloads.values()), with_pods)
        self._deleted: set[str] = set()
        self._children: dict[str, dict[str, dict[str, Object]]] = {REVISIONS: {}, PODS: {}}
        self._workload_of_revision: dict[str, str] = {}
        self._listed: set[str] = set()

    @property
    def is_complete(self) -> bool:
        """False until every source has been listed once."""
        return self._listed == {source.what for source in self.sources}

    def replace_all(self, what: str, objects: Iterable[Object]) -> set[str]:
        """Take in a fresh list; return the UIDs of the workloads to judge anew."""
        self._listed.add(what)
        if what == WORKLOADS:
            alive = {o["metadata"]["uid"]: o for o in objects}
            self._deleted = self.workloads.keys() - alive.keys()
            for uid in self.workloads.keys() & alive.keys():
                self._keep_workload(alive[uid])
        else:
            self._children[what] = {}
            for child in objects:
                self._keep_child(what, child)
        return set(self.workloads)

    def take(self, what: str, event: str, changed: Object) -> set[str]:
        """Take in one watch event; return the UIDs of the workloads to judge anew."""
        uid = changed["metadata"]["uid"]
        if what == WORKLOADS:
            if uid not in self.workloads:
                return set()
            if event == "DELETED":
                self._deleted.add(uid)
            self._keep_workload(changed)
            return {uid}
        self._keep_child(what, changed)
        owner = controller_uid(changed)
        if event == "DELETED":
            self._children[what][owner].pop(uid)
        workload = owner if owner in self.workloads else self._workload_of_revision.get(owner, "")
        return {workload} if workload else set()

    def view(self, uid: str) -> View:
        """The workload with this UID as it is now."""
        revisions = self._children[REVISIONS].get(uid, {})
        pods = [
            pod
            for owner in (uid, *revisions)
            for pod in self._children[PODS].get(owner, {}).values()
        ]
        return View(
            self.workloads[uid],
            revisions_by_owner(self.kind, revisions.values()).get(uid, []),
            pods,
            uid in self._deleted,
        )

    def _keep_workload(self, workload: Object) -> None:
        self.workloads[workload["metadata"]["uid"]] = {**workload, "kind": self.kind}

    def _keep_child(self, what: str, child: Object) -> None:
        uid, owner = child["metadata"]["uid"], controller_uid(child)
        self._children[what].setdefault(owner, {})[uid] = child
        if what == REVISIONS and owner in self.workloads:
            self._workload_of_revision[uid] = owner


def places_of(workloads: Iterable[Object], *, with_pods: bool = True) -> list[Place]:
    """The places that these live workloads are in."""
    return [
        Place(kind, members, with_pods=with_pods)
        for (kind, _namespace), members in group_by_place(workloads).items()
    ]


def _sources(kind: str, workloads: Sequence[Object], with_pods: bool) -> list[Source]:
    """What to read; a lone workload narrows it to its own objects."""
    first = workloads[0]
    namespace = first["metadata"]["namespace"]
    alone = len(workloads) == 1
    labels = selector_of(first) if alone else ""
    name = f"metadata.name={first['metadata']['name']}" if alone else ""
    plurals = KINDS[kind]
    sources = [Source(WORKLOADS, collection_path(plurals.plural, namespace), field_selector=name)]
    if plurals.revisions_plural:
        revisions = collection_path(plurals.revisions_plural, namespace)
        sources.append(Source(REVISIONS, revisions, labels))
    if with_pods:
        sources.append(Source(PODS, collection_path("pods", namespace, "/api/v1"), labels))
    return sources
