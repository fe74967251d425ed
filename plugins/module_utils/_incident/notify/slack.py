# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slack, and what understands its incoming webhooks, such as Mattermost.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
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

OPTIONS = Options(needs=("url",), takes=("ca_cert",))
# Longer messages are split (https://api.slack.com/changelog/2018-04-truncating-really-long-messages).
LONGEST_TEXT = 4000
_MENTION = re.compile(r"@(?=\w)")
_HALF_AN_ENTITY = re.compile(r"&[a-z]*$")


def message(receiver: Receiver, notice: Notice) -> Post:
    """The text for https://api.slack.com/messaging/webhooks, which only we give a form."""
    identity = escaped(notice.incident)
    lines = [
        f"*{escaped(notice.headline)}*",
        f"<{notice.url.replace('&', '&amp;')}|{identity}>" if notice.url else identity,
        escaped(notice.text),
        *(f"• {escaped(name)}: {escaped(value)}" for name, value in notice.facts[1:]),
    ]
    text = "\n".join(filter(None, lines))
    if len(text) > LONGEST_TEXT:
        text = _HALF_AN_ENTITY.sub("", text[: LONGEST_TEXT - 1]) + "…"
    return Post(receiver, receiver.url, {"text": text})


def escaped(text: str) -> str:
    """The text with nothing in it that Slack or Mattermost would take for a link or a mention.

    The rules are those of https://api.slack.com/reference/surfaces/formatting#escaping. Mattermost
    also takes a plain ``@channel`` for a mention, which a space of no width prevents.
    """
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return _MENTION.sub("@\u200b", text)
