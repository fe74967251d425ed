# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where signals and the cluster meet: the state of a workload as a signal like any other.

Signals know no cluster, and the cluster knows no signals, so somebody above both has to.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter_kube import connect
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput
from ansible_collections.oncall.recovery.plugins.module_utils._kube.measure import Gauge
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import selection_from
from ansible_collections.oncall.recovery.plugins.module_utils._signals.expression import (
    Expression,
    Unanswerable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    NO_NUMBER,
    Answer,
    Moment,
    Sample,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import (
        WorkloadReference,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import Question


@dataclasses.dataclass(frozen=True)
class WorkloadMeasure:
    """How a workload is by one of the cluster's measures; ``within`` is in seconds."""

    gauge: Gauge
    measure: str
    reference: WorkloadReference
    within: int

    def ask(self, seconds: float) -> Answer:
        """One value per thing measured; raises RecoveryError where it cannot be read."""
        found = self.gauge.measure(self.measure, self.reference, self.within, seconds)
        at = time.time()
        samples = [
            Sample(one.labels, NO_NUMBER if one.number is None else str(one.number), at, one.detail)
            for one in found
        ]
        return Answer([Moment(at, samples)])


@contextlib.contextmanager
def workload_questions(
    module: AnsibleModule,
) -> Iterator[Callable[[Mapping[str, t.Any]], Question]]:
    """What makes a question of the option ``workload``; the first one connects to the cluster."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def connected() -> tuple[Gauge, Callable[[], str]]:
            client = stack.enter_context(connect(module))
            return Gauge(client), client.default_namespace

        def question(asked: Mapping[str, t.Any]) -> Question:
            gauge, default_namespace = connected()
            (reference,) = selection_from({"workloads": [asked]}, default_namespace).references
            return WorkloadMeasure(gauge, asked["measure"], reference, asked["within"])

        yield question


def with_query(text: str | None) -> Callable[[dict[str, t.Any]], dict[str, t.Any]]:
    """What adds ``query_result`` to a result, where there is a query; raises InvalidInput."""
    if text is None:
        return lambda result: result
    expression = Expression("query", text)

    def shaped(result: dict[str, t.Any]) -> dict[str, t.Any]:
        try:
            return {**result, "query_result": expression.of(result)}
        except Unanswerable as error:
            raise InvalidInput(
                "query", f"does not fit the result ({error})", "Correct it", **result
            ) from None

    return shaped
