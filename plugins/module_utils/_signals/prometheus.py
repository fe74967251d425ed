# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals from Prometheus, and from what speaks its HTTP API, such as Thanos and Mimir.

The API is that of https://prometheus.io/docs/prometheus/latest/querying/api/.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import NoAnswer
from ansible_collections.oncall.recovery.plugins.module_utils._signals.verdict import Sample

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint

NEXT_STEP = "Try the query in the server's own page"


def ask_now(endpoint: Endpoint, promql: str, seconds: float) -> tuple[list[Sample], list[str]]:
    """What the query evaluates to now, and the server's warnings, such as that data is partial.

    :param seconds: time limit, for the server's work too.

    Raises NoAnswer where the server refuses the query, cannot be asked, or has no instant answer.
    """
    answer = endpoint.get_json(
        "/api/v1/query", {"query": promql, "timeout": f"{max(1, round(seconds))}s"}, seconds
    )
    return samples_of(answer, endpoint.url)


def samples_of(answer: t.Any, url: str) -> tuple[list[Sample], list[str]]:
    """The samples and warnings in the JSON of an instant query; ``url`` is for the errors."""
    if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
        raise NoAnswer(url, "does not answer as Prometheus does", "Correct the address")
    if answer["status"] == "error":
        said = " ".join(str(answer.get("error", "")).split())
        raise NoAnswer(url, f"refuses the query ({answer.get('errorType')}: {said})", NEXT_STEP)
    try:
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "scalar":
            samples = [_sample({}, result)]
        elif kind == "vector":
            samples = [_sample(series["metric"], series["value"]) for series in result]
        else:
            raise NoAnswer(
                url, f"the query gives a {kind}, not one number per series now", NEXT_STEP
            )
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise NoAnswer(url, "does not answer as Prometheus does", "Correct the address") from None
    return samples, [str(warning) for warning in answer.get("warnings") or []]


def _sample(labels: dict[str, str], value: t.Any) -> Sample:
    at, text = value
    sample = Sample(dict(labels), str(text), float(at))
    # Whoever reads the sample later may rely on both.
    sample.as_result()
    return sample
