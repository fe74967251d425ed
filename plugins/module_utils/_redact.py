# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping secrets out of what people and logs get to see.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "********"
SECRET_NAME = re.compile(
    r"pass(word|phrase|wd)?|secret|token|credential|private|auth|api_?key|access_?key|dsn|"
    r"connection_?string|database_?url|db_?url",
    re.IGNORECASE,
)
# user:password@ inside a URL, whatever the variable is called. Passwords may hold / and @
# themselves, so all up to the last @ before the next URL is taken for one.
URL_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):((?:(?!://)\S)+)@")
# A line of YAML, JSON or properties whose name looks like a secret's. Names are bounded, so that a
# hostile line costs no more time than any other.
SECRET_SETTING = re.compile(
    rf"^([ \t\-]*[\"']?[\w.\-]{{0,99}}(?:{SECRET_NAME.pattern})[\w.\-]{{0,99}}[\"']?"
    r"[ \t]*[:=][ \t]*)\S.*$",
    re.IGNORECASE | re.MULTILINE,
)
# A setting in the middle of a line whose name looks like a secret's, as logs have it.
INLINE_SETTING = re.compile(
    rf"(?<![\w.\-])(?P<name>(?=[\w.\-]{{0,99}}(?:{SECRET_NAME.pattern}))[\w.\-]{{1,199}})"
    r"(?P<between>[\"']?(?:=|:[ \t]?))(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;&\"')}\]]+)",
    re.IGNORECASE,
)
SECRET_ARGUMENT = re.compile(r"(?<!\S)(--?[\w\-]{1,99}[ \t]+)([^\s\-]\S*)")
# What is a secret wherever it stands. Longest first, since a key may hold what looks like a token.
SECRET_ITSELF = re.compile(
    r"(?P<key>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:(?!-----END)[\s\S])*"
    r"|(?P<scheme>\b(?:Bearer|Basic|Digest)[ \t]+)[A-Za-z0-9._~+/=\-]{8,}"
    r"|\beyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-)[\w\-]{10,}"
)


def masked_template(template: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The pod template with the values of environment variables masked that look like secrets."""
    spec = dict(template["spec"])
    for key in ("initContainers", "containers"):
        if spec.get(key):
            spec[key] = [_masked_container(container) for container in spec[key]]
    return {**template, "spec": spec}


def _masked_container(container: Mapping[str, t.Any]) -> dict[str, t.Any]:
    environment = [_masked_variable(variable) for variable in container.get("env") or []]
    return {**container, "env": environment} if environment else dict(container)


def _masked_variable(variable: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    value = variable.get("value")
    if not value:
        return variable
    if SECRET_NAME.search(variable["name"]):
        return {**variable, "value": MASK}
    return {**variable, "value": URL_PASSWORD.sub(rf"\1:{MASK}@", value)}


def masked_value(name: str, value: t.Any) -> t.Any:
    """Plain data under this name, with what looks like a secret masked, at any depth."""
    if isinstance(value, dict):
        return {key: masked_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_value(name, inner) for inner in value]
    if value is not None and not isinstance(value, bool) and SECRET_NAME.search(name):
        return MASK
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """A document, log or line with the values masked of settings that look like secrets.

    So are passwords in addresses and on command lines, private keys, and tokens of known forms.
    """
    text = SECRET_ITSELF.sub(_masked_secret, text)
    text = SECRET_SETTING.sub(rf"\1{MASK}", text)
    text = URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    text = INLINE_SETTING.sub(_masked_setting, text)
    return SECRET_ARGUMENT.sub(_masked_argument, text)


def _masked_secret(found: re.Match[str]) -> str:
    return f"{found['key'] or found['scheme'] or ''}{MASK}"


def _masked_setting(found: re.Match[str]) -> str:
    # What follows the scheme of an address is no secret as such.
    is_address = found["value"].startswith("//")
    return found[0] if is_address else f"{found['name']}{found['between']}{MASK}"


def _masked_argument(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK}" if SECRET_NAME.search(found[1]) else found[0]
