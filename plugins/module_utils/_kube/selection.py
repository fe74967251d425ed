# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which workloads a caller means, and reading them with one LIST per kind and namespace.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DNS_LABEL,
    KINDS,
    collection_path,
    object_path,
    require_name,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client


@dataclasses.dataclass(frozen=True, order=True)
class WorkloadReference:
    """A workload by kind, namespace and name, which may or may not exist."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return object_path(KINDS[self.kind].plural, self.namespace, self.name)

    @property
    def absence(self) -> str:
        """What to tell where it leads to nothing."""
        return f"{self}: there is no such object. Check kind, namespace and name"

    def as_result(self) -> dict[str, str]:
        return {"kind": self.kind, "namespace": self.namespace, "name": self.name}


@dataclasses.dataclass(frozen=True)
class Selection:
    """Either named workloads (``references``) or everything of a kind that selectors match.

    ``namespace`` is None for all namespaces.
    """

    references: tuple[WorkloadReference, ...] = ()
    kind: str = ""
    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""

    def __str__(self) -> str:
        where = "any namespace" if self.namespace is None else f"namespace {self.namespace}"
        selectors = " and ".join(s for s in (self.label_selector, self.field_selector) if s)
        return f"{self.kind} in {where}" + (f" with {selectors}" if selectors else "")


@dataclasses.dataclass(frozen=True)
class Found:
    """What a selection led to: live objects, and the references that lead to none."""

    workloads: tuple[dict[str, t.Any], ...]
    missing: tuple[WorkloadReference, ...] = ()


def selection_from(options: Mapping[str, t.Any], default_namespace: Callable[[], str]) -> Selection:
    """Read the options ``kind`` to ``workloads`` into a Selection.

    ``default_namespace`` is asked only where no namespace is named. Raises InvalidInput for
    names that Kubernetes would not allow.
    """
    if options["workloads"] is not None:
        if not options["workloads"]:
            raise InvalidInput("workloads", "is an empty list", "Name at least one workload")
        named = [
            _reference(w["kind"], w["namespace"] or default_namespace(), w["name"])
            for w in options["workloads"]
        ]
        return Selection(references=tuple(dict.fromkeys(named)))
    if options["name"] is not None:
        namespace = options["namespace"] or default_namespace()
        return Selection(references=(_reference(options["kind"], namespace, options["name"]),))
    namespace = None if options["all_namespaces"] else options["namespace"] or default_namespace()
    if namespace is not None:
        require_name("namespace", namespace, DNS_LABEL)
    return Selection(
        kind=options["kind"],
        namespace=namespace,
        label_selector=_joined("label_selectors", options["label_selectors"]),
        field_selector=_joined("field_selectors", options["field_selectors"]),
    )


def read_workloads(client: Client, selection: Selection) -> Found:
    """Read the selected workloads, sorted by kind, namespace and name."""
    if selection.references:
        return _read_named(client, selection.references)
    items, _version = client.list_objects(
        collection_path(KINDS[selection.kind].plural, selection.namespace),
        subject=str(selection),
        label_selector=selection.label_selector,
        field_selector=selection.field_selector,
    )
    return Found(_in_order(_with_kind(selection.kind, items)))


def find_workloads(client: Client, selection: Selection) -> Found:
    """Read them as ``read_workloads`` does; raise RecoveryError where selectors match nothing."""
    found = read_workloads(client, selection)
    if not found.workloads and not found.missing:
        raise RecoveryError(str(selection), "nothing matches", "Check the selectors")
    return found


def reference_to(workload: Mapping[str, t.Any]) -> WorkloadReference:
    """The reference of a live workload object."""
    metadata = workload["metadata"]
    return WorkloadReference(workload["kind"], metadata["namespace"], metadata["name"])


def group_by_place(
    workloads: Iterable[Mapping[str, t.Any]],
) -> dict[tuple[str, str], list[Mapping[str, t.Any]]]:
    """Workloads by (kind, namespace): the unit of one LIST and one WATCH."""
    places: dict[tuple[str, str], list[Mapping[str, t.Any]]] = {}
    for workload in workloads:
        place = (workload["kind"], workload["metadata"]["namespace"])
        places.setdefault(place, []).append(workload)
    return places


def _joined(option: str, selectors: Sequence[str] | None) -> str:
    """All selectors as one. An empty one would select everything, which no one means by it."""
    if selectors is None:
        return ""
    if not selectors or not all(selector.strip() for selector in selectors):
        raise InvalidInput(option, "has an empty selector", "Leave it out to select everything")
    return ",".join(selectors)


def _reference(kind: str, namespace: str, name: str) -> WorkloadReference:
    require_name("namespace", namespace, DNS_LABEL)
    return WorkloadReference(kind, namespace, require_name("name", name))


def _read_named(client: Client, references: Iterable[WorkloadReference]) -> Found:
    places: dict[tuple[str, str], list[WorkloadReference]] = {}
    for reference in references:
        places.setdefault((reference.kind, reference.namespace), []).append(reference)
    workloads: list[dict[str, t.Any]] = []
    missing: list[WorkloadReference] = []
    for batch in client.side_by_side(lambda wanted: _read_place(client, wanted), places.values()):
        workloads.extend(batch.workloads)
        missing.extend(batch.missing)
    return Found(_in_order(workloads), tuple(sorted(missing)))


def _read_place(client: Client, wanted: list[WorkloadReference]) -> Found:
    first = wanted[0]
    if len(wanted) == 1:
        try:
            return Found((client.get(first.path, subject=str(first)),))
        except ApiError as error:
            if not error.is_not_found:
                raise
            return Found((), (first,))
    items, _version = client.list_objects(
        collection_path(KINDS[first.kind].plural, first.namespace),
        subject=f"{first.kind} in namespace {first.namespace}",
    )
    by_name = {item["metadata"]["name"]: item for item in _with_kind(first.kind, items)}
    return Found(
        tuple(by_name[w.name] for w in wanted if w.name in by_name),
        tuple(w for w in wanted if w.name not in by_name),
    )


def _with_kind(kind: str, items: Iterable[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Items of a list carry no kind of their own; give them the list's."""
    return [{**item, "kind": kind} for item in items]


def _in_order(workloads: Iterable[dict[str, t.Any]]) -> tuple[dict[str, t.Any], ...]:
    return tuple(sorted(workloads, key=reference_to))
