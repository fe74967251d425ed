# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others wrote, made fit to be sent: of plain characters, without secrets, bounded.

Titles, texts and details come from alerts and logs, so they may be of any size and try any trick.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.text import plain
from ansible_collections.oncall.recovery.plugins.module_utils._redact import (
    masked_text,
    masked_value,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

MOST_DETAILS = 30
LONGEST_NAME = 100
LONGEST_VALUE = 500
# Of a detail that is no text.
MOST_ELEMENTS = 50
DEEPEST = 5
# Secrets are masked before the text is cut, so that none is left half; what lies far beyond the
# cut need not be looked at.
LOOKED_AT = 4


def prose(text: str, longest: int) -> str:
    """A text of several lines, of so many characters at most."""
    told = masked_text(plain(text[: longest * LOOKED_AT])).strip()
    return within(told, longest)


def line(text: str, longest: int) -> str:
    """A text for one line."""
    return " ".join(prose(text, longest).split())


def within(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def details_of(given: Mapping[str, t.Any]) -> dict[str, str]:
    """Each detail as a line; what is no text is written as JSON."""
    told: dict[str, str] = {}
    for name, value in list(given.items())[:MOST_DETAILS]:
        masked = masked_value(str(name), _cut(value))
        text = masked if isinstance(masked, str) else json.dumps(masked, ensure_ascii=False)
        told[line(str(name), LONGEST_NAME) or "-"] = line(text, LONGEST_VALUE)
    if len(given) > MOST_DETAILS:
        told["…"] = f"{len(given) - MOST_DETAILS} more details"
    return told


def _cut(value: t.Any, deepest: int = DEEPEST) -> t.Any:
    """Plain data without what no line of a detail could show, so that masking it takes no time."""
    if isinstance(value, str):
        return value[: LONGEST_VALUE * LOOKED_AT]
    if isinstance(value, (dict, list)) and not deepest:
        return "…"
    if isinstance(value, dict):
        items = list(value.items())[:MOST_ELEMENTS]
        return {str(name)[:LONGEST_NAME]: _cut(inner, deepest - 1) for name, inner in items}
    if isinstance(value, list):
        return [_cut(inner, deepest - 1) for inner in value[:MOST_ELEMENTS]]
    return value
