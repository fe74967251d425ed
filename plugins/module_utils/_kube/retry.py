# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a request is sent again, as a policy for urllib3.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import functools
import ssl
import time
import typing as t

# Answers that say "not now" and leave nothing done.
REFUSED_FOR_NOW = (429,)
# Answers after which only a request without effects may be sent again.
SERVER_TROUBLE = (429, 500, 502, 503, 504)
LONGEST_BACKOFF_SECONDS = 5.0
# Which of the two it is depends on the release of Python.
ENDED_CONNECTION = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


@functools.lru_cache(maxsize=1)
def _policy_class() -> type[t.Any]:
    import urllib3
    from urllib3.util.retry import Retry

    class DeadlineRetry(Retry):
        """urllib3's Retry that gives up rather than sleep past ``deadline`` (monotonic seconds)."""

        deadline = 0.0

        def new(self, **changes: t.Any) -> t.Any:
            policy = super().new(**changes)
            policy.deadline = self.deadline
            return policy

        def increment(
            self,
            method: str | None = None,
            url: str | None = None,
            response: t.Any = None,
            error: Exception | None = None,
            _pool: t.Any = None,
            _stacktrace: t.Any = None,
        ) -> t.Any:
            # urllib3 takes any trouble with TLS for lasting; this one is a connection that ended.
            if error and isinstance(error.args[0] if error.args else None, ENDED_CONNECTION):
                error = urllib3.exceptions.ProtocolError("Connection aborted.", error.args[0])
            return super().increment(method, url, response, error, _pool, _stacktrace)

        def get_backoff_time(self) -> float:
            return min(super().get_backoff_time(), LONGEST_BACKOFF_SECONDS)

        def is_exhausted(self) -> bool:
            return super().is_exhausted() or time.monotonic() >= self.deadline

        def get_retry_after(self, response: t.Any) -> float | None:
            asked: float | None = super().get_retry_after(response)
            if asked is None:
                return None
            return min(asked, max(0.0, self.deadline - time.monotonic()))

    return DeadlineRetry


def retry_policy(*, idempotent: bool, budget: float) -> t.Any:
    """Return a policy that tries again for at most ``budget`` seconds.

    A request that never reached the server is always sent again, and so is one that the server
    turned away with 429. Server trouble and lost answers are retried for idempotent requests
    only: a patch may have been done, so the caller has to look first.
    """
    policy = _policy_class()(
        total=None,
        connect=20,
        read=6 if idempotent else 0,
        status=12,
        other=0,
        redirect=0,
        allowed_methods=None,
        status_forcelist=SERVER_TROUBLE if idempotent else REFUSED_FOR_NOW,
        backoff_factor=0.2,
        raise_on_status=False,
        respect_retry_after_header=True,
    )
    policy.deadline = time.monotonic() + budget
    return policy
