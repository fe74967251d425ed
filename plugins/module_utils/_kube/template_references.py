# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that a pod template needs: ConfigMaps, Secrets, a ServiceAccount, claims.

The places are those of ``PodSpec`` in Kubernetes' ``pkg/api/v1/pod/util.go``
(VisitPodConfigmapNames, VisitPodSecretNames).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Object = Mapping[str, t.Any]

CONFIG_MAP, SECRET = "ConfigMap", "Secret"
SERVICE_ACCOUNT, CLAIM = "ServiceAccount", "PersistentVolumeClaim"
DEFAULT_ACCOUNT = "default"


@dataclasses.dataclass(frozen=True, order=True)
class Reference:
    """An object that a template names, in the workload's own namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def references_of(template: Object, *, with_optional: bool = False) -> set[Reference]:
    """What pods of the template cannot start without; and, if asked for, what they may lack.

    Secrets for pulling images are left out, too: an image may be there or public without them.
    """
    spec = template["spec"]
    found = set(_of_volumes(spec.get("volumes") or [], with_optional))
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        found.update(_of_environment(container, with_optional))
    # Kubernetes makes the account "default" again wherever it is missing.
    account = spec.get("serviceAccountName") or DEFAULT_ACCOUNT
    return found if account == DEFAULT_ACCOUNT else {*found, Reference(SERVICE_ACCOUNT, account)}


def _of_environment(container: Object, with_optional: bool) -> Iterator[Reference]:
    for source in container.get("envFrom") or []:
        yield from _named(CONFIG_MAP, source.get("configMapRef"), "name", with_optional)
        yield from _named(SECRET, source.get("secretRef"), "name", with_optional)
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        yield from _named(CONFIG_MAP, source.get("configMapKeyRef"), "name", with_optional)
        yield from _named(SECRET, source.get("secretKeyRef"), "name", with_optional)


def _of_volumes(volumes: Iterable[Object], with_optional: bool) -> Iterator[Reference]:
    for volume in volumes:
        yield from _named(CONFIG_MAP, volume.get("configMap"), "name", with_optional)
        yield from _named(SECRET, volume.get("secret"), "secretName", with_optional)
        yield from _named(CLAIM, volume.get("persistentVolumeClaim"), "claimName", with_optional)
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield from _named(CONFIG_MAP, source.get("configMap"), "name", with_optional)
            yield from _named(SECRET, source.get("secret"), "name", with_optional)


def _named(kind: str, source: Object | None, key: str, with_optional: bool) -> Iterator[Reference]:
    if source and source.get(key) and (with_optional or not source.get("optional")):
        yield Reference(kind, source[key])
