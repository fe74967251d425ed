# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branches: the database or an external API is the failing dependency.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    ENABLE_FALLBACK,
    HIGH,
    MEDIUM,
    RESTORE_DATABASE,
    Blocker,
    Branch,
    NotTaken,
    Taken,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
    DATABASE,
    EXTERNAL_API,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import (
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import (
        Case,
        Dependency,
    )


def ask(kind: str, case: Case) -> Taken | NotTaken:
    declared = [d for d in case.dependencies if d.kind == kind]
    failing = [d for d in case.failing_dependencies if d.kind == kind]
    if not failing:
        return NotTaken(_why_none(kind, declared))
    if case.users == HEALTHY:
        return NotTaken(f"{failing[0]}, but users are well", [str(failing[0])])
    if case.users == UNKNOWN:
        return NotTaken(
            f"{failing[0]}, but what users get is not known or not clear", [str(failing[0])]
        )
    late = _came_after(case, failing[0])
    if late:
        return NotTaken(late, [late])
    return _database(case, failing[0]) if kind == DATABASE else _external_api(case, failing)


def _why_none(kind: str, declared: list[Dependency]) -> str:
    name = kind.replace("_", " ")
    if not declared:
        return f"no {name} is among the dependencies"
    unknown = [d.name for d in declared if d.verdict == UNKNOWN]
    return f"whether {unknown[0]} fails is not known" if unknown else f"no {name} fails"


def _came_after(case: Case, dependency: Dependency) -> str:
    """A dependency that failed long after users did is not why they suffer."""
    onset = dependency.onset
    if onset is None or case.onset is None or onset - case.onset <= case.limits.settle:
        return ""
    return f"{dependency}, but users suffer since {time_at(case.onset)}"


def _confidence(case: Case, dependency: Dependency) -> str:
    """High where it is known that it began no later than the symptoms."""
    onset = dependency.onset
    if onset is None or case.onset is None:
        return MEDIUM
    return HIGH if onset <= case.onset + case.limits.settle else MEDIUM


def _database(case: Case, dependency: Dependency) -> Taken | NotTaken:
    refused = case.cluster.refused_credentials
    if refused:
        clue = f"{dependency}, but what logs say is that credentials were refused: {refused[0]}"
        return NotTaken(f"{clue}. A restore would not mend that", [clue], "credentials")
    return Taken(
        RESTORE_DATABASE,
        "database",
        [str(dependency), *_onset_reasons(case)],
        _confidence(case, dependency),
        target={"dependency": dependency.name, "mitigation": dependency.mitigation or None},
        blockers=[
            Blocker(
                "approval",
                f"restoring {dependency.name} loses what was written since the backup, so a person "
                "has to approve it. Where it only has to be started again, start it",
            )
        ],
        would_change=["the database answers again", "its data turn out to be whole"],
    )


def _external_api(case: Case, failing: list[Dependency]) -> Taken:
    declared = [dependency for dependency in failing if dependency.mitigation]
    dependency = (declared or failing)[0]
    reasons = [str(dependency), *_onset_reasons(case)]
    reasons += [f"so {other}" for other in failing if other is not dependency]
    reasons += [f"logs say: {told}" for told in case.cluster.refused_credentials[:1]]
    blockers = []
    if not dependency.mitigation:
        blockers.append(Blocker("no_fallback", f"nobody declared a fallback for {dependency.name}"))
    return Taken(
        ENABLE_FALLBACK,
        "external_api",
        reasons,
        _confidence(case, dependency),
        target={"dependency": dependency.name, "mitigation": dependency.mitigation or None},
        blockers=blockers,
        would_change=[f"{dependency.name} answers again", "old pods that see it answer well"],
    )


def _onset_reasons(case: Case) -> list[str]:
    if case.onset is None or case.users != UNHEALTHY:
        return []
    return [f"users suffer since {time_at(case.onset)}"]


DATABASE_BRANCH = Branch("the database", RESTORE_DATABASE, functools.partial(ask, DATABASE))
EXTERNAL_API_BRANCH = Branch(
    "an external API", ENABLE_FALLBACK, functools.partial(ask, EXTERNAL_API)
)
