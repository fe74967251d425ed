# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any other service that takes JSON.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.post import Post
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
    Options,
    Receiver,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
        Notice,
    )

OPTIONS = Options(needs=("url",), takes=("token", "ca_cert"))
# Raised when a member changes its meaning or goes.
VERSION = 1


def message(receiver: Receiver, notice: Notice) -> Post:
    """All of the notice, as data."""
    body = {
        "version": VERSION,
        "source": "oncall.recovery",
        "time": notice.time,
        "stage": notice.stage,
        "headline": notice.headline,
        "text": notice.text,
        "incident": {
            "id": notice.incident,
            "title": notice.title,
            "severity": notice.severity,
            "url": notice.url,
        },
        "workload": dict(notice.workload) or None,
        "details": dict(notice.details),
    }
    headers = {"Authorization": f"Bearer {receiver.token}"} if receiver.token else {}
    return Post(receiver, receiver.url, body, headers)
