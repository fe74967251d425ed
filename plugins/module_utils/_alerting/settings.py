# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rules are made of besides the services: metrics, labels, and the options of signals.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    Metric,
    checked_duration,
    checked_label_name,
    checked_matchers,
    checked_number,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.service import (
    Service,
    checked_labels,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEVERITIES = ("critical", "warning", "info")

_PLAYBOOK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_URL = re.compile(r"https?://[^\s{}\"<>\\^`|\x00-\x20\x7f-\uffff]+")


@dataclass(frozen=True)
class Options:
    """The options of one signal for one service; each is checked when it is asked for."""

    subject: str
    values: Mapping[str, t.Any]

    def duration(self, option: str, *, zero: bool = False) -> str:
        return checked_duration(self.values.get(option), f"{self.subject}.{option}", zero=zero)

    def number(self, option: str) -> float:
        return checked_number(self.values.get(option), f"{self.subject}.{option}")

    def ratio(self, option: str) -> float:
        """A number below 1, such as 0.05 for 5 %."""
        number = self.number(option)
        if number >= 1:
            raise InvalidInput(
                f"{self.subject}.{option}", f"{number:g} is no ratio", "Write 0.05 for 5 %"
            )
        return number

    @property
    def enabled(self) -> bool:
        enabled = self.values.get("enabled")
        if not isinstance(enabled, bool):
            raise InvalidInput(self.subject, f"enabled is {enabled!r}", "Write true or false")
        return enabled

    @property
    def severity(self) -> str:
        severity = self.values.get("severity")
        if severity not in SEVERITIES:
            raise InvalidInput(
                self.subject, f"severity is {severity!r}", f"Use {', '.join(SEVERITIES)}"
            )
        return str(severity)

    @property
    def playbook(self) -> str:
        playbook = self.values.get("playbook")
        if playbook and not (isinstance(playbook, str) and _PLAYBOOK.fullmatch(playbook)):
            raise InvalidInput(
                self.subject,
                f"{playbook!r} is no name of a playbook",
                "Write it as oncall.recovery.rollback",
            )
        return playbook or ""

    def children(self, option: str, allowed: Sequence[str]) -> list[Options]:
        """The entries of a list, such as that of burn rates; what one leaves out is as here."""
        listed = self.values.get(option)
        if not isinstance(listed, list) or not listed:
            raise InvalidInput(f"{self.subject}.{option}", "has to be a list with entries")
        inherited = {name: self.values.get(name) for name in allowed}
        children = []
        for number, child in enumerate(listed):
            subject = f"{self.subject}.{option}[{number}]"
            children.append(Options(subject, changed(subject, inherited, child)))
        return children


@dataclass(frozen=True)
class Settings:
    """All inputs but the services.

    ``signals`` holds the options of every signal, ``label_names`` what labels are called in the
    metrics, ``matchers`` what every selector asks for too, ``labels`` what every alert gets.
    """

    signals: Mapping[str, Mapping[str, t.Any]]
    metrics: Mapping[str, Metric]
    label_names: Mapping[str, str]
    matchers: tuple[str, ...]
    labels: Mapping[str, str]
    runbook_url: str

    @classmethod
    def from_options(
        cls,
        *,
        signals: Sequence[t.Any],
        metrics: Sequence[t.Any],
        label_names: Sequence[t.Any],
        matchers: t.Any,
        labels: t.Any,
        runbook_url: t.Any,
    ) -> Settings:
        """From the role's variables; raises InvalidInput.

        ``signals``, ``metrics`` and ``label_names`` are layers: the first says what there is, and
        each of the others changes some of it.
        """
        names = changed("label_names", *label_names)
        return cls(
            signals=changed_options("signals", *signals),
            metrics={
                name: Metric.from_options(options, f"metrics.{name}")
                for name, options in changed_options("metrics", *metrics).items()
            },
            label_names={
                name: checked_label_name(label, f"label_names.{name}")
                for name, label in names.items()
            },
            matchers=checked_matchers(matchers or [], "matchers"),
            labels=checked_labels(labels or {}, "labels"),
            runbook_url=str(runbook_url or ""),
        )

    def options(self, signal: str, service: Service) -> Options:
        """What the signal's options are for the service."""
        subject = f"service {service}: signals"
        signals = changed_options(subject, self.signals, service.signals)
        return Options(f"{subject}.{signal}", signals[signal])

    def runbook(self, signal: str, service: Service) -> str:
        """The address of the page that says what to do; empty where none is set."""
        url = service.runbook_url or self.runbook_url
        for placeholder, value in (
            ("{signal}", signal.replace("_", "-")),
            ("{namespace}", service.namespace),
            ("{kind}", service.kind),
            ("{name}", service.name),
        ):
            url = url.replace(placeholder, value)
        if url and not _URL.fullmatch(url):
            raise InvalidInput(
                f"service {service}: runbook_url",
                f"{url!r} is no address",
                "Write https://..., with {signal}, {namespace}, {kind} and {name} as placeholders",
            )
        return url


def changed(subject: str, shipped: Mapping[str, t.Any], *changes: t.Any) -> dict[str, t.Any]:
    """``shipped`` with the values that ``changes`` bring; raises InvalidInput for unknown names."""
    result = dict(shipped)
    for change in changes:
        if not isinstance(change, dict):
            raise InvalidInput(subject, "has to be a dictionary", "Write {} to change nothing")
        for name in change:
            if name not in shipped:
                raise InvalidInput(
                    subject, f"there is no {name!r}", f"Use {', '.join(map(str, shipped))}"
                )
        result.update(change)
    return result


def changed_options(
    subject: str, shipped: Mapping[str, Mapping[str, t.Any]], *changes: t.Any
) -> dict[str, dict[str, t.Any]]:
    """The same one level deeper: ``changes`` bring options of some of the entries."""
    result = {name: dict(options) for name, options in shipped.items()}
    for change in changes:
        for name in changed(subject, shipped, change):
            if name in change:
                result[name] = changed(f"{subject}.{name}", result[name], change[name])
    return result
