# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Alertmanager says, as one event per workload that starts to fail or is well again.

ansible-rulebook puts values of events into templates and extra variables, and ansible-playbook
takes those for templates. So labels, which anybody writes who can make an alert, pass only where
they match a pattern as a whole, and nothing else of a message passes at all.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import logging
import re
import typing as t

DOCUMENTATION = r"""
---
short_description: Turn messages of Alertmanager into events that are safe to act on.
description:
  - An event filter for messages of Alertmanager's webhook, as eda.builtin.webhook passes them on.
  - Makes one event for each workload and playbook whose first alert fires (state firing), and one
    when its last alert is resolved (state resolved). What fires in between makes none.
  - An event has the key alert with state, cluster, kind, namespace, name, playbook, incident,
    reason, and workload, a list with one mapping of kind, namespace and name.
  - Alerts whose labels kind, namespace, name, playbook, signal or cluster are not those of a
    workload are left out. The log says in one line each what was left out and why.
  - What is known of open alerts is lost when ansible-rulebook ends.
"""

EXAMPLES = r"""
- eda.builtin.webhook:
    port: 5000
  filters:
    - oncall.recovery.alert_groups:
"""

logger = logging.getLogger("oncall.recovery.alert_groups")

MOST_GROUPS = 10_000
MOST_ALERTS_PER_GROUP = 1_000
MOST_LINES_PER_MESSAGE = 20
MOST_CHARACTERS_SHOWN = 80
MOST_SIGNALS_IN_A_REASON = 5

_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
# The names that Kubernetes allows, of the rest what alert_rules writes. Each has to match whole.
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_PATTERNS = {
    "kind": re.compile(r"Deployment|StatefulSet|DaemonSet"),
    "namespace": re.compile(_DNS_LABEL),
    "name": re.compile(rf"(?=.{{1,253}}\Z){_DNS_LABEL}(?:\.{_DNS_LABEL})*"),
    "playbook": re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./-]{0,199}"),
    "signal": re.compile(r"[a-z][a-z0-9_]{0,62}"),
    "cluster": re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"),
}
_OPTIONAL_LABELS = {"cluster": ""}
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
# Go's fractions are longer than those that Python reads; seconds do.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
FIRING, RESOLVED = "firing", "resolved"
_Answer = t.TypeVar("_Answer")


class Ignored(Exception):
    """Why nothing is done; may have text of the message in it, as ``shown`` returns it."""


@dataclasses.dataclass(frozen=True)
class Group:
    """What one playbook is run for: the workload that alerts are about."""

    cluster: str
    kind: str
    namespace: str
    name: str
    playbook: str

    def __str__(self) -> str:
        where = f" in cluster {self.cluster}" if self.cluster else ""
        return f"{self.kind} {self.namespace}/{self.name}{where} ({self.playbook})"


@dataclasses.dataclass(frozen=True)
class Alert:
    """An alert all of whose parts are checked."""

    group: Group
    signal: str
    state: str
    fingerprint: str
    starts_at: datetime.datetime


@dataclasses.dataclass
class _Known:
    """Of a group: the alerts that fire, by fingerprint, and when those began that are over."""

    firing: set[str] = dataclasses.field(default_factory=set)
    over: dict[str, datetime.datetime] = dataclasses.field(default_factory=dict)

    def hear(self, alert: Alert) -> None:
        if alert.state == FIRING:
            if not self.is_over(alert) and len(self.firing) < MOST_ALERTS_PER_GROUP:
                self.firing.add(alert.fingerprint)
            return
        self.firing.discard(alert.fingerprint)
        self.over[alert.fingerprint] = alert.starts_at
        if len(self.over) > MOST_ALERTS_PER_GROUP:
            del self.over[next(iter(self.over))]

    def is_over(self, alert: Alert) -> bool:
        """Whether its end was told before: one of several Alertmanagers may be late."""
        end_told = self.over.get(alert.fingerprint)
        return end_told is not None and alert.starts_at <= end_told


