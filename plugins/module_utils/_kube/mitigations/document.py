# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One value inside a YAML, JSON or properties document, read and replaced.

Only the characters of that value change: comments, order, quotes and indentation of all the rest
stay, because the text is cut and joined, never written anew. Every edit is checked by reading the
new text: where anything but the value would have changed, it is refused.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations import (
    json_text,
    properties_text,
    yaml_text,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
    parse_pointer,
    render_pointer,
)

YAML, JSON, PROPERTIES = "yaml", "json", "properties"
FORMATS = {YAML: yaml_text, JSON: json_text, PROPERTIES: properties_text}
ENDINGS = {"yaml": YAML, "yml": YAML, "json": JSON, "properties": PROPERTIES}
AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where in a document a value stands, and what the document is written in."""

    format: str
    tokens: Tokens

    def __str__(self) -> str:
        return render_pointer(self.tokens)

    def read(self, text: str) -> t.Any:
        """The value as plain data, or ABSENT. Raises RecoveryError for a text that is broken."""
        return _value(self._load(text), self.tokens)

    def write(self, text: str, value: t.Any) -> str:
        """The text with this value there; ABSENT takes it away.

        Raises RecoveryError where the text is broken, or cannot take the value.
        """
        written = _plain(value)
        return self._edited(text, written, lambda: self._language.edit(text, self.tokens, written))

    def copy(self, source: str, text: str) -> str:
        """The text with the value that ``source`` has there, written as it is written there."""
        value = self.read(source)
        if value is ABSENT:
            return self.write(text, ABSENT)
        spelling = self._language.spelling(source, self.tokens)
        try:
            return self._edited(
                text, value, lambda: self._language.edit(text, self.tokens, value, spelling)
            )
        except RecoveryError:
            return self.write(text, value)

    @property
    def _language(self) -> t.Any:
        return FORMATS[self.format]

    def _load(self, text: str) -> t.Any:
        try:
            return self._language.load(text)
        except ValueError as error:
            raise RecoveryError(
                "the document", f"is not {self.format} ({error})", "Name its format, or mend it"
            ) from error

    def _edited(self, text: str, value: t.Any, edit: t.Callable[[], str]) -> str:
        data = self._load(text)
        if _is_same(_value(data, self.tokens), value):
            return text
        parent = _value(data, self.tokens[:-1])
        if data is None and len(self.tokens) == 1:
            data = parent = {}
        if not isinstance(parent, dict | list):
            above = render_pointer(self.tokens[:-1]) or "mapping"
            raise RecoveryError("the document", f"has no {above}", "Check the path")
        if isinstance(parent, list) and ABSENT in (value, _value(parent, self.tokens[-1:])):
            raise RecoveryError(
                f"{self} of the document",
                "no element is added to a list, or removed from one",
                "Set the whole list",
            )
        wanted = _with(data, self.tokens, value)
        try:
            edited = str(edit())
            is_as_wanted = _is_same(self._language.load(edited), wanted)
        except ValueError:
            is_as_wanted = False
        if not is_as_wanted:
            raise RecoveryError(
                f"{self} of the document",
                "cannot be changed without changing more (an anchor, or an unusual layout)",
                "Set the whole key, without path",
            )
        return edited


def place_in(key: str, path: str, format_name: str) -> Place:
    """The place that the options ``path`` and ``format`` name in a document under ``key``.

    Raises InvalidInput where the format cannot be told from the ending of the key.
    """
    name = format_name
    if name == AUTO:
        name = ENDINGS.get(key.rpartition(".")[2].lower(), "")
    if name not in FORMATS:
        raise InvalidInput(f"format of {key}", "cannot be told from its ending", "Set format")
    tokens = parse_pointer(path)
    if name == PROPERTIES and len(tokens) != 1:
        raise InvalidInput(
            f"path {path}", "a property has no parts", "Write it like /cache.enabled"
        )
    return Place(name, tokens)


def _value(data: t.Any, tokens: Tokens) -> t.Any:
    for token in tokens:
        if isinstance(data, dict):
            data = data.get(_key(data, token), ABSENT)
        elif isinstance(data, list) and token.isdecimal() and int(token) < len(data):
            data = data[int(token)]
        else:
            return ABSENT
    return data


def _key(data: dict[t.Any, t.Any], token: str) -> t.Any:
    """The key that a token means: YAML has keys that are numbers."""
    return next((key for key in data if str(key) == token), token)


def _with(data: t.Any, tokens: Tokens, value: t.Any) -> t.Any:
    changed = copy.deepcopy(data)
    parent = _value(changed, tokens[:-1])
    if isinstance(parent, list):
        parent[int(tokens[-1])] = value
    elif value is ABSENT:
        parent.pop(_key(parent, tokens[-1]), None)
    else:
        parent[_key(parent, tokens[-1])] = value
    return changed


def _plain(value: t.Any) -> t.Any:
    return value if value is ABSENT else copy.deepcopy(value)


def _is_same(one: t.Any, other: t.Any) -> bool:
    """Equality that tells true from 1 and keeps the order of mappings."""
    return type(one) is type(other) and repr(one) == repr(other)
