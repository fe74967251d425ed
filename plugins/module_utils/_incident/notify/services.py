# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that can be told, a file each.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify import (
    mail,
    opsgenie,
    pagerduty,
    slack,
    webhook,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
        Notice,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
        Options,
        Receiver,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.telling import (
        Message,
    )


@dataclasses.dataclass(frozen=True)
class Service:
    """One type of receivers.

    ``message`` makes what tells a receiver, or None where the stage is nothing for the service.
    """

    options: Options
    message: Callable[[Receiver, Notice], Message | None]


# In the order of the documentation.
SERVICES = {
    "slack": Service(slack.OPTIONS, slack.message),
    "pagerduty": Service(pagerduty.OPTIONS, pagerduty.message),
    "opsgenie": Service(opsgenie.OPTIONS, opsgenie.message),
    "mail": Service(mail.OPTIONS, mail.message),
    "webhook": Service(webhook.OPTIONS, webhook.message),
}
