# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals from the alerts that fire in Alertmanager.

The API is that of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._signals.question import (
    Answer,
    Moment,
    NoAnswer,
    Sample,
)

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._signals.http_json import Endpoint

MOST_NAMES = 10


@dataclasses.dataclass(frozen=True)
class Alerts:
    """How many alerts fire that satisfy all matchers, such as ``severity="critical"``."""

    endpoint: Endpoint
    matchers: tuple[str, ...] = ()
    silenced: bool = False
    inhibited: bool = False

    def ask(self, seconds: float) -> Answer:
        """One number; raises NoAnswer where Alertmanager cannot be asked, or takes no matcher."""
        parameters = {
            "active": "true",
            "silenced": str(self.silenced).lower(),
            "inhibited": str(self.inhibited).lower(),
            "filter": self.matchers,
        }
        reply = self.endpoint.get("/api/v2/alerts", parameters, seconds)
        if reply.status != 200:
            said = self.endpoint.without_secrets(json.dumps(reply.content)[:300])
            raise NoAnswer(
                self.endpoint.shown_url,
                f"answered {reply.status}: {said}",
                "Check the matchers and the address",
            )
        return Answer([Moment(at := time.time(), [count_of(reply.content, self.endpoint, at)])])


def count_of(answer: t.Any, endpoint: Endpoint, at: float) -> Sample:
    """The number of alerts in the JSON of the answer, with their names beside it."""
    try:
        names = [str(alert["labels"].get("alertname", "")) for alert in _listed(answer)]
    except (AttributeError, KeyError, TypeError):
        raise NoAnswer(
            endpoint.shown_url, "does not answer as Alertmanager does", "Correct the address"
        ) from None
    counts = sorted(collections.Counter(names).items())
    # Names are anybody's text.
    told = [f"{count} {json.dumps(name)}" for name, count in counts[:MOST_NAMES]]
    more = [f"{len(counts) - MOST_NAMES} more names"] if len(counts) > MOST_NAMES else []
    return Sample({}, str(len(names)), at, ", ".join([*told, *more]))


def _listed(answer: t.Any) -> list[t.Any]:
    if not isinstance(answer, list):
        raise TypeError
    return answer
