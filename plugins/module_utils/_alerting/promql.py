# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces of PromQL, checked and quoted, so that no name or label can become a part of a query.

The grammar is that of https://prometheus.io/docs/prometheus/latest/querying/basics/.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Mapping

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MATCHER = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)"([^"\\]|\\["\\nt])*"')
_DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Metric:
    """A metric and the matchers that all of its series have to satisfy."""

    name: str
    matchers: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any], subject: str) -> Metric:
        """One entry of the role's table of metrics: ``name``, and a list ``matchers``."""
        name = options.get("name")
        if not isinstance(name, str) or not _METRIC_NAME.fullmatch(name):
            raise InvalidInput(subject, f"{name!r} is no name of a metric", "Write it as [a-z_:]+")
        return cls(name, checked_matchers(options.get("matchers") or [], subject))

    def where(self, *matchers: str) -> str:
        """The instant selector of the series that satisfy ``matchers`` too."""
        return f"{self.name}{{{','.join((*matchers, *self.matchers))}}}"


def checked_matchers(matchers: t.Any, subject: str) -> tuple[str, ...]:
    """``matchers``, a list such as ``['code=~"5.."']``; raises InvalidInput for anything else."""
    if not isinstance(matchers, (list, tuple)):
        raise InvalidInput(subject, "matchers have to be a list", "Write [] for none")
    for matcher in matchers:
        if (
            not isinstance(matcher, str)
            or _CONTROL.search(matcher)
            or not _MATCHER.fullmatch(matcher)
        ):
            raise InvalidInput(
                subject, f"{matcher!r} is no matcher", """Write it as 'label="value"'"""
            )
    return tuple(matchers)


def equals(label: str, value: str) -> str:
    """The matcher of the series whose label has just that value, whatever is in the value."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{label}="{escaped}"'


def matches(label: str, pattern: str) -> str:
    """The matcher of the series whose whole label a regular expression matches."""
    return equals(label, pattern).replace("=", "=~", 1)


def differs(label: str, pattern: str) -> str:
    """The matcher of the series whose whole label a regular expression does not match."""
    return equals(label, pattern).replace("=", "!~", 1)


def checked_label_name(name: t.Any, subject: str) -> str:
    """``name``, if a series may have a label of that name."""
    if not isinstance(name, str) or not LABEL_NAME.fullmatch(name) or name.startswith("__"):
        raise InvalidInput(subject, f"{name!r} is no name of a label", "Use letters, digits and _")
    return name


def checked_duration(text: t.Any, subject: str, *, zero: bool = False) -> str:
    """``text``, if it is a duration such as ``5m`` or ``1h30m``, longer than nothing."""
    if zero and str(text) in ("0", "0s"):
        return "0s"
    if not isinstance(text, str) or not _DURATION.fullmatch(text) or not re.search("[1-9]", text):
        raise InvalidInput(subject, f"{text!r} is no duration", "Write it as 30s, 5m or 1h30m")
    return text


def checked_number(value: t.Any, subject: str) -> float:
    """``value`` as a number of zero or more; survey answers and ``-e`` bring it as text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise InvalidInput(subject, f"{value!r} is no number", "Write a number of zero or more")
    return number


def number_text(number: float) -> str:
    """A number as PromQL and people read it: ``0.05``, not ``0.05000000000000001``."""
    return format(number, ".12g")