class Groups:
    """Remembers which groups fire. When there are too many, those that were quiet longest go."""

    def __init__(self, most: int = MOST_GROUPS) -> None:
        self._most = most
        self._known: collections.OrderedDict[Group, _Known] = collections.OrderedDict()

    def events_of(self, message: object) -> list[dict[str, t.Any]]:
        """The events that a message makes; what it does not make any of goes to the log."""
        told: list[str] = []
        alerts: dict[Group, list[Alert]] = {}
        for entry in _unless_ignored(told, _alerts_of, message) or ():
            alert = _unless_ignored(told, checked, entry)
            if alert:
                alerts.setdefault(alert.group, []).append(alert)
        events = [_unless_ignored(told, self._event_of, *of_group) for of_group in alerts.items()]
        _log(told)
        return [event for event in events if event]

    def _event_of(self, group: Group, alerts: list[Alert]) -> dict[str, t.Any]:
        known = self._known.setdefault(group, _Known())
        self._known.move_to_end(group)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        was_firing = bool(known.firing)
        new = [alert for alert in alerts if alert.state == FIRING and not known.is_over(alert)]
        for alert in alerts:
            known.hear(alert)
        if known.firing and not was_firing:
            return {"alert": as_event(FIRING, group, new)}
        if was_firing and not known.firing:
            return {"alert": as_event(RESOLVED, group, alerts)}
        if known.firing:
            raise Ignored(f"{group}: acted on already, and not all of its alerts are resolved")
        if any(alert.state == FIRING for alert in alerts):
            raise Ignored(f"{group}: fires in an old message; its end was told since")
        raise Ignored(f"{group}: resolved, and nothing was known to fire")


def checked(entry: object) -> Alert:
    """An alert of a message; raises Ignored where a part of it is not what it has to be."""
    if not isinstance(entry, dict) or not isinstance(entry.get("labels"), dict):
        raise Ignored("an alert without labels")
    labels = {name: _label(name, entry["labels"]) for name in _PATTERNS}
    signal = labels.pop("signal")
    group = Group(**labels)
    state = entry.get("status")
    if state not in (FIRING, RESOLVED):
        raise Ignored(f"{group}: the status is neither firing nor resolved but {shown(state)}")
    fingerprint = entry.get("fingerprint")
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        raise Ignored(f"{group}: not a fingerprint: {shown(fingerprint)}")
    return Alert(group, signal, state, fingerprint, _time(group, entry.get("startsAt")))


def as_event(state: str, group: Group, alerts: list[Alert]) -> dict[str, t.Any]:
    """The event; its incident has the same name whoever tells of the alerts, and how often."""
    since = min(alert.starts_at for alert in alerts)
    signals = sorted({alert.signal for alert in alerts})
    more = ", ..." if len(signals) > MOST_SIGNALS_IN_A_REASON else ""
    cluster = f"{group.cluster}-" if group.cluster else ""
    return {
        "state": state,
        **dataclasses.asdict(group),
        "workload": [{"kind": group.kind, "namespace": group.namespace, "name": group.name}],
        "incident": (
            f"alert-{since:%Y%m%dT%H%M%SZ}-{cluster}{group.namespace}-{group.kind.lower()}-{group.name}"
        ),
        "reason": (
            f"alert {', '.join(signals[:MOST_SIGNALS_IN_A_REASON])}{more}"
            f" since {since:%Y-%m-%d %H:%M:%S} UTC"
        ),
    }


def shown(text: object) -> str:
    """Foreign text for a line of a log: quoted, without control characters, and not long."""
    quoted = ascii(
        text[: 2 * MOST_CHARACTERS_SHOWN] if isinstance(text, str) else type(text).__name__
    )
    return (
        quoted if len(quoted) <= MOST_CHARACTERS_SHOWN else f"{quoted[:MOST_CHARACTERS_SHOWN]}..."
    )


def _unless_ignored(
    told: list[str], ask: t.Callable[..., _Answer], *arguments: t.Any
) -> _Answer | None:
    """What ``ask`` returns. Where it raises Ignored, that is None, and why goes to ``told``."""
    try:
        return ask(*arguments)
    except Ignored as why:
        told.append(str(why))
        return None


def _alerts_of(message: object) -> list[object]:
    alerts = message.get("alerts") if isinstance(message, dict) else None
    if not isinstance(alerts, list):
        raise Ignored("not a message of Alertmanager: it has no list of alerts")
    return alerts


def _label(name: str, labels: dict[t.Any, t.Any]) -> str:
    value = labels.get(name, _OPTIONAL_LABELS.get(name))
    if value is None:
        raise Ignored(f"an alert without the label {name}")
    if not isinstance(value, str) or not _PATTERNS[name].fullmatch(value):
        raise Ignored(f"the label {name} is not one of a workload: {shown(value)}")
    return value


def _time(group: Group, text: object) -> datetime.datetime:
    matched = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if matched:
            read = datetime.datetime.strptime("".join(matched.groups()), "%Y-%m-%dT%H:%M:%S%z")
            return read.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        pass
    raise Ignored(f"{group}: startsAt is not a time: {shown(text)}")


def _log(told: list[str]) -> None:
    for line in told[:MOST_LINES_PER_MESSAGE]:
        logger.warning("ignored: %s", line)
    if len(told) > MOST_LINES_PER_MESSAGE:
        logger.warning("ignored: %d more in this message", len(told) - MOST_LINES_PER_MESSAGE)


_GROUPS = Groups()


def main(event: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Replace an event of eda.builtin.webhook by those of the groups in it, none or many."""
    return _GROUPS.events_of(event.get("payload"))
