# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receivers and notices as the module's options describe them."""

from __future__ import annotations

from typing import Any

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.announcing import (
    receivers_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import Notice
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
    Receiver,
)

SLACK_URL = "https://hooks.slack.example/services/T0/B0/s3cretS3cretS3cretS3cret"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
API_KEY = "s3cret-api-key"
OPTIONS: dict[str, dict[str, Any]] = {
    "slack": {"url": SLACK_URL},
    "pagerduty": {"routing_key": ROUTING_KEY},
    "opsgenie": {"api_key": API_KEY},
    "mail": {"smtp_host": "mail.example", "from": "oncall@shop.example", "to": ["a@shop.example"]},
    "webhook": {"url": "https://status.example/hooks/1", "token": "s3cret-token"},
}


def options_of(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": f"my {kind}", "type": kind, **OPTIONS[kind], **more}


def receiver(kind: str, **more: Any) -> Receiver:
    (made,) = receivers_from([options_of(kind, **more)])
    return made


def notice(stage: str = "opened", incident: dict[str, Any] | None = None, **more: Any) -> Notice:
    about = {"id": "INC-1", "title": "The shop fails", **(incident or {})}
    return Notice.from_options({"stage": stage, "incident": about, **more})
