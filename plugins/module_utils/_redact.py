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
