# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch that stops automatic recovery: a ConfigMap that anybody on call can edit.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME = "oncall-recovery"
KEY = "automation"
# Anything else stops automation: a typing error must not keep it running.
ON = ("on", "true", "yes", "enabled")


def thrown_switches(config_maps: Iterable[Mapping[str, t.Any]]) -> list[str]:
    """The switches among these ConfigMaps that are off, as ``namespace/name (automation: value)``.

    One without the key is on. The key, too, may be written in capitals.
    """
    thrown = []
    for config_map in config_maps:
        metadata = config_map["metadata"]
        for key, value in (config_map.get("data") or {}).items():
            is_switch = metadata["name"] == NAME and key.lower() == KEY
            if is_switch and value.strip().lower() not in ON:
                shown = " ".join(value.split())[:40]
                thrown.append(f"{metadata['namespace']}/{NAME} ({key}: {shown!r})")
    return thrown
