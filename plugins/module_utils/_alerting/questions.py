# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions of what users get, as PromQL: one number, or one for each pod.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    number_text,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case


class Question(t.Protocol):
    def __call__(self, case: Case, *matchers: str, offset: str = "", by: str = "") -> str:
        """The query for the requests that ``matchers`` select.

        ``offset`` is PromQL's for an earlier time, ``by`` a label to have a number for each of.
        """


def error_rate(case: Case, *matchers: str, offset: str = "", by: str = "") -> str:
    """Failed requests by all requests; no series where there are too few to tell."""
    window = case.options.duration("window")
    errors = f"{_sum(by)}(rate({case.of_requests('errors', *matchers)}[{window}]{offset}))"
    requests = request_rate(case, *matchers, offset=offset, by=by)
    # Without a single failure there is no series of failures, which is good news.
    failed = f"({errors} or 0 * {requests})"
    return f"{failed}\n  / {requests}\n{_enough(case, *matchers, offset=offset, by=by)}"


def latency(case: Case, *matchers: str, offset: str = "", by: str = "") -> str:
    """Seconds that the quantile of requests takes; no series where there are too few to tell."""
    window, quantile = case.options.duration("window"), case.options.ratio("quantile")
    buckets = f"rate({case.of_requests('latency_buckets', *matchers)}[{window}]{offset})"
    labels = f"le, {by}" if by else "le"
    return (
        f"histogram_quantile({number_text(quantile)}, sum by ({labels}) ({buckets}))\n"
        f"{_enough(case, *matchers, offset=offset, by=by)}"
    )


def request_rate(case: Case, *matchers: str, offset: str = "", by: str = "") -> str:
    """Requests per second."""
    window = case.options.duration("window")
    return f"{_sum(by)}(rate({case.of_requests('requests', *matchers)}[{window}]{offset}))"


def _enough(case: Case, *matchers: str, offset: str, by: str) -> str:
    minimum = number_text(case.options.number("minimum_rate"))
    return f"and {request_rate(case, *matchers, offset=offset, by=by)} > {minimum}"


def _sum(by: str) -> str:
    return f"sum by ({by}) " if by else "sum"
