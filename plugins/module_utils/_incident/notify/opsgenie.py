# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opsgenie, and what took its place, Jira Service Management, by the Alert API.

The format is that of https://docs.opsgenie.com/docs/alert-api.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
    ACKNOWLEDGED,
    APPROVAL_NEEDED,
    HANDED_OVER,
    OPENED,
    RESOLVED,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.post import Post
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
    Options,
    Receiver,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.words import within

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
        Notice,
    )

OPTIONS = Options(needs=("api_key",), takes=("url", "ca_cert"), url="https://api.opsgenie.com")
SOURCE = "oncall.recovery"
# As with PagerDuty: what the automation does by itself stops no call. "" creates.
ACTIONS = {
    OPENED: "",
    APPROVAL_NEEDED: "",
    HANDED_OVER: "",
    ACKNOWLEDGED: "/acknowledge",
    RESOLVED: "/close",
}
PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
LONGEST_MESSAGE = 130
LONGEST_ALIAS = 512
LONGEST_ENTITY = 512
LONGEST_DESCRIPTION = 15000
# Names and values together.
LONGEST_DETAILS = 8000


def message(receiver: Receiver, notice: Notice) -> Post | None:
    """The request for a stage; None for one that changes nothing about an alert."""
    action = ACTIONS.get(notice.stage)
    if action is None:
        return None
    alias = notice.key(LONGEST_ALIAS)
    address = f"{receiver.url.rstrip('/')}/v2/alerts"
    if action:
        address += f"/{urllib.parse.quote(alias, safe='')}{action}?identifierType=alias"
    note = within(notice.headline, LONGEST_MESSAGE)
    body = {"source": SOURCE, "note": note} if action else _alert(alias, notice)
    return Post(receiver, address, body, {"Authorization": f"GenieKey {receiver.api_key}"})


def _alert(alias: str, notice: Notice) -> dict[str, t.Any]:
    return {
        "message": within(notice.headline, LONGEST_MESSAGE),
        "alias": alias,
        "description": within(notice.body, LONGEST_DESCRIPTION),
        "details": _fitting({"stage": notice.stage, **notice.details}),
        "entity": within(notice.workload_name, LONGEST_ENTITY),
        "source": SOURCE,
        "priority": PRIORITIES[notice.grade],
    }


def _fitting(details: dict[str, str]) -> dict[str, str]:
    """The first ones that fit into the limit; all of them are in the description."""
    fitting, left = {}, LONGEST_DETAILS
    for name, value in details.items():
        left -= len(name) + len(value)
        if left < 0:
            break
        fitting[name] = value
    return fitting
