# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases for guards: a workload with a short history, and what the namespace holds beside it."""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.case import Case
from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import Facts
from ansible_collections.oncall.recovery.plugins.module_utils._kube.guards.asking import (
    GUARDS,
    ask_guards,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import now
from ansible_collections.oncall.recovery.plugins.module_utils._kube.request import UndoRequest

from ..builders import history, revisions_of, workload

Object = dict[str, t.Any]


def ready_workload(kind: str = "Deployment", **changes: t.Any) -> Object:
    """A workload whose newest template, with image web:2, is its second revision."""
    status = {"updateRevision": "web-cr2"} if kind == "StatefulSet" else {}
    return workload(kind, **{"status": status, **changes})


def case_of(
    live: Object,
    *images: str,
    objects: list[Object] | None = None,
    around: dict[str, t.Any] | None = None,
    **request: t.Any,
) -> Case:
    """``objects`` are its revisions, else made of ``images``.

    ``around`` has by plural what the namespace holds, or the error that keeps it from being
    read; what is not named there is empty.
    """
    revisions = revisions_of(live, objects or history(live, *(images or ("web:1", "web:2"))))
    case = Case(live, revisions, UndoRequest(**request))
    listings = (
        {listing for guard in GUARDS for listing in guard.needs(case)} if case.has_target else set()
    )
    held = around or {}
    return Case(
        live,
        revisions,
        case.request,
        Facts({listing: held.get(listing.plural, []) for listing in listings}, now()),
    )


def answer_of(name: str, case: Case) -> tuple[str, str]:
    """What the guard of this name says, asked with all the others."""
    return next((g.outcome, g.detail) for g in ask_guards(case) if g.name == name)
