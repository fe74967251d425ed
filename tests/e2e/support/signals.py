# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What signal_info says."""

from __future__ import annotations

from typing import Any

from .modules import Answer, run_module


def look(*signals: dict[str, Any], **options: Any) -> Answer:
    return run_module("signal_info", None, signals=list(signals), **options)


def verdict_of(*signals: dict[str, Any], **options: Any) -> str:
    answer = look(*signals, **options)
    assert not answer.failed, answer.message
    return str(answer.result["verdict"])
