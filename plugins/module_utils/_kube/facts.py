# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What guards look at beside the workload: read once per namespace, whatever the fleet's size.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import (
    JSON,
    METADATA_ONLY,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import collection_path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]

CORE = "/api/v1"


@dataclasses.dataclass(frozen=True)
class Listing:
    """One LIST request: a type in a namespace (``None`` for all), narrowed by selectors.

    ``group`` is that of a custom resource, whose version the server is asked for; what belongs to
    Kubernetes itself has its ``prefix``. ``metadata_only`` asks the server to leave the content
    out, so that no secret travels.
    """

    plural: str
    namespace: str | None
    prefix: str = CORE
    group: str = ""
    metadata_only: bool = False
    label_selector: str = ""
    field_selector: str = ""

    def path_in(self, version: str) -> str:
        """The path, where ``version`` is that of the group if there is one."""
        prefix = f"/apis/{self.group}/{version}" if self.group else self.prefix
        return collection_path(self.plural, self.namespace, prefix)

    def __str__(self) -> str:
        where = "any namespace" if self.namespace is None else f"namespace {self.namespace}"
        return f"{self.plural} in {where}"


class Facts:
    """The answers to listings. What could not be read is told when it is asked for.

    ``read_at`` is when they were read, in UTC by the API server's clock.
    """

    def __init__(
        self,
        answers: Mapping[Listing, Sequence[Object] | RecoveryError],
        read_at: datetime.datetime,
    ) -> None:
        self._answers = answers
        self.read_at = read_at

    def objects(self, listing: Listing) -> Sequence[Object]:
        """What was listed. Raises the RecoveryError that kept it from being read."""
        answer = self._answers[listing]
        if isinstance(answer, RecoveryError):
            raise answer
        return answer

    def names(self, listing: Listing) -> set[str]:
        """The names of what was listed; raises as ``objects`` does."""
        return {found["metadata"]["name"] for found in self.objects(listing)}


NOTHING_READ = Facts({}, datetime.datetime.min.replace(tzinfo=datetime.timezone.utc))


def read_facts(client: Client, listings: Iterable[Listing]) -> Facts:
    """Send each listing once, side by side. Raises nothing: an error is kept as the answer."""
    wanted = list(dict.fromkeys(listings))

    def read(listing: Listing) -> Sequence[Object] | RecoveryError:
        try:
            version = client.served_version(listing.group) if listing.group else ""
            objects, _version = client.list_objects(
                listing.path_in(version),
                subject=str(listing),
                label_selector=listing.label_selector,
                field_selector=listing.field_selector,
                accept=METADATA_ONLY if listing.metadata_only else JSON,
            )
        except RecoveryError as error:
            return error
        return objects

    answers = client.side_by_side(read, wanted)
    return Facts(dict(zip(wanted, answers, strict=True)), client.now())
