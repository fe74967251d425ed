# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager's configuration: who is told what, and when.

The format is that of https://prometheus.io/docs/alerting/0.25/configuration/.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._alerting.promql import (
    checked_duration,
    checked_label_name,
    checked_matchers,
    equals,
    matches,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.receivers import (
    Entry,
    Secret,
    receivers_and_secrets,
)
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.settings import SEVERITIES
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

_ON_CALL_OPTIONS = (
    "team",
    "severity",
    "matchers",
    "receivers",
    "during",
    "otherwise",
    "mute",
    "repeat_interval",
    "continue",
)


def alertmanager_config(
    receivers: t.Any,
    *,
    secrets_path: str,
    templates: list[str],
    default_receiver: t.Any,
    on_call: t.Any,
    automation: dict[str, t.Any],
    grouping: dict[str, t.Any],
    time_intervals: t.Any,
    inhibit_rules: t.Any,
    smtp: t.Any,
) -> tuple[dict[str, t.Any], list[Secret]]:
    """The content of ``alertmanager.yml`` as plain data, and the secrets that it refers to.

    The arguments are the role's variables of the same names; ``automation`` and ``grouping`` hold
    several of them. Raises InvalidInput, in whose message no secret stands.
    """
    configs, secrets = receivers_and_secrets(receivers, secrets_path)
    tree = _Tree(
        {config["name"] for config in configs},
        {_interval_name(interval) for interval in time_intervals or []},
    )
    default = tree.receiver(default_receiver, "default_receiver")
    people = [tree.on_call(entry, number) for number, entry in enumerate(on_call or [])]
    routes = [tree.automation(automation)] if automation["receiver"] else []
    config: dict[str, t.Any] = {}
    if smtp:
        config["global"], password = _smtp(smtp, secrets_path)
        secrets = secrets + password
    elif any("email_configs" in receiver for receiver in configs):
        raise InvalidInput(
            "smtp", "is missing, and a receiver has email", "Set smarthost and from of the server"
        )
    config["templates"] = templates
    config["route"] = {
        "receiver": default,
        **_grouping(grouping),
        # A route of its own for the people: a receiver counts where none below it matches, and
        # automation is not to take the alert from the default receiver.
        "routes": [*routes, {"receiver": default, "routes": people}],
    }
    if inhibit_rules:
        config["inhibit_rules"] = inhibit_rules
    if time_intervals:
        config["time_intervals"] = time_intervals
    config["receivers"] = configs
    return config, secrets


