# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receivers of alerts as Alertmanager's configuration has them, and their secrets beside it.

The format is that of https://prometheus.io/docs/alerting/0.25/configuration/. A secret has two
options in the role: itself, which goes into a file of ours, and the same with ``_file``, which
names a file that is there already.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import posixpath
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Callable

AWS_CREDENTIALS = "aws_credentials"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_URL = re.compile(r"https?://[^\s\x00-\x20]+")
_ONE_WORD = re.compile(r"[^\s\x00-\x20]+")
_TITLE = '{{ template "recovery.title" . }}'
_TEXT = '{{ template "recovery.text" . }}'


@dataclass(frozen=True)
class Secret:
    """The content of a file that only Alertmanager may read; its name has no folder in it."""

    name: str
    content: str


class Entry:
    """One address of a receiver: gives its options, and keeps its secrets out of what it gives."""

    def __init__(self, subject: str, name: str, options: t.Any, folder: str) -> None:
        if not isinstance(options, dict):
            raise InvalidInput(subject, "has to be a dictionary")
        self.subject, self.name, self.folder = subject, name, folder
        self.secrets: list[Secret] = []
        self._options, self._asked = dict(options), set[str]()

    def text(self, option: str, pattern: re.Pattern[str] | None = None) -> str | None:
        """An option of one line, or None where it is missing or empty."""
        self._asked.add(option)
        value = self._options.get(option)
        if value in (None, ""):
            return None
        if (
            not isinstance(value, str)
            or "\n" in value
            or (pattern and not pattern.fullmatch(value))
        ):
            raise InvalidInput(f"{self.subject}.{option}", f"{value!r} is not allowed here")
        if option.endswith("_file"):
            self._require_elsewhere(option, value)
        return value

    def needed(self, option: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.text(option, pattern)
        if not value:
            raise InvalidInput(self.subject, f"{option} is missing")
        return value

    def number(self, option: str) -> int | None:
        self._asked.add(option)
        value = self._options.get(option)
        if value is None:
            return None
        if isinstance(value, bool) or not str(value).isdecimal():
            raise InvalidInput(f"{self.subject}.{option}", f"{value!r} is no number")
        return int(value)

    def flag(self, option: str, default: bool | None = None) -> bool | None:
        self._asked.add(option)
        value = self._options.get(option, default)
        if value is not None and not isinstance(value, bool):
            raise InvalidInput(f"{self.subject}.{option}", "has to be true or false")
        return value

    def secret_word(self, option: str) -> str | None:
        """A secret that the caller puts into a file itself. Never part of an error."""
        self._asked.add(option)
        value = self._options.get(option)
        if value in (None, ""):
            return None
        if not isinstance(value, str) or not _ONE_WORD.fullmatch(value):
            raise InvalidInput(f"{self.subject}.{option}", "is not one word")
        return value

    def secret_file(self, option: str, *, required: bool = True) -> str | None:
        """The path of the file with the secret; the secret becomes one if it is given itself."""
        secret, file = self.secret_word(option), self.text(f"{option}_file")
        if secret and file:
            raise InvalidInput(self.subject, f"{option} and {option}_file exclude each other")
        if secret:
            name = f"{self.name}.{option}"
            self.secrets.append(Secret(name, secret))
            return f"{self.folder}/{name}"
        if not file and required:
            raise InvalidInput(self.subject, f"{option} or {option}_file is missing")
        return file

    def _require_elsewhere(self, option: str, file: str) -> None:
        """Refuse a file in the folder of the role's own, where files come and go.

        Alertmanager takes a path from beside its configuration, where that folder is, too.
        """
        folder = posixpath.normpath(self.folder)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(folder), file))
        if path.startswith(f"{folder}/"):
            raise InvalidInput(
                f"{self.subject}.{option}",
                f"{file!r} lies in {folder}, which is the role's own",
                "Put it elsewhere",
            )

    def done(self, config: dict[str, t.Any]) -> dict[str, t.Any]:
        """``config`` without what is None; refuses options that nobody asked for."""
        for option in self._options:
            if option not in self._asked:
                raise InvalidInput(
                    self.subject,
                    f"there is no option {option!r}",
                    f"Use {', '.join(sorted(self._asked))}",
                )
        return {name: value for name, value in config.items() if value is not None}


def _email(entry: Entry) -> dict[str, t.Any]:
    return {
        "to": entry.needed("to"),
        "headers": {"Subject": _TITLE},
        "text": _TEXT,
        # Without it, Alertmanager's own page in HTML would be shown instead of the text.
        "html": "",
    }


def _pagerduty(entry: Entry) -> dict[str, t.Any]:
    return {
        "routing_key_file": entry.secret_file("routing_key"),
        "url": entry.text("url", _URL),
        "description": _TITLE,
        "severity": '{{ template "recovery.severity" . }}',
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .CommonLabels.name }}",
        "group": "{{ .CommonLabels.namespace }}",
        "details": {
            "text": _TEXT,
            "playbook": "{{ .CommonLabels.playbook }}",
            "runbook_url": "{{ .CommonAnnotations.runbook_url }}",
        },
    }


def _slack(entry: Entry) -> dict[str, t.Any]:
    return {
        "api_url_file": entry.secret_file("api_url"),
        "channel": entry.text("channel"),
        "color": '{{ template "recovery.color" . }}',
        "title": '{{ template "recovery.slack.title" . }}',
        "text": '{{ template "recovery.slack.text" . }}',
        "fallback": '{{ template "recovery.slack.title" . }}',
    }


