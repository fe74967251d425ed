# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that several files here use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .scripted import ScriptedClient


@pytest.fixture
def clients() -> Iterator[list[ScriptedClient]]:
    """Those whose silent watches have to end with the test."""
    made: list[ScriptedClient] = []
    yield made
    for client in made:
        client.stop()
