# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The postmortem as one page of HTML that needs nothing else: what people read.

No script, no font, no image from anywhere: it opens from a mail as it does in ten years. A policy
in the page forbids whatever is not a style of its own, should something hostile ever get in.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident import chart
from ansible_collections.oncall.recovery.plugins.module_utils._incident.field_html import to_html
from ansible_collections.oncall.recovery.plugins.module_utils._incident.fields import PARTS
from ansible_collections.oncall.recovery.plugins.module_utils._incident.page import PAGE
from ansible_collections.oncall.recovery.plugins.module_utils._incident.report import in_words
from ansible_collections.oncall.recovery.plugins.module_utils._incident.templating import (
    environment,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.text import plain
from ansible_collections.oncall.recovery.plugins.module_utils._incident.times import parsed

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.report import Report

# The names of durations as people say them.
DURATIONS = {
    "time_to_detect": "to detect",
    "time_to_acknowledge": "to acknowledge",
    "time_to_mitigate": "to mitigate",
    "time_to_recover": "to recover",
}


def render_html(
    report: Report, fields: Mapping[str, str], others: Mapping[str, str] | None = None
) -> str:
    """The page. ``fields`` are what people wrote, in Markdown."""
    milestones = report.incident.milestones
    started = parsed(milestones.get("started"))
    recovered = parsed(milestones.get("mitigated") or milestones.get("resolved"))
    charts = [chart.chart_of(curve, report.marks, started, recovered) for curve in report.curves]
    renderer = environment(escape=True)
    # Every value of the page goes through it, so that no text can turn the page's direction round.
    renderer.finalize = _plain_text
    durations = report.incident.durations
    return str(
        renderer.from_string(PAGE).render(
            report=report,
            parts=PARTS,
            fields={name: _markup(text) for name, text in fields.items() if text},
            others={name: _markup(text) for name, text in (others or {}).items()},
            charts=charts,
            numbers=[(told, in_words(durations[name])) for name, told in DURATIONS.items()],
            width=chart.WIDTH,
            height=chart.HEIGHT,
            left=chart.LEFT,
            right=chart.WIDTH - chart.RIGHT,
            top=chart.TOP,
            bottom=chart.HEIGHT - chart.BOTTOM,
            badge=chart.BADGE,
        )
    )


def _plain_text(value: t.Any) -> t.Any:
    # What is HTML already, as a field is, was made plain before.
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return plain(value) if is_text else value


def _markup(text: str) -> t.Any:
    from markupsafe import Markup

    # Safe, since to_html escapes all text before it adds any tag.
    return Markup(to_html(text))
