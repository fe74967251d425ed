# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes' quantities as numbers, without the half second that importing its package takes.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_SUFFIXES = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    **{f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)},
}
_QUANTITY = re.compile(r"([+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,3})?)([A-Za-z]{0,2})")


def number_of(quantity: object) -> float | None:
    """``250m`` is 0.25, ``64Mi`` is 67108864; None for what is no quantity."""
    matched = _QUANTITY.fullmatch(str(quantity))
    if matched is None or matched[2] not in _SUFFIXES:
        return None
    return float(matched[1]) * _SUFFIXES[matched[2]]
