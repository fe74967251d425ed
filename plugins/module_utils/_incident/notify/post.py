# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages that are posted as JSON.

Ansible's ``open_url`` will not do: it makes its opener that of the whole process, so that of two
messages under way at once, one could go out with the trust in certificates that is the other's.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.trouble import (
    Undelivered,
    no_connection,
    words_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._redact import MASK

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
        Receiver,
    )

MOST_BYTES_OF_AN_ANSWER = 16 * 1024
# Beside 5xx: what is worth another attempt (https://www.rfc-editor.org/rfc/rfc9110#section-15.5).
TRANSIENT = (408, 425, 429)
NEXT_STEPS = {
    401: "Check the key or token of this receiver",
    403: "Check the key or token of this receiver, and what it is allowed to do",
    404: "Check the address of this receiver; it may have been revoked",
    410: "Check the address of this receiver; it may have been revoked",
}


@dataclasses.dataclass(frozen=True)
class Post:
    """``body`` as JSON for ``url``. What is in ``masked`` are members of it that hold secrets."""

    receiver: Receiver
    url: str
    body: Mapping[str, t.Any]
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    masked: tuple[str, ...] = ()

    def shown(self) -> dict[str, t.Any]:
        """What a person may see of it."""
        hidden = {name: MASK for name in self.masked if name in self.body}
        return {"address": self.receiver.origin, "body": {**self.body, **hidden}}

    def send(self, seconds: float) -> None:
        """Post it; each step may take so many seconds. Raises Undelivered."""
        import http.client
        import urllib.request

        request = urllib.request.Request(
            self.url,
            data=json.dumps(self.body).encode(),
            headers={
                "Content-Type": "application/json",
                "User-Agent": "oncall.recovery",
                **self.headers,
            },
        )
        # A redirect would carry the credentials to wherever it points, so nothing follows one.
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=self.receiver.trust()),
        ):
            opener.add_handler(handler)
        try:
            with opener.open(request, timeout=seconds) as answer:
                if not 200 <= answer.status < 300:
                    said = answer.read(MOST_BYTES_OF_AN_ANSWER)
                    raise self._refused(answer.status, said, answer.headers.get("Retry-After"))
        except http.client.HTTPException as error:
            raise Undelivered(
                f"no answer of HTTP ({type(error).__name__})",
                "Check the address of this receiver",
                is_transient=True,
            ) from None
        except (OSError, UnicodeError) as error:
            raise no_connection(self.receiver, error, seconds) from None

    def _refused(self, status: int, said: bytes, retry_after: str | None) -> Undelivered:
        words = words_of(self.receiver, said)
        why = f"answered {status}{': ' if words else ''}{words}"
        if 300 <= status < 400:
            return Undelivered(
                f"answered {status}, and redirects are not followed", "Give the address behind it"
            )
        if status in TRANSIENT or status >= 500:
            wait = float(retry_after) if retry_after and retry_after.isdecimal() else None
            return Undelivered(
                why,
                "See whether the service is up, and tell people in another way",
                is_transient=True,
                wait=wait,
            )
        return Undelivered(
            why, NEXT_STEPS.get(status, "Correct this receiver by what the service says")
        )
