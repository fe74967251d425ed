# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of workload and where the API server keeps them and their revisions.

All paths are ``apps/v1``, which every supported Kubernetes (1.20 to the newest) serves, so
no discovery is needed.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import quote

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

APPS = "/apis/apps/v1"

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of workload: its name, its plural in URLs, and what its revisions are kept in.

    A ReplicaSet by itself has no revisions.
    """

    name: str
    plural: str
    revisions_plural: str

    @property
    def keeps_replica_sets(self) -> bool:
        return self.revisions_plural == "replicasets"


DEPLOYMENT = Kind("Deployment", "deployments", "replicasets")
STATEFUL_SET = Kind("StatefulSet", "statefulsets", "controllerrevisions")
DAEMON_SET = Kind("DaemonSet", "daemonsets", "controllerrevisions")
REPLICA_SET = Kind("ReplicaSet", "replicasets", "")

KINDS = {kind.name: kind for kind in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET)}


def require_name(what: str, value: str, pattern: re.Pattern[str] = DNS_SUBDOMAIN) -> str:
    """Return ``value`` if Kubernetes would accept it as a name; raise InvalidInput if not.

    Names reach URLs, and some of them come from alerts, so nothing else is let through.
    """
    if not pattern.fullmatch(value):
        raise InvalidInput(
            f"{what} {value!r}",
            "is not a name that Kubernetes allows",
            "Use lower case letters, digits and '-'",
        )
    return value


def collection_path(plural: str, namespace: str | None, prefix: str = APPS) -> str:
    """Path of a list of objects, in one namespace or (``None``) in all of them."""
    if namespace is None:
        return f"{prefix}/{plural}"
    return f"{prefix}/namespaces/{quote(namespace, safe='')}/{plural}"


def object_path(plural: str, namespace: str, name: str, prefix: str = APPS) -> str:
    """Path of one object in a namespace."""
    return f"{collection_path(plural, namespace, prefix)}/{quote(name, safe='')}"
