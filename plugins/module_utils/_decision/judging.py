# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the symptoms belong to a revision: what speaks for it, and what against.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.answer import (
    HIGH,
    LOW,
    MEDIUM,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import (
    BAD_IMAGE,
    BAD_SPECIFICATION,
    OOM_KILLED,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.comparing import (
    BOTH,
    ONLY_NEW,
    ONLY_OLD,
    compare_pods,
    compare_signals,
    has_old_pods,
    only_its_dependency,
    troubles_of_new_pods,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.configuration import (
    changed_between,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.leaking import leak_of
from ansible_collections.oncall.recovery.plugins.module_utils._decision.outside import (
    explanations,
    outside_is_healthy,
)
from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import time_at
from ansible_collections.oncall.recovery.plugins.module_utils._decision.suspects import (
    duration,
    served_well,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._decision.case import Case
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.cluster import Trouble
    from ansible_collections.oncall.recovery.plugins.module_utils._decision.suspects import Suspect

# Only these belong to the template itself, whatever else fails.
UNSTARTABLE = BAD_IMAGE | BAD_SPECIFICATION


@dataclasses.dataclass
class Judgement:
    """What speaks for a suspect's guilt, each in words.

    :param direct: old and new were compared, or the template itself is what cannot run.
    :param indirect: it fits, but something else could be behind it.
    :param weak: it does not rule it out.
    :param against: why it is innocent; nothing outweighs this.
    :param outside: what explains the symptoms as well; only direct evidence outweighs this.
    """

    suspect: Suspect
    direct: list[str] = dataclasses.field(default_factory=list)
    indirect: list[str] = dataclasses.field(default_factory=list)
    weak: list[str] = dataclasses.field(default_factory=list)
    against: list[str] = dataclasses.field(default_factory=list)
    outside: list[str] = dataclasses.field(default_factory=list)
    is_outside_healthy: bool = False

    @property
    def is_guilty(self) -> bool:
        if self.against:
            return False
        return bool(self.direct or ((self.indirect or self.weak) and not self.outside))

    @property
    def confidence(self) -> str:
        """High: direct evidence, or two kinds of indirect. Low: what is merely not ruled out."""
        if self.direct or len(self.indirect) > 1 or (self.indirect and self.is_outside_healthy):
            return HIGH
        return MEDIUM if self.indirect else LOW

    @property
    def weight(self) -> tuple[int, int, float]:
        """By which of two suspects is the likelier one."""
        return len(self.direct), len(self.indirect), self.suspect.began

    @property
    def why_not(self) -> str:
        why = [*self.against, *self.outside] or ["nothing ties the symptoms to it"]
        return f"{self.suspect}: {'; '.join(why)}"


def judge(case: Case, suspect: Suspect) -> Judgement:
    """Weigh all that is known of one suspected rollout."""
    judgement = Judgement(suspect)
    judgement.is_outside_healthy = outside_is_healthy(case)
    judgement.outside = explanations(case, suspect.workload, suspect.began)
    _weigh_signals(case, judgement)
    _weigh_pods(case, judgement)
    _weigh_memory(case, judgement)
    _weigh_timing(case, judgement)
    return judgement


def _weigh_signals(case: Case, judgement: Judgement) -> None:
    compared = compare_signals(judgement.suspect, [*case.unhealthy_symptoms, *case.memory])
    if compared.outcome == ONLY_NEW:
        judgement.direct.append(compared.told)
    elif compared.outcome in (BOTH, ONLY_OLD):
        judgement.against.append(compared.told)
    judgement.direct += only_its_dependency(case, judgement.suspect)


def _weigh_pods(case: Case, judgement: Judgement) -> None:
    suspect = judgement.suspect
    troubles = troubles_of_new_pods(suspect)
    if not troubles:
        return
    told = "; ".join(trouble.text for trouble in troubles[:2])
    unstartable = [trouble for trouble in troubles if trouble.reason in UNSTARTABLE]
    if unstartable:
        missing = _missing_for_both(suspect, " ".join(trouble.text for trouble in unstartable))
        if missing:
            judgement.against.append(f"{missing} is missing, and the revision before needs it, too")
        else:
            judgement.direct.append(unstartable[0].text)
        return
    compared = compare_pods(suspect)
    if compared.outcome == ONLY_NEW and not judgement.outside:
        judgement.direct.append(f"{compared.told}: {told}")
    elif compared.outcome == ONLY_NEW:
        # A pod that starts while what it needs is away fails sooner than one that runs.
        judgement.indirect.append(f"{compared.told}: {told}")
    elif compared.outcome in (BOTH, ONLY_OLD):
        judgement.against.append(compared.told)
    elif not has_old_pods(suspect):
        _weigh_lifetimes(case, judgement, troubles, f"its pods are in trouble: {told}")


def _weigh_lifetimes(
    case: Case, judgement: Judgement, troubles: Sequence[Trouble], told: str
) -> None:
    """Containers that ran for long before they ended did not end of what was rolled out."""
    lifetimes = [trouble.ran_for for trouble in troubles]
    ran_for = min((known for known in lifetimes if known is not None), default=0.0)
    if None in lifetimes or ran_for <= case.limits.proving_time:
        judgement.indirect.append(told)
    elif all(trouble.reason == OOM_KILLED for trouble in troubles):
        judgement.against.append(f"{told}; they ran for {duration(ran_for)} until then")
    else:
        judgement.weak.append(f"{told}; they ran for {duration(ran_for)} until then")


def _missing_for_both(suspect: Suspect, told: str) -> str:
    """What pods miss by the kubelet's words, if the target of a rollback needs it, too."""
    if suspect.target is None:
        return ""
    for kind, name in sorted(suspect.target.references):
        if kind in ("ConfigMap", "Secret") and f'"{name}" not found' in told:
            return f"{kind} {name}"
    return ""


def _weigh_memory(case: Case, judgement: Judgement) -> None:
    suspect, limits = judgement.suspect, case.limits
    leak = leak_of(case, suspect.workload)
    if not leak.is_trouble or leak.climbs_since is None:
        return
    after = leak.climbs_since - suspect.began
    since = f"memory climbs since {time_at(leak.climbs_since)}"
    if after > limits.settle:
        judgement.against.append(f"{since}, {duration(after)} after it was rolled out")
    elif after >= -limits.tolerance:
        judgement.indirect.append(f"{since}, from its rollout on ({leak.told})")
    else:
        judgement.against.append(f"{since}, before it was rolled out")


def _weigh_timing(case: Case, judgement: Judgement) -> None:
    suspect, onset = judgement.suspect, judgement.suspect.onset
    if onset is None:
        return
    began, limits = suspect.began, case.limits
    between = changed_between(case, began + limits.tolerance, onset + limits.tolerance)
    after = max(0.0, onset - began)
    follows = f"symptoms since {time_at(onset)}, {duration(after)} after the rollout began"
    has_shown = any("memory climbs" in told for told in judgement.indirect)
    if between:
        judgement.against.append(f"{between[0]} was changed later, at {time_at(between[0].at)}")
    elif has_shown:
        return
    elif after > limits.proving_time and served_well(case, began, onset):
        judgement.against.append(f"users were well for {duration(after)} after it was rolled out")
    elif after <= limits.proving_time:
        judgement.indirect.append(follows)
    else:
        judgement.weak.append(f"{follows}, which is late for a deploy that is bad")
