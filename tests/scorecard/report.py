# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the scorecard."""

from __future__ import annotations

from collections.abc import Sequence

from .telling import Score

COLUMNS = ("scenario", "expected", "decided", "acted", "failing", "to recover", "")


def table(scores: Sequence[Score]) -> str:
    """One line for each scenario, and what is right of all."""
    rows = [
        (
            score.scenario,
            score.expected,
            score.decided,
            score.acted or "-",
            f"{score.failing_seconds} s",
            "-" if score.time_to_recover is None else f"{score.time_to_recover:.0f} s",
            "right" if score.is_right else f"WRONG: {score.why}",
        )
        for score in scores
    ]
    widths = [max(len(row[column]) for row in (COLUMNS, *rows)) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (COLUMNS, *rows)
    ]
    right = sum(score.is_right for score in scores)
    wrong = sum(score.wrong_action for score in scores)
    lines.append(f"\n{right} of {len(scores)} right, {wrong} wrong actions taken")
    return "\n".join(lines)
