# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that alerts are about: one workload, and which series are its own.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    checked_label_name,
    checked_matchers,
    checked_number,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
# What the rules set themselves; whoever reads alerts relies on it.
OWN_LABELS = frozenset(
    ("alertname", "kind", "name", "namespace", "playbook", "severity", "signal", "team", "window")
)

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Kubernetes makes pods' names of these letters only, so "web" is not mistaken for "web-api".
# https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_HASH = re.compile(r"[a-z0-9]{1,63}")
# What a pod's name keeps of what its owner is called.
_LONGEST_BASE = 58


@dataclass(frozen=True)
class Service:
    """One workload.

    ``slo`` is the percentage of requests that have to succeed, or None. ``matchers`` say which
    series of the metrics about requests are its own; without any it is those of its pods.
    ``signals`` are changes to the options of signals, by the signals' names.
    """

    namespace: str
    kind: str
    name: str
    team: str = ""
    slo: float | None = None
    matchers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook_url: str = ""
    signals: Mapping[str, Mapping[str, t.Any]] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: t.Any) -> Service:
        """The service of one entry in the role's list; raises InvalidInput."""
        if not isinstance(options, dict):
            raise InvalidInput("services", f"{options!r} is no service", "Write a dictionary")
        known = cls.__dataclass_fields__
        subject = f"service {options.get('name')!r}"
        for option in options:
            if option not in known:
                raise InvalidInput(
                    subject, f"there is no option {option!r}", f"Use {', '.join(known)}"
                )
        namespace = _checked(options, "namespace", _NAMESPACE, subject)
        name = _checked(options, "name", _NAME, subject)
        kind = options.get("kind") or "Deployment"
        if kind not in KINDS:
            raise InvalidInput(
                subject, f"{kind!r} is no kind of workload", f"Use {', '.join(KINDS)}"
            )
        subject = f"service {kind} {namespace}/{name}"
        return cls(
            namespace=namespace,
            kind=kind,
            name=name,
            team=_checked(options, "team", _TEAM, subject) if options.get("team") else "",
            slo=_checked_slo(options.get("slo"), subject),
            matchers=checked_matchers(options.get("matchers") or [], subject),
            labels=checked_labels(options.get("labels") or {}, subject),
            runbook_url=str(options.get("runbook_url") or ""),
            signals=options.get("signals") or {},
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def pod_pattern(self) -> str:
        """A regular expression (RE2) of the names of the workload's pods."""
        if self.kind == "StatefulSet":
            return f"{_literal(self.name)}-[0-9]+"
        base = f"{self.name}-"
        if self.kind == "DaemonSet":
            return f"{_literal(base[:_LONGEST_BASE])}{_RANDOM}{{5}}"
        if self._cuts_the_hash:
            # How much of it is cut off depends on its length.
            return f"{_literal(base[:_LONGEST_BASE])}[-a-z0-9]+"
        return f"{_literal(base)}{_RANDOM}{{1,10}}-{_RANDOM}{{5}}"

    def pod_pattern_of(self, revision_hash: str) -> str | None:
        """The same of one revision's pods; None where their names do not say the revision."""
        if self.kind != "Deployment" or self._cuts_the_hash:
            return None
        if not _HASH.fullmatch(revision_hash):
            raise InvalidInput(
                str(self), f"{revision_hash!r} is no hash of a revision", "Use k8s_rollout_info's"
            )
        return f"{_literal(self.name)}-{revision_hash}-{_RANDOM}{{5}}"

    @property
    def _cuts_the_hash(self) -> bool:
        return len(f"{self.name}-0123456789-") > _LONGEST_BASE


def checked_labels(labels: t.Any, subject: str) -> dict[str, str]:
    """Labels for alerts as they are; raises InvalidInput for what Prometheus would interpret."""
    if not isinstance(labels, dict):
        raise InvalidInput(subject, "labels have to be a dictionary", "Write {} for none")
    for name, value in labels.items():
        checked_label_name(name, subject)
        if name in OWN_LABELS:
            raise InvalidInput(
                subject, f"the rules set the label {name!r} themselves", "Choose another name"
            )
        checked_text(value, f"{subject}: label {name}")
    return dict(labels)


def checked_text(text: t.Any, subject: str) -> str:
    """``text``, if it is one line in which Prometheus finds no template to run."""
    if not isinstance(text, str) or _UNPRINTABLE.search(text) or "{{" in text or "}}" in text:
        raise InvalidInput(
            subject, f"{text!r} is not plain text", "Write one line without {{ and }}"
        )
    return text


def _checked(
    options: Mapping[str, t.Any], option: str, pattern: re.Pattern[str], subject: str
) -> str:
    value = options.get(option)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidInput(
            subject, f"{option} {value!r} is not allowed", f"It has to match {pattern.pattern}"
        )
    return value


def _checked_slo(value: t.Any, subject: str) -> float | None:
    if value in (None, ""):
        return None
    slo = checked_number(value, f"{subject}: slo")
    if not 50 <= slo < 100:
        raise InvalidInput(
            subject, f"slo {value!r} is not from 50 to below 100", "Write 99.9 for 99.9 %"
        )
    return slo


def _literal(name: str) -> str:
    return name.replace(".", "[.]")
