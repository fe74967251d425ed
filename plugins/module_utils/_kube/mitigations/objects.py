# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that a mitigation may change: how they are named, and where the server keeps them.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube import kill_switch, ledger
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DNS_LABEL,
    KINDS,
    object_path,
    require_name,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

CONFIG_MAP, SECRET = "ConfigMap", "Secret"
AUTOSCALER = "HorizontalPodAutoscaler"
# Kinds whose version is the same on every supported Kubernetes (1.20 to the newest).
USUAL = {
    CONFIG_MAP: ("v1", "configmaps"),
    SECRET: ("v1", "secrets"),
    "Service": ("v1", "services"),
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "Ingress": ("networking.k8s.io/v1", "ingresses"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    AUTOSCALER: ("autoscaling/v1", "horizontalpodautoscalers"),
}
KIND_NAME = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?v[0-9][a-z0-9]{0,30}")
# Who may do what is nothing that an alert should be able to change.
OFF_LIMITS_GROUP = "rbac.authorization.k8s.io"
OWN_PREFIX = "oncall.recovery/"
# It repeats all values of the object, those of a Secret, too.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
METADATA_THAT_MAY_CHANGE = ("labels", "annotations")


@dataclasses.dataclass(frozen=True, order=True)
class ObjectReference:
    """An object by version, kind, namespace and name, which may or may not exist."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def is_workload(self) -> bool:
        """Whether it brings new pods when its template changes."""
        kind = KINDS.get(self.kind)
        return bool(kind and kind.revisions_plural) and self.api_version == "apps/v1"

    @property
    def is_configuration(self) -> bool:
        """Whether pods can read it as their environment."""
        return self.kind in (CONFIG_MAP, SECRET) and self.api_version == "v1"

    def as_result(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def object_reference(
    kind: str, namespace: str, name: str, api_version: str | None = None
) -> ObjectReference:
    """The reference, of the usual version where none is given.

    Raises InvalidInput for names that Kubernetes would not allow, and for objects that no
    mitigation may change.
    """
    if not KIND_NAME.fullmatch(kind):
        raise InvalidInput(f"kind {kind[:80]!r}", "is not a kind", "Write it like ConfigMap")
    version = api_version or USUAL.get(kind, ("",))[0]
    if not API_VERSION.fullmatch(version):
        told = f"is {version[:80]!r}" if version else "is needed for this kind"
        raise InvalidInput(f"api_version of {kind}", told, "Write it like example.org/v1")
    require_name("namespace", namespace, DNS_LABEL)
    reference = ObjectReference(version, kind, namespace, require_name("name", name))
    if version.partition("/")[0] == OFF_LIMITS_GROUP:
        raise InvalidInput(str(reference), "is about rights, which no mitigation changes")
    if kind in (CONFIG_MAP, SECRET) and name in (ledger.NAME, kill_switch.NAME):
        raise InvalidInput(str(reference), "is the collection's own, and no mitigation changes it")
    return reference


def require_field(reference: ObjectReference, tokens: Sequence[str]) -> None:
    """Raise InvalidInput where these tokens lead to what no mitigation may change."""
    first, *rest = tokens
    is_allowed = first not in ("status", "apiVersion", "kind")
    if first == "metadata":
        is_allowed = len(rest) == 2 and rest[0] in METADATA_THAT_MAY_CHANGE
    if reference.kind == SECRET and first not in ("metadata", "data"):
        is_allowed = False
    if any(token.startswith(OWN_PREFIX) or token == LAST_APPLIED for token in tokens):
        is_allowed = False
    if not is_allowed or not all(tokens):
        raise InvalidInput(
            f"/{'/'.join(tokens)[:80]} of {reference}",
            "is nothing that a mitigation may change",
            "Change a field of the specification, a label, an annotation, or a key",
        )


class Resources:
    """Where the server keeps objects; it is asked only about kinds that are not usual."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._found: dict[tuple[str, str], str] = {}

    def path(self, reference: ObjectReference) -> str:
        """Path of the object. Raises RecoveryError where the server knows no such kind."""
        prefix = "/apis" if "/" in reference.api_version else "/api"
        return object_path(
            self._plural(reference),
            reference.namespace,
            reference.name,
            f"{prefix}/{reference.api_version}",
        )

    def _plural(self, reference: ObjectReference) -> str:
        version, plural = USUAL.get(reference.kind, ("", ""))
        if version == reference.api_version:
            return plural
        key = (reference.api_version, reference.kind)
        if key not in self._found:
            self._found[key] = self._discover(reference)
        return self._found[key]

    def _discover(self, reference: ObjectReference) -> str:
        version = reference.api_version
        prefix = "/apis" if "/" in version else "/api"
        try:
            known = self._client.get(f"{prefix}/{version}", subject=f"API version {version}")
        except ApiError as error:
            if not error.is_not_found:
                raise
            known = {}
        for resource in known.get("resources") or []:
            if resource["kind"] == reference.kind and "/" not in resource["name"]:
                if not resource["namespaced"]:
                    raise RecoveryError(
                        str(reference), "objects of this kind are in no namespace", "Leave it out"
                    )
                return str(resource["name"])
        raise RecoveryError(
            str(reference), f"the API server has no such kind in {version}", "Check api_version"
        )
