# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lists that a triage reads: one LIST per kind and namespace, all side by side.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    API as AUTOSCALING,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import (
    JSON,
    METADATA_ONLY,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import CORE, Listing
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import APPS, KINDS
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.gathering import (
    Asked,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.gathering import (
        Gatherer,
        Source,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.request import (
        TriageRequest,
    )

    Object = dict[str, t.Any]
    Objects = list[Object]

# Served by metrics-server and the like, if at all.
METRICS = "/apis/metrics.k8s.io/v1beta1"


class Several:
    """The answers of one listing per namespace, as one."""

    def __init__(self, asked: Sequence[Asked[Objects]]) -> None:
        self.asked = asked

    def answer(self, otherwise: Objects) -> Objects:
        return [found for one in self.asked for found in one.answer(otherwise)]


class Reading:
    """Asks for all lists at once when it is made; the answers are waited for where they are needed.

    Kinds that several workloads share are read once per namespace.
    """

    def __init__(self, client: Client, request: TriageRequest, gatherer: Gatherer) -> None:
        self._client = client
        self._request = request
        self._gatherer = gatherer
        self._workloads = {
            (kind, namespace): self._ask_workloads(kind, namespace)
            for kind in request.kinds
            for namespace in request.namespaces
        }
        revisions = dict.fromkeys(KINDS[kind].revisions_plural for kind in request.kinds)
        self._revisions = {
            (plural, namespace): self._ask(Listing(plural, namespace, APPS))
            for plural in revisions
            for namespace in request.namespaces
        }
        self._pods = {ns: self._ask(Listing("pods", ns)) for ns in request.namespaces}
        self.events = self._several("events")
        self.autoscalers = self._several("horizontalpodautoscalers", AUTOSCALING)
        self.config_maps = self._several("configmaps")
        self.secrets = self._several("secrets", metadata_only=True)
        self.pod_metrics = self._several("pods", METRICS)
        self.nodes = self._ask(Listing("nodes", None))
        self.node_metrics = self._ask(Listing("nodes", None, METRICS))

    def workloads(self) -> Objects:
        """The workloads that the request means, with their kinds."""
        found = []
        for (kind, _namespace), asked in self._workloads.items():
            found += [{**workload, "kind": kind} for workload in asked.answer([])]
        wanted = {(r.kind, r.namespace, r.name) for r in self._request.references}
        return [w for w in found if not wanted or _key(w) in wanted]

    def missing(self) -> list[dict[str, str]]:
        """Named workloads that are not there; not those whose list could not be read."""
        there = {_key(workload) for workload in self.workloads()}
        read = {place for place, asked in self._workloads.items() if asked.source.outcome == "read"}
        return [
            reference.as_result()
            for reference in self._request.references
            if (reference.kind, reference.namespace) in read
            and (reference.kind, reference.namespace, reference.name) not in there
        ]

    def pods(self, namespace: str) -> Objects:
        return self._pods[namespace].answer([])

    def revisions(self, kind: str, namespace: str) -> Objects:
        return self._revisions[KINDS[kind].revisions_plural, namespace].answer([])

    def neighbours(self, node: str) -> tuple[Asked[Objects], Asked[Objects]]:
        """All pods of a node, and what the pods of all namespaces use."""
        return (
            self._ask(Listing("pods", None, field_selector=f"spec.nodeName={node}")),
            self._ask(Listing("pods", None, METRICS)),
        )

    def raise_where(self, is_fatal: Callable[[Source], bool]) -> None:
        """Raise what kept the workloads from being read, where nothing else can be, either."""
        sources = [asked.source for asked in self._workloads.values()]
        if sources and all(is_fatal(source) for source in sources):
            error = sources[0].error
            raise error or RecoveryError("triage", sources[0].detail)

    def _several(self, plural: str, prefix: str = CORE, *, metadata_only: bool = False) -> Several:
        listings = [
            Listing(plural, namespace, prefix, metadata_only=metadata_only)
            for namespace in self._request.namespaces
        ]
        return Several([self._ask(listing) for listing in listings])

    def _ask_workloads(self, kind: str, namespace: str) -> Asked[Objects]:
        names = [
            reference.name
            for reference in self._request.references
            if (reference.kind, reference.namespace) == (kind, namespace)
        ]
        return self._ask(
            Listing(
                KINDS[kind].plural,
                namespace,
                APPS,
                label_selector=self._request.label_selector,
                field_selector=f"metadata.name={names[0]}" if len(names) == 1 else "",
            )
        )

    def _ask(self, listing: Listing) -> Asked[Objects]:
        def read(patience: float) -> Objects:
            objects, _version = self._client.list_objects(
                listing.path_in(""),
                subject=str(listing),
                label_selector=listing.label_selector,
                field_selector=listing.field_selector,
                accept=METADATA_ONLY if listing.metadata_only else JSON,
                patience=patience,
            )
            return objects

        is_usage = listing.prefix == METRICS
        return self._gatherer.ask(f"usage of {listing}" if is_usage else str(listing), read)


def _key(workload: Object) -> tuple[str, str, str]:
    metadata = workload["metadata"]
    return workload["kind"], metadata["namespace"], metadata["name"]
