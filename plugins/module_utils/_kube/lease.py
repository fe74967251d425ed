# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock on a workload: a Lease beside it that says who holds it and until when.

Times are by the API server's clock (Client.now), so that two machines whose clocks differ agree on
when a lock has expired. Fields are those of coordination.k8s.io/v1, as leader election uses them
(client-go's ``tools/leaderelection/resourcelock``).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    APPS,
    object_path,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
        WorkloadReference,
    )

COORDINATION = "/apis/coordination.k8s.io/v1"
LOCK_LABEL = "oncall.recovery/lock"
INCIDENT_ANNOTATION = "oncall.recovery/incident"
REASON_ANNOTATION = "oncall.recovery/reason"
LONGEST_NAME = 253
LONGEST_TOLD = 200


@dataclasses.dataclass(frozen=True)
class Claim:
    """What somebody wants to hold a lock for. ``seconds`` is how long, without renewing."""

    holder: str
    seconds: int
    incident: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Lock:
    """A Lease as it was read. ``holder`` is empty where it was released."""

    lease: Mapping[str, t.Any]

    @property
    def holder(self) -> str:
        return str(self.lease["spec"].get("holderIdentity") or "")

    @property
    def until(self) -> datetime.datetime:
        """When it expires, in UTC; long ago where nothing says so."""
        spec = self.lease["spec"]
        renewed = spec.get("renewTime") or spec.get("acquireTime")
        if not renewed:
            return datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
        seconds = spec.get("leaseDurationSeconds") or 0
        try:
            return _from_micro_time(renewed) + datetime.timedelta(seconds=seconds)
        except OverflowError:
            return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)

    @property
    def incident(self) -> str:
        return self._annotation(INCIDENT_ANNOTATION)

    def is_held(self, now: datetime.datetime) -> bool:
        return bool(self.holder) and now < self.until

    def is_held_by_another(self, holder: str, now: datetime.datetime) -> bool:
        return self.is_held(now) and self.holder != holder

    def told(self) -> str:
        """Who holds it, until when and what for, in words."""
        incident = f"incident {self.incident}" if self.incident else ""
        told = ": ".join(part for part in (incident, self._annotation(REASON_ANNOTATION)) if part)
        until = f"locked by {_on_one_line(self.holder)} until {self.until:%Y-%m-%d %H:%M:%S} UTC"
        return f"{until} ({told})" if told else until

    def _annotation(self, name: str) -> str:
        annotations = self.lease["metadata"].get("annotations") or {}
        return _on_one_line(str(annotations.get(name, "")))


def lease_name(workload: WorkloadReference) -> str:
    """One name per workload; a long one is cut, and told apart by a hash of the whole."""
    name = f"oncall-recovery.{workload.kind.lower()}.{workload.name}"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST_NAME - len(digest) - 1].rstrip('.-')}-{digest}"


def lease_path(workload: WorkloadReference) -> str:
    return object_path("leases", workload.namespace, lease_name(workload), COORDINATION)


def new_lease(
    workload: WorkloadReference, uid: str, claim: Claim, now: datetime.datetime
) -> dict[str, t.Any]:
    """A Lease for the workload with this UID, which is collected as garbage with it."""
    owner = {
        "apiVersion": APPS.removeprefix("/apis/"),
        "kind": workload.kind,
        "name": workload.name,
        "uid": uid,
    }
    return {
        "apiVersion": COORDINATION.removeprefix("/apis/"),
        "kind": "Lease",
        "metadata": {
            "name": lease_name(workload),
            "namespace": workload.namespace,
            "labels": {LOCK_LABEL: "true"},
            "annotations": _annotations(claim),
            "ownerReferences": [owner],
        },
        "spec": {**_claimed(claim, now), "acquireTime": _micro_time(now), "leaseTransitions": 0},
    }


def claimed_lease(
    lease: Mapping[str, t.Any], uid: str, claim: Claim, now: datetime.datetime
) -> dict[str, t.Any]:
    """The Lease as the claimant holds it from now on: renewed, or taken over."""
    spec = {**lease["spec"], **_claimed(claim, now)}
    annotations = _annotations(claim)
    if lease["spec"].get("holderIdentity") == claim.holder:
        annotations = {name: value for name, value in annotations.items() if value}
    else:
        spec["acquireTime"] = _micro_time(now)
        spec["leaseTransitions"] = (lease["spec"].get("leaseTransitions") or 0) + 1
    metadata = dict(lease["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **annotations}
    # Guards find locks by their label, so one that a person made by hand gets it now.
    metadata["labels"] = {**(metadata.get("labels") or {}), LOCK_LABEL: "true"}
    # A workload that was made anew under the same name keeps its lock and not its predecessor's.
    owners = metadata.get("ownerReferences") or []
    metadata["ownerReferences"] = [{**owner, "uid": uid} for owner in owners]
    return {**lease, "metadata": metadata, "spec": spec}


def released_lease(lease: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The Lease without a holder: kept, so that nobody needs the right to delete Leases."""
    spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
    return {**lease, "spec": spec}


def _claimed(claim: Claim, now: datetime.datetime) -> dict[str, t.Any]:
    return {
        "holderIdentity": claim.holder,
        "leaseDurationSeconds": claim.seconds,
        "renewTime": _micro_time(now),
    }


def _annotations(claim: Claim) -> dict[str, str]:
    return {INCIDENT_ANNOTATION: claim.incident, REASON_ANNOTATION: claim.reason}


def _on_one_line(text: str) -> str:
    """Anybody may write a Lease, so what it says must not look like lines of ours in a log."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:LONGEST_TOLD]


def _micro_time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _from_micro_time(text: str) -> datetime.datetime:
    shape = "%Y-%m-%dT%H:%M:%S.%f%z" if "." in text else "%Y-%m-%dT%H:%M:%S%z"
    return datetime.datetime.strptime(text, shape)
