# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API that the shop depends on; its faults are switched by its settings like the shop's."""

from __future__ import annotations

from .pages import Answer, Context, Page


def quote(context: Context) -> Answer:
    return Answer({"shipping_cents": 490, "upstream_version": context.version})


UPSTREAM_PAGES: dict[str, Page] = {"/quote": quote}
