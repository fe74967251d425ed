# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a triage is asked to look at.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    STATEFUL_SET,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
    WorkloadReference,
    selection_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.commands import (
    allowed_commands,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ALL_KINDS = (DEPLOYMENT.name, STATEFUL_SET.name, DAEMON_SET.name)
MOST_LINES = 1000
MOST_WORKLOADS = 50


@dataclasses.dataclass(frozen=True)
class TriageRequest:
    """``references`` names workloads; without them all of ``kinds`` in ``namespaces`` are meant.

    ``budget`` and ``window`` are in seconds. ``log_lines`` 0 reads no logs. ``baseline`` are the
    ``config_maps`` of an earlier result.
    """

    namespaces: tuple[str, ...]
    references: tuple[WorkloadReference, ...] = ()
    kinds: tuple[str, ...] = ALL_KINDS
    label_selector: str = ""
    budget: float = 30.0
    window: float = 3600.0
    log_lines: int = 100
    commands: tuple[tuple[str, ...], ...] = ()
    baseline: tuple[Mapping[str, t.Any], ...] = ()


def request_from(
    options: Mapping[str, t.Any],
    default_namespace: Callable[[], str],
    *,
    budget: float,
    window: float,
) -> TriageRequest:
    """Read the options by their names; raises InvalidInput."""
    chosen = selection_from(
        {
            **options,
            "kind": options["kind"] or DEPLOYMENT.name,
            "field_selectors": None,
            "all_namespaces": False,
        },
        default_namespace,
    )
    if not 0 <= options["log_lines"] <= MOST_LINES:
        raise InvalidInput("log_lines", f"is {options['log_lines']}", f"Use from 0 to {MOST_LINES}")
    if len(chosen.references) > MOST_WORKLOADS:
        raise InvalidInput("workloads", "are too many", f"Name {MOST_WORKLOADS} at most")
    if chosen.references:
        kinds = tuple(dict.fromkeys(reference.kind for reference in chosen.references))
        namespaces = tuple(dict.fromkeys(reference.namespace for reference in chosen.references))
    else:
        kinds = (options["kind"],) if options["kind"] else ALL_KINDS
        namespaces = (chosen.namespace or "",)
    return TriageRequest(
        namespaces=namespaces,
        references=chosen.references,
        kinds=kinds,
        label_selector=chosen.label_selector,
        budget=budget,
        window=window,
        log_lines=options["log_lines"],
        commands=tuple(allowed_commands(options["exec"], options["exec_allowed"])),
        baseline=_baseline(options["baseline"]),
    )


def _baseline(given: Sequence[t.Any]) -> tuple[Mapping[str, t.Any], ...]:
    for one in given:
        data = one.get("data")
        is_kept = isinstance(one.get("name"), str) and isinstance(one.get("namespace"), str)
        if not is_kept or not (data is None or isinstance(data, dict)):
            raise InvalidInput(
                "baseline", "is no earlier result", "Pass what k8s_triage_info gave as config_maps"
            )
    return tuple(given)
