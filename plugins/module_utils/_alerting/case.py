# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One signal of one service on its way to rules.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    equals,
    matches,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import Service
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import (
        Options,
        Settings,
    )


@dataclass(frozen=True)
class Case:
    """What the rules of one signal for one service are made from."""

    signal: str
    service: Service
    settings: Settings

    @functools.cached_property
    def options(self) -> Options:
        return self.settings.options(self.signal, self.service)

    def label(self, name: str) -> str:
        """What the metrics call a label."""
        return self.settings.label_names[name]

    def of_requests(self, metric: str, *matchers: str) -> str:
        """The selector of the service's series of a metric about requests.

        ``matchers`` select some of them, such as those of new pods.
        """
        if self.service.matchers:
            return self._selector(metric, *self.service.matchers, *matchers)
        return self.of_pods(metric, *matchers)

    def of_pods(self, metric: str, *matchers: str) -> str:
        """The selector of a metric about pods or containers."""
        pods = matches(self.label("pod"), self.service.pod_pattern)
        return self._selector(metric, self._namespace, pods, *matchers)

    def of_workload(self, metric: str) -> str:
        """The selector of a metric about the workload itself."""
        workload = equals(self.label(self.service.kind.lower()), self.service.name)
        return self._selector(metric, self._namespace, workload)

    def alert(
        self,
        alert: str,
        expression: str,
        summary: str,
        *,
        options: Options | None = None,
        **labels: str,
    ) -> dict[str, t.Any]:
        """The alerting rule; ``summary`` may use Prometheus' templates."""
        options = options or self.options
        runbook = self.settings.runbook(self.signal, self.service)
        return {
            "alert": alert,
            "expr": expression,
            "for": self.options.duration("for", zero=True),
            "labels": {
                **self.settings.labels,
                **self.service.labels,
                **self.identity,
                "signal": self.signal,
                "severity": options.severity,
                **({"team": self.service.team} if self.service.team else {}),
                **({"playbook": options.playbook} if options.playbook else {}),
                **labels,
            },
            "annotations": {
                "summary": f"{self.service}: {summary}",
                **({"runbook_url": runbook} if runbook else {}),
            },
        }

    def record(self, name: str, expression: str) -> dict[str, t.Any]:
        """The recording rule of a series about the service."""
        return {"record": name, "expr": expression, "labels": self.identity}

    def recorded(self, name: str) -> str:
        """The selector of what ``record`` recorded."""
        return f"{name}{{{','.join(equals(*label) for label in self.identity.items())}}}"

    @property
    def identity(self) -> dict[str, str]:
        """The labels that say which workload it is about."""
        return {
            "namespace": self.service.namespace,
            "kind": self.service.kind,
            "name": self.service.name,
        }

    @property
    def _namespace(self) -> str:
        return equals(self.label("namespace"), self.service.namespace)

    def _selector(self, metric: str, *matchers: str) -> str:
        return self.settings.metrics[metric].where(*matchers, *self.settings.matchers)


def percent(ratio: float) -> str:
    """A ratio as people read it: ``5%``."""
    return f"{ratio * 100:.6g}%"
