# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small workloads with a history, and how they look in the cluster.

Most have no pods at all: what a rollback does to templates and revisions is the same with none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.images import PAUSE_IMAGE
from tests.cluster.kubectl import apply, kubectl

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Workload:
    """A workload of a test.

    :param labels: of its pods, and at once its selector.
    :param pods: how many; DaemonSets without pods select a node that does not exist.
    """

    kubeconfig: Path
    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    pods: int = 0

    @property
    def address(self) -> str:
        return f"{self.kind.lower()}/{self.name}"

    @property
    def pod_labels(self) -> dict[str, str]:
        return dict(self.labels or {"app": self.name})

    def manifest(self, version: str, **spec: Any) -> dict[str, Any]:
        """The object whose pods carry ``version`` in their environment."""
        container = {
            "name": "app",
            "image": PAUSE_IMAGE,
            "env": [{"name": "VERSION", "value": version}],
        }
        pod_spec: dict[str, Any] = {"containers": [container], "terminationGracePeriodSeconds": 0}
        own: dict[str, Any] = {"revisionHistoryLimit": 5}
        if self.kind == "DaemonSet":
            pod_spec["nodeSelector"] = {} if self.pods else {"no": "such-node"}
        else:
            own["replicas"] = self.pods
        if self.kind == "StatefulSet":
            own["serviceName"] = self.name
        return {
            "apiVersion": "apps/v1",
            "kind": self.kind,
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {"app": self.name, "suite": "workloads"},
            },
            "spec": {
                **own,
                "selector": {"matchLabels": self.pod_labels},
                "template": {"metadata": {"labels": self.pod_labels}, "spec": pod_spec},
                **spec,
            },
        }

    def deploy(self, *versions: str, **spec: Any) -> Workload:
        """Apply one version after the other, each seen by the controller before the next."""
        deploy_all([self], *versions, **spec)
        return self

    def settle(self) -> None:
        """Wait until the controller has made the revision of the present template."""
        _settle([self])

    def is_settled(self, listed: Sequence[Mapping[str, Any]]) -> bool:
        """Whether its newest revision among ``listed`` is that of the present template."""
        live, revisions = self._look(listed)
        observed = (live.get("status") or {}).get("observedGeneration", 0)
        newest = max(revisions.items(), default=(0, ""))[1]
        return observed >= live["metadata"]["generation"] and newest == version_of(live)

    def live(self) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", self.address, "--output=json")))

    @property
    def version(self) -> str:
        """The version in the present template."""
        return version_of(self.live())

    @property
    def template(self) -> dict[str, Any]:
        return dict(self.live()["spec"]["template"])

    def revisions(self) -> dict[int, str]:
        """Versions by revision number, of the revisions that it controls."""
        return self.revisions_among(self.list_all())

    def revisions_among(self, listed: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        """The same, out of what ``list_all`` returned."""
        return self._look(listed)[1]

    def list_all(self) -> list[dict[str, Any]]:
        """All workloads of its kind in its namespace, and all their revisions."""
        histories = "replicasets" if self.kind == "Deployment" else "controllerrevisions"
        listed = self.kubectl("get", f"{self.kind}s,{histories}", "--output=json")
        return list(json.loads(listed)["items"])

    def _look(
        self, listed: Sequence[Mapping[str, Any]]
    ) -> tuple[Mapping[str, Any], dict[int, str]]:
        """The live object and its revisions, out of what ``list_all`` returned."""
        (live,) = (
            item
            for item in listed
            if (item["kind"], item["metadata"]["name"]) == (self.kind, self.name)
        )
        owned = [item for item in listed if _owner(item) == live["metadata"]["uid"]]
        return live, {_number(item): version_of(item.get("data", item)) for item in owned}

    def label_newest_revision(self, label: str) -> None:
        """Put a label (``name=value``) on the revision object with the highest number."""
        uid = self.live()["metadata"]["uid"]
        newest = max((item for item in self.list_all() if _owner(item) == uid), key=_number)
        self.kubectl("label", newest["kind"].lower(), newest["metadata"]["name"], label)

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.kubeconfig, "--namespace", self.namespace, *arguments)


def deploy_all(workloads: Sequence[Workload], *versions: str, **spec: Any) -> None:
    """Apply one version of all after the other, each seen by the controllers before the next."""
    for version in versions:
        apply(workloads[0].kubeconfig, *(w.manifest(version, **spec) for w in workloads))
        for namespace in {workload.namespace for workload in workloads}:
            _settle([w for w in workloads if w.namespace == namespace])


def _settle(workloads: Sequence[Workload]) -> None:
    """Wait for the controllers of workloads of one kind and namespace."""

    def all_are_settled() -> bool:
        listed = workloads[0].list_all()
        return all(workload.is_settled(listed) for workload in workloads)

    names = ", ".join(workload.address for workload in workloads)
    wait_until(all_are_settled, f"the controllers have seen {names}")


def _owner(item: Mapping[str, Any]) -> str:
    owners = item["metadata"].get("ownerReferences", [])
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")


def _number(revision: Mapping[str, Any]) -> int:
    if revision["kind"] == "ControllerRevision":
        return int(revision["revision"])
    return int(revision["metadata"].get("annotations", {}).get(REVISION_ANNOTATION, 0))


def version_of(owner: Mapping[str, Any]) -> str:
    (container,) = owner["spec"]["template"]["spec"]["containers"]
    return str(container["env"][0]["value"])


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
