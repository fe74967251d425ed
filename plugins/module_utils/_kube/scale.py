# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many replicas a workload is to have, and which numbers of which objects make it so.

Pure: it sends nothing. Where a HorizontalPodAutoscaler targets the workload, its bounds are moved
rather than the number that it would set back: the number asked for becomes the least that it keeps.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    Bounds,
    autoscalers_of,
    bounds_of,
    keeper_of,
    name_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import REPLICA_SET
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import reference_to

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    Object = Mapping[str, t.Any]
    Patch = list[dict[str, t.Any]]

ADJUST, REFUSE, IGNORE = "adjust", "refuse", "ignore"
# The API keeps numbers of replicas in 32 bits.
MOST_REPLICAS = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class ScaleRequest:
    """How many replicas every selected workload is to have.

    Either ``replicas`` or ``factor``, which multiplies what there is and is rounded up.
    ``max_replicas`` is a ceiling for both; what is above it already is not taken away where more
    was asked for. ``hpa`` is what to do about an autoscaler; ``hpa_max_replicas`` is how far its
    own ceiling may be raised. ``current_replicas`` and ``resource_version`` must hold when the
    number is set. ``dry_run`` has the server try the change and store nothing.
    """

    replicas: int | None = None
    factor: Decimal | None = None
    max_replicas: int | None = None
    hpa: str = ADJUST
    hpa_max_replicas: int | None = None
    current_replicas: int | None = None
    resource_version: str = ""
    dry_run: bool = False


@dataclasses.dataclass(frozen=True)
class ScaleDecision:
    """What will be done with one workload.

    ``wanted`` is the number of replicas that it is to have: exactly, or at least (``is_floor``)
    where ``bounds`` are to be those of its ``autoscaler``. ``limited_by`` names the option that
    made it less than was asked for. ``warning`` is what the caller has to know beside that.
    """

    workload: Object
    wanted: int
    autoscaler: Object | None = None
    bounds: Bounds | None = None
    limited_by: str = ""
    warning: str = ""

    @property
    def before(self) -> int:
        return replicas_of(self.workload)

    @property
    def is_floor(self) -> bool:
        return self.bounds is not None

    @property
    def after(self) -> int:
        """The number to set on the workload itself; an autoscaler's higher one is left alone."""
        return max(self.wanted, self.before) if self.is_floor else self.wanted

    @property
    def is_change(self) -> bool:
        """Whether any number is to become another one, the workload's or its autoscaler's."""
        if self.after != self.before:
            return True
        return bool(self.autoscaler and self.bounds and bounds_of(self.autoscaler) != self.bounds)


def replicas_of(workload: Object) -> int:
    """The number that the workload is set to; the server puts 1 where none is given."""
    return int(workload["spec"].get("replicas", 1))


def decide_scale(
    workload: Object, autoscalers: Iterable[Object], request: ScaleRequest
) -> ScaleDecision:
    """Decide about a live workload, given the live autoscalers of its namespace.

    Raises RecoveryError where a precondition does not hold, where something else owns the number,
    and where the autoscaler's bounds cannot be moved as far as asked.
    """
    subject = str(reference_to(workload))
    _require_preconditions(subject, workload, request)
    _require_own_number(subject, workload)
    wanted, limited_by = _wanted(subject, replicas_of(workload), request)
    targeting = autoscalers_of(workload, autoscalers)
    if not targeting:
        return ScaleDecision(workload, wanted, limited_by=limited_by)
    autoscaler = targeting[0]
    if request.hpa == IGNORE:
        warning = _what_it_will_do(subject, autoscaler, wanted)
        return ScaleDecision(workload, wanted, autoscaler, None, limited_by, warning)
    if request.hpa == REFUSE:
        raise RecoveryError(
            subject,
            f"{name_of(autoscaler)} decides how many replicas it has",
            "Use hpa=adjust to raise the least that it keeps, or hpa=ignore",
        )
    if wanted == 0:
        warning = _what_it_will_do(subject, autoscaler, 0) if replicas_of(workload) else ""
        return ScaleDecision(workload, 0, autoscaler, None, limited_by, warning)
    _require_one_that_can_be_moved(subject, targeting, request)
    bounds, limit = bounds_for(subject, autoscaler, wanted, request.hpa_max_replicas)
    limited_by = "hpa_max_replicas" if limit < wanted else limited_by
    return ScaleDecision(workload, limit, autoscaler, bounds, limited_by)


def bounds_for(
    subject: str, autoscaler: Object, wanted: int, ceiling: int | None
) -> tuple[Bounds, int]:
    """The bounds in which at least ``wanted`` replicas are kept, and how many that come to.

    They are never narrowed, and the greatest number is raised to ``ceiling`` at most, which may
    make it fewer. Raises RecoveryError where no ceiling lets it be raised, or where fewer are
    wanted than are kept now.
    """
    now, name = bounds_of(autoscaler), name_of(autoscaler)
    if wanted < now.least:
        raise RecoveryError(
            subject,
            f"{name} keeps at least {now.least} replicas, so {wanted} would not stay",
            "Lower its minReplicas, or use hpa=ignore",
        )
    if wanted > now.greatest and ceiling is None:
        raise RecoveryError(
            subject,
            f"{name} allows at most {now.greatest} replicas, and {wanted} are wanted",
            "Say in hpa_max_replicas how far its maxReplicas may be raised",
        )
    wanted = min(wanted, max(now.greatest, ceiling or 0))
    return Bounds(wanted, max(now.greatest, wanted)), wanted