def _opsgenie(entry: Entry) -> dict[str, t.Any]:
    team = entry.text("team")
    return {
        "api_key_file": entry.secret_file("api_key"),
        "api_url": entry.text("api_url", _URL),
        "message": _TITLE,
        "description": _TEXT,
        "priority": '{{ template "recovery.priority" . }}',
        "tags": "{{ .CommonLabels.signal }},{{ .CommonLabels.namespace }},{{ .CommonLabels.name }}",
        "responders": [{"type": "team", "name": team}] if team else None,
    }


def _sns(entry: Entry) -> dict[str, t.Any]:
    """Alertmanager reads AWS' keys from a file of profiles, in AWS_SHARED_CREDENTIALS_FILE."""
    phone, topic = entry.text("phone_number"), entry.text("topic_arn")
    if bool(phone) == bool(topic):
        raise InvalidInput(entry.subject, "needs either phone_number or topic_arn")
    key, secret = entry.secret_word("access_key"), entry.secret_word("secret_key")
    profile = entry.text("profile", _NAME)
    if bool(key) != bool(secret) or (key and profile):
        raise InvalidInput(
            entry.subject, "needs access_key and secret_key together, or profile, or none of them"
        )
    if key:
        profile = entry.name.replace(".", "-")
        lines = (f"[{profile}]", f"aws_access_key_id = {key}", f"aws_secret_access_key = {secret}")
        entry.secrets.append(Secret(AWS_CREDENTIALS, "".join(f"{line}\n" for line in lines)))
    sigv4 = {"region": entry.needed("region", _ONE_WORD), "profile": profile}
    return {
        "api_url": entry.text("api_url", _URL),
        "phone_number": phone,
        "topic_arn": topic,
        "sigv4": {name: value for name, value in sigv4.items() if value},
        "subject": _TITLE if topic else None,
        "message": '{{ template "recovery.sms" . }}' if phone else _TEXT,
    }


def _webhook(entry: Entry) -> dict[str, t.Any]:
    """For automation; the bearer token is what it trusts."""
    token = entry.secret_file("token", required=False)
    tls = {name: entry.text(name) for name in ("ca_file", "cert_file", "key_file")}
    http: dict[str, t.Any] = {}
    if token:
        http["authorization"] = {"credentials_file": token}
    if any(tls.values()):
        http["tls_config"] = {name: path for name, path in tls.items() if path}
    return {
        "url": entry.needed("url", _URL),
        "max_alerts": entry.number("max_alerts"),
        "http_config": http or None,
    }


_KINDS: dict[str, Callable[[Entry], dict[str, t.Any]]] = {
    "email": _email,
    "opsgenie": _opsgenie,
    "pagerduty": _pagerduty,
    "slack": _slack,
    "sns": _sns,
    "webhook": _webhook,
}


def receivers_and_secrets(
    receivers: t.Any, folder: str
) -> tuple[list[dict[str, t.Any]], list[Secret]]:
    """Alertmanager's ``receivers``, and the files in ``folder`` that they refer to.

    ``receivers`` is the role's list. Raises InvalidInput, in whose message no secret stands.
    """
    if not isinstance(receivers, list) or not receivers:
        raise InvalidInput("receivers", "there are none", "List at least one")
    configs: list[dict[str, t.Any]] = []
    secrets: list[Secret] = []
    for options in receivers:
        config, found = _receiver(options, folder)
        if config["name"] in [other["name"] for other in configs]:
            raise InvalidInput(f"receiver {config['name']}", "is there twice", "Name each once")
        configs.append(config)
        secrets += found
    return configs, _with_profiles_in_one_file(secrets)


def _receiver(options: t.Any, folder: str) -> tuple[dict[str, t.Any], list[Secret]]:
    name = options.get("name") if isinstance(options, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("receivers", f"{name!r} is no name", "Use letters, digits, - and _")
    config: dict[str, t.Any] = {"name": name}
    secrets: list[Secret] = []
    for kind, listed in options.items():
        if kind == "name" or listed in (None, []):
            continue
        if kind not in _KINDS:
            raise InvalidInput(
                f"receiver {name}", f"there is no kind {kind!r}", f"Use {', '.join(_KINDS)}"
            )
        if not isinstance(listed, list):
            raise InvalidInput(f"receiver {name}: {kind}", "has to be a list")
        entries = []
        for number, values in enumerate(listed):
            subject = f"receiver {name}: {kind}[{number}]"
            entry = Entry(subject, f"{name}.{kind}.{number}", values, folder)
            resolved = {"send_resolved": entry.flag("send_resolved", True)}
            entries.append(entry.done({**_KINDS[kind](entry), **resolved}))
            secrets += entry.secrets
        config[f"{kind}_configs"] = entries
    return config, secrets


def _with_profiles_in_one_file(secrets: list[Secret]) -> list[Secret]:
    profiles = [secret.content for secret in secrets if secret.name == AWS_CREDENTIALS]
    others = [secret for secret in secrets if secret.name != AWS_CREDENTIALS]
    return others + ([Secret(AWS_CREDENTIALS, "".join(profiles))] if profiles else [])
