# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch that stops automatic recovery: a ConfigMap that anybody on call can edit.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.facts import (
    Listing,
    read_facts,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

NAME = "oncall-recovery"
KEY = "automation"
# Anything else stops automation: a typing error must not keep it running.
ON = ("on", "true", "yes", "enabled")


def switches_in(namespaces: Iterable[str]) -> list[Listing]:
    """What to read for the switches of these namespaces, of each once."""
    by_name = f"metadata.name={NAME}"
    return [Listing("configmaps", one, field_selector=by_name) for one in dict.fromkeys(namespaces)]


def why_switched_off(client: Client, namespaces: Iterable[str]) -> str:
    """Why automation may do nothing in these namespaces; empty where it may.

    Raises RecoveryError where a switch cannot be read, so that nothing is done then either.
    """
    listings = switches_in(namespaces)
    facts = read_facts(client, listings)
    thrown = thrown_switches(found for listing in listings for found in facts.objects(listing))
    return f"automation is switched off by ConfigMap {' and '.join(thrown)}" if thrown else ""


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