class _Tree:
    """Makes routes, and knows the names that they may refer to."""

    def __init__(self, receivers: set[str], intervals: set[str]) -> None:
        self._receivers, self._intervals = receivers, intervals

    def receiver(self, name: t.Any, subject: str) -> str:
        if name not in self._receivers:
            raise InvalidInput(
                subject,
                f"there is no receiver {name!r}",
                f"Use {', '.join(sorted(self._receivers))}",
            )
        return str(name)

    def automation(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Automation hears of an alert at once and beside the people on call."""
        return {
            "receiver": self.receiver(options["receiver"], "automation_receiver"),
            "matchers": list(checked_matchers(options["matchers"], "automation_matchers")),
            "group_wait": checked_duration(
                options["group_wait"], "automation_group_wait", zero=True
            ),
            "group_interval": checked_duration(
                options["group_interval"], "automation_group_interval"
            ),
            "continue": True,
        }

    def on_call(self, options: t.Any, number: int) -> dict[str, t.Any]:
        """The route of one entry of the list.

        Outside of its time a route of Alertmanager still takes the alert, and tells nobody. So
        there is one below for each receiver, and those of other times are muted meanwhile.
        """
        subject = f"on_call[{number}]"
        if not isinstance(options, dict):
            raise InvalidInput(subject, "has to be a dictionary")
        for option in options:
            if option not in _ON_CALL_OPTIONS:
                raise InvalidInput(
                    subject, f"there is no {option!r}", f"Use {', '.join(_ON_CALL_OPTIONS)}"
                )
        during, mute = (
            self._interval_names(options, option, subject) for option in ("during", "mute")
        )
        always = self._receiver_names(options, "receivers", subject)
        otherwise = self._receiver_names(options, "otherwise", subject)
        if not always:
            raise InvalidInput(f"{subject}.receivers", "there are none", "Name at least one")
        if otherwise and not during:
            raise InvalidInput(subject, "otherwise is given without during")
        routes = [_leaf(name, during, mute) for name in always]
        routes += [_leaf(name, [], during + mute) for name in otherwise]
        route: dict[str, t.Any] = {"receiver": always[0], "matchers": _matchers(options, subject)}
        if options.get("repeat_interval"):
            route["repeat_interval"] = checked_duration(
                options["repeat_interval"], f"{subject}.repeat_interval"
            )
        if options.get("continue"):
            route["continue"] = True
        return {**route, "routes": routes}

    def _receiver_names(self, options: dict[str, t.Any], option: str, subject: str) -> list[str]:
        names = _list(options.get(option), f"{subject}.{option}")
        return [self.receiver(name, f"{subject}.{option}") for name in names]

    def _interval_names(self, options: dict[str, t.Any], option: str, subject: str) -> list[str]:
        names = _list(options.get(option), f"{subject}.{option}")
        for name in names:
            if name not in self._intervals:
                raise InvalidInput(
                    f"{subject}.{option}",
                    f"there is no time interval {name!r}",
                    "Define it in alert_routing_time_intervals",
                )
        return names


def _leaf(receiver: str, active: list[str], mute: list[str]) -> dict[str, t.Any]:
    route: dict[str, t.Any] = {"receiver": receiver, "continue": True}
    if active:
        route["active_time_intervals"] = active
    if mute:
        route["mute_time_intervals"] = mute
    return route


def _matchers(options: dict[str, t.Any], subject: str) -> list[str]:
    matchers = list(checked_matchers(options.get("matchers") or [], f"{subject}.matchers"))
    if options.get("team"):
        matchers.append(equals("team", str(options["team"])))
    severities = _list(options.get("severity"), f"{subject}.severity")
    for severity in severities:
        if severity not in SEVERITIES:
            raise InvalidInput(
                f"{subject}.severity", f"{severity!r} is none", f"Use {', '.join(SEVERITIES)}"
            )
    if severities:
        matchers.append(matches("severity", "|".join(severities)))
    return matchers


def _grouping(options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "group_by": [
            checked_label_name(name, "group_by") for name in _list(options["group_by"], "group_by")
        ],
        "group_wait": checked_duration(options["group_wait"], "group_wait", zero=True),
        "group_interval": checked_duration(options["group_interval"], "group_interval"),
        "repeat_interval": checked_duration(options["repeat_interval"], "repeat_interval"),
    }


def _smtp(options: t.Any, folder: str) -> tuple[dict[str, t.Any], list[Secret]]:
    entry = Entry("smtp", "smtp", options, folder)
    config = {
        "smtp_smarthost": entry.needed("smarthost"),
        "smtp_from": entry.needed("from"),
        "smtp_hello": entry.text("hello"),
        "smtp_auth_username": entry.text("auth_username"),
        "smtp_auth_password_file": entry.secret_file("auth_password", required=False),
        "smtp_require_tls": entry.flag("require_tls"),
    }
    return entry.done(config), entry.secrets


def _interval_name(interval: t.Any) -> str:
    if not isinstance(interval, dict) or not isinstance(interval.get("name"), str):
        raise InvalidInput("time_intervals", f"{interval!r} has no name")
    return str(interval["name"])


def _list(value: t.Any, subject: str) -> list[str]:
    """A list of names; one name alone counts as a list."""
    listed = [value] if isinstance(value, str) and value else value or []
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise InvalidInput(subject, f"{value!r} is no list of names")
    return listed
