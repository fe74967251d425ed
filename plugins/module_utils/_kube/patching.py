# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending a patch that is decided anew whenever it did not go as it should.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
    may_have_been_done,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.json_patch import holds

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]
    Patch = list[dict[str, t.Any]]

# An object that others change faster than we can read it is left alone.
MOST_ATTEMPTS = 4
SECONDS_BETWEEN_ATTEMPTS = 0.5


@dataclasses.dataclass(frozen=True)
class Patched:
    """What became of an object: as it was read last, or as the server answered to the patch."""

    live: Object
    is_changed: bool


def patch_as_decided(
    client: Client,
    live: Object,
    decide: Callable[[Object, bool], Patch],
    *,
    path: str,
    subject: str,
    subresource: str = "",
    dry_run: bool = False,
) -> Patched:
    """Patch what was read; where that did not go as it should, look first and decide anew.

    ``decide`` gets the live object, and whether an attempt before may have changed it (its answer
    was lost); it returns a JSON patch with the ``test`` operations that it rests on, or nothing
    where there is nothing to do. ``subresource`` is the part of the object that is patched, such
    as ``scale``. Raises RecoveryError, also what ``decide`` raises.
    """
    maybe_done = False
    target = f"{path}/{subresource}" if subresource else path
    for attempt in range(MOST_ATTEMPTS + 1):
        patch = decide(live, maybe_done)
        if not patch:
            return Patched(live, maybe_done)
        if attempt == MOST_ATTEMPTS:
            break
        try:
            answer = client.patch(target, patch, subject=subject, dry_run=dry_run)
        except RecoveryError as error:
            maybe_done = maybe_done or may_have_been_done(error)
            live = client.get(path, subject=subject)
            if not (is_passing(error) or _is_refused_for_others(error, patch, live)):
                raise
            time.sleep(SECONDS_BETWEEN_ATTEMPTS * attempt)
        else:
            return Patched(answer, True)
    raise RecoveryError(
        subject,
        f"whether it is as asked is not known after {MOST_ATTEMPTS} attempts",
        "Look at it, then run again",
    )


def _is_refused_for_others(error: RecoveryError, patch: Patch, live: Object) -> bool:
    """True where somebody else's change came first, so that it is worth to decide anew."""
    if not isinstance(error, ApiError) or not error.is_refused_patch:
        return False
    return error.status == 409 or not holds(patch, live)
