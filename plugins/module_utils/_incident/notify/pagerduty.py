# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PagerDuty, by its Events API v2.

The format is that of https://developer.pagerduty.com/docs/events-api-v2/trigger-events/.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

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

OPTIONS = Options(
    needs=("routing_key",), takes=("url", "ca_cert"), url="https://events.pagerduty.com/v2/enqueue"
)
# What the automation does by itself acknowledges nothing: nobody would be called any more, and
# a trigger on what is acknowledged calls nobody again when the automation needs a person.
ACTIONS = {
    OPENED: "trigger",
    APPROVAL_NEEDED: "trigger",
    HANDED_OVER: "trigger",
    ACKNOWLEDGED: "acknowledge",
    RESOLVED: "resolve",
}
LONGEST_SUMMARY = 1024
LONGEST_KEY = 255


def message(receiver: Receiver, notice: Notice) -> Post | None:
    """The event for a stage; None for one that PagerDuty has no event for."""
    action = ACTIONS.get(notice.stage)
    if action is None:
        return None
    body: dict[str, t.Any] = {
        "routing_key": receiver.routing_key,
        "event_action": action,
        "dedup_key": notice.key(LONGEST_KEY),
    }
    if action == "trigger":
        body |= _alert(notice)
    return Post(receiver, receiver.url, body, masked=("routing_key",))


def _alert(notice: Notice) -> dict[str, t.Any]:
    payload: dict[str, t.Any] = {
        "summary": within(notice.headline, LONGEST_SUMMARY),
        "source": notice.workload_name or notice.key(LONGEST_KEY),
        "severity": notice.grade,
        "timestamp": notice.time,
        "custom_details": {
            **notice.details,
            "stage": notice.stage,
            "text": notice.text,
            "severity": notice.severity,
        },
    }
    if notice.workload:
        payload |= {"component": notice.workload["name"], "group": notice.workload["namespace"]}
    alert: dict[str, t.Any] = {"payload": payload, "client": "oncall.recovery"}
    if notice.url:
        alert |= {
            "client_url": notice.url,
            "links": [{"href": notice.url, "text": "Record of the incident"}],
        }
    return alert
