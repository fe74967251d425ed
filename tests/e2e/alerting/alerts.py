# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts as Alertmanager's webhook sends them, with what nobody should have to fear in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Stands in for the rollback where there is no cluster.
RECORDING = Path(__file__).with_name("recording.yml")


def alert(name: str, /, **changes: Any) -> dict[str, Any]:
    """An alert as Alertmanager sends it. Names with an underscore change what is no label."""
    return {
        "status": changes.pop("_status", "firing"),
        "labels": {
            "alertname": "ErrorRateHigh",
            "namespace": "shop",
            "kind": "Deployment",
            "name": name,
            "signal": "error_rate",
            "severity": "critical",
            "playbook": str(RECORDING),
            **changes.pop("_labels", {}),
            **{label: value for label, value in changes.items() if not label.startswith("_")},
        },
        "annotations": {"summary": "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"},
        "startsAt": changes.pop("_starts_at", "2026-11-25T14:00:00.123456789Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/",
        "fingerprint": changes.pop("_fingerprint", "0123456789abcdef"),
    }


def message(*alerts: Any, **changes: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": "{}:{name=\"{{ lookup('pipe', 'touch pwned') }}\"}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "automation",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager/",
        "alerts": list(alerts),
        **changes,
    }
