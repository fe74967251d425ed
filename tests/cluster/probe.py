# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a server of our own whether it is ready."""

from __future__ import annotations

import ssl
import urllib.request


def says_ok(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a GET of ``url`` gives a good status within 5 s."""
    # A proxy from the environment has no business between us and our own server.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=5):
            return True
    except OSError:
        return False
