# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about requests: those that a service answers, and those that it sends to others.

The windows and factors of burn rates are explained at
https://sre.google/workbook/alerting-on-slos/ (multiwindow, multi-burn-rate alerts).

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import percent
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    number_text,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._alerting.case import Case

_BURN_OPTIONS = ("factor", "long", "short", "severity", "playbook")


def error_rate(case: Case) -> list[dict[str, t.Any]]:
    """Too large a part of the requests fails, where there are enough of them to tell."""
    window, threshold = case.options.duration("window"), case.options.ratio("threshold")
    requests = f"sum(rate({case.of_requests('requests')}[{window}]))"
    return [
        case.alert(
            "ErrorRateHigh",
            f"sum(rate({case.of_requests('errors')}[{window}]))\n"
            f"  / {requests} > {number_text(threshold)}\n"
            f"and {requests} > {number_text(case.options.number('minimum_rate'))}",
            f"{{{{ $value | humanizePercentage }}}} of requests failed within {window}"
            f" (limit {percent(threshold)})",
        )
    ]


def error_budget(case: Case) -> list[dict[str, t.Any]]:
    """Failed requests use up what the SLO allows faster than it lasts; nothing without an SLO.

    The long window says that it matters, the short one that it still goes on.
    """
    if case.service.slo is None:
        return []
    burns = case.options.children("burn_rates", _BURN_OPTIONS)
    windows = dict.fromkeys(burn.duration(w) for burn in burns for w in ("short", "long"))
    rules = []
    for window in windows:
        for kind in ("requests", "errors"):
            rate = f"sum(rate({case.of_requests(kind)}[{window}]))"
            rules.append(case.record(_recorded(kind, window), rate))
    budget = f"{100 - case.service.slo:.10g}"
    minimum = number_text(case.options.number("minimum_rate"))
    for burn in burns:
        long, short, factor = burn.duration("long"), burn.duration("short"), burn.number("factor")
        long_requests = case.recorded(_recorded("requests", long))
        long_errors = case.recorded(_recorded("errors", long))
        short_ratio = (
            f"{case.recorded(_recorded('errors', short))}\n"
            f"  / {case.recorded(_recorded('requests', short))}"
        )
        # The value is how many times too fast it goes: failed percent by allowed percent.
        rules.append(
            case.alert(
                "ErrorBudgetBurn",
                f"100 * {long_errors}\n  / {long_requests}\n"
                f"  / {budget} > {number_text(factor)}\n"
                f"and 100 * {short_ratio}\n"
                f"  / {budget} > {number_text(factor)}\n"
                f"and {long_requests} > {minimum}",
                f"failed requests of the last {long} use up the error budget"
                f" {{{{ $value | humanize }}}} times too fast"
                f" (SLO {case.service.slo:.10g}%, limit {factor:g} times)",
                options=burn,
                window=long,
            )
        )
    return rules


def latency(case: Case) -> list[dict[str, t.Any]]:
    """The slowest requests take too long, where there are enough of them to tell."""
    window, quantile = case.options.duration("window"), case.options.ratio("quantile")
    threshold = case.options.number("threshold")
    buckets = f"rate({case.of_requests('latency_buckets')}[{window}])"
    return [
        case.alert(
            "LatencyHigh",
            f"histogram_quantile({number_text(quantile)}, sum by (le) ({buckets}))"
            f" > {number_text(threshold)}\n"
            f"and sum(rate({case.of_requests('requests')}[{window}]))"
            f" > {number_text(case.options.number('minimum_rate'))}",
            f"the slowest {percent(round(1 - quantile, 10))} of requests within {window} take"
            f" {{{{ $value | humanizeDuration }}}} or longer (limit {threshold:g}s)",
        )
    ]


def dependency_timeouts(case: Case) -> list[dict[str, t.Any]]:
    """Too large a part of the calls to one dependency times out; one alert per dependency."""
    window, threshold = case.options.duration("window"), case.options.ratio("threshold")
    dependency = case.label("dependency")
    calls = f"sum by ({dependency}) (rate({case.of_requests('dependency_requests')}[{window}]))"
    timeouts = f"sum by ({dependency}) (rate({case.of_requests('dependency_timeouts')}[{window}]))"
    return [
        case.alert(
            "DependencyTimeouts",
            f"{timeouts}\n  / {calls} > {number_text(threshold)}\n"
            f"and {calls} > {number_text(case.options.number('minimum_rate'))}",
            f"{{{{ $value | humanizePercentage }}}} of calls to {{{{ $labels.{dependency} }}}}"
            f" timed out within {window} (limit {percent(threshold)})",
        )
    ]


def target_down(case: Case) -> list[dict[str, t.Any]]:
    """Too many of the pods cannot be scraped."""
    threshold = case.options.ratio("threshold")
    return [
        case.alert(
            "TargetDown",
            f"1 - avg({case.of_requests('up')}) > {number_text(threshold)}",
            "Prometheus cannot reach {{ $value | humanizePercentage }} of its targets"
            f" (limit {percent(threshold)})",
        )
    ]


def target_absent(case: Case) -> list[dict[str, t.Any]]:
    """There is not even a target that could be down."""
    return [
        case.alert(
            "TargetAbsent",
            # The labels of absent() would be those of the selector.
            f"count(absent({case.of_requests('up')})) > 0",
            "Prometheus has had no target of it"
            f" for {case.options.duration('for', zero=True)}, so nothing watches it",
        )
    ]


def _recorded(kind: str, window: str) -> str:
    return f"workload:http_{kind}:rate{window}"