def bounds_patch(autoscaler: Object, bounds: Bounds) -> Patch:
    """The JSON patch that gives an autoscaler these bounds; empty where it has them.

    It holds only while the bounds are those that were read.
    """
    now = bounds_of(autoscaler)
    if now == bounds:
        return []
    uid = autoscaler["metadata"]["uid"]
    pairs = (
        ("minReplicas", now.least, bounds.least),
        ("maxReplicas", now.greatest, bounds.greatest),
    )
    return [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        *({"op": "test", "path": f"/spec/{name}", "value": was} for name, was, _is in pairs),
        *(
            {"op": "add", "path": f"/spec/{name}", "value": is_to_be}
            for name, _was, is_to_be in pairs
        ),
    ]


def replicas_patch(workload: Object, replicas: int, resource_version: str = "") -> Patch:
    """The JSON patch of the ``scale`` subresource that sets the number.

    It holds only while the number is the one that was read, and where ``resource_version`` is
    given, only at that version. The status may move meanwhile.
    """
    metadata, before = workload["metadata"], replicas_of(workload)
    tested = [("/metadata/uid", metadata["uid"])]
    if before:
        tested.append(("/spec/replicas", before))
    # A Scale leaves out a number that is 0, and no test can say that something is not there.
    version = resource_version or ("" if before else metadata["resourceVersion"])
    if version:
        tested.append(("/metadata/resourceVersion", version))
    return [
        *({"op": "test", "path": path, "value": value} for path, value in tested),
        {"op": "add", "path": "/spec/replicas", "value": replicas},
    ]


def _require_preconditions(subject: str, workload: Object, request: ScaleRequest) -> None:
    replicas = replicas_of(workload)
    if request.current_replicas not in (None, replicas):
        raise RecoveryError(
            subject,
            f"it has {replicas} replicas, not {request.current_replicas}, so it is left alone",
            "Look at it, then say in current_replicas what it has",
        )
    version = workload["metadata"]["resourceVersion"]
    if request.resource_version not in ("", version):
        raise RecoveryError(
            subject,
            f"its resourceVersion is {version} and not {request.resource_version}, "
            "so it is left alone",
            "Look at it, then run again with its present version",
        )


def _require_own_number(subject: str, workload: Object) -> None:
    for owner in workload["metadata"].get("ownerReferences") or []:
        if owner.get("controller") and workload["kind"] == REPLICA_SET.name:
            controller = f"{owner['kind']} {workload['metadata']['namespace']}/{owner['name']}"
            raise RecoveryError(
                subject,
                f"{controller} controls it and would set it back",
                f"Scale {controller} instead",
            )


def _wanted(subject: str, before: int, request: ScaleRequest) -> tuple[int, str]:
    """The number asked for, and the option that limits it or nothing."""
    if request.factor is not None:
        if not before:
            raise RecoveryError(subject, "it has no replicas to multiply", "Use replicas instead")
        asked = math.ceil(before * request.factor)
    else:
        asked = request.replicas or 0
    ceiling = request.max_replicas
    if asked > MOST_REPLICAS and ceiling is None:
        raise RecoveryError(
            subject, "that many replicas are more than Kubernetes can count", "Use a lower number"
        )
    if ceiling is None or asked <= ceiling:
        return asked, ""
    # A ceiling limits growth: who asks for more must not end up with less.
    return (max(ceiling, before) if asked >= before else ceiling), "max_replicas"


def _require_one_that_can_be_moved(
    subject: str, targeting: list[Object], request: ScaleRequest
) -> None:
    names = " and ".join(name_of(autoscaler) for autoscaler in targeting)
    if len(targeting) > 1:
        raise RecoveryError(
            subject, f"{names} all target it, so none of them acts", "Delete all but one"
        )
    keeper = keeper_of(targeting[0])
    if keeper:
        raise RecoveryError(
            subject,
            f"{names} belongs to {keeper}, which would set its bounds back",
            f"Change {keeper} instead, or use hpa=ignore",
        )
    if request.factor is not None and request.factor < 1:
        raise RecoveryError(
            subject,
            f"{names} decides how far it shrinks within its bounds",
            "Lower its maxReplicas, or use hpa=ignore",
        )


def _what_it_will_do(subject: str, autoscaler: Object, wanted: int) -> str:
    """What becomes of a number that is set past an autoscaler.

    https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
    """
    name, bounds = name_of(autoscaler), bounds_of(autoscaler)
    if wanted == 0 and bounds.least:
        return f"{subject}: no replicas switch {name} off, until someone sets a number again"
    if bounds.least <= wanted <= bounds.greatest:
        return f"{subject}: {name} may choose another number than {wanted} at any time"
    kept = min(max(wanted, bounds.least), bounds.greatest)
    return f"{subject}: {name} is going to set it to {kept}, since {wanted} is out of its bounds"
