# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of the ledger: what one mitigation did to one field, and what was there before.

It is kept as JSON in the ledger of the object's namespace. That namespace is not written down, so
that an entry cannot reach into another one. ABSENT values are left out, as null is a value.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.document import (
    FORMATS,
    Place,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    SECRET,
    ObjectReference,
    object_reference,
    require_field,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
    parse_pointer,
    render_pointer,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

WHAT = "mitigation"
RESTART_ANNOTATION = "oncall.recovery/restarted-for"
RESTART_TOKENS: Tokens = ("spec", "template", "metadata", "annotations", RESTART_ANNOTATION)
# What a Secret's value is read from; these stay out of the ledger of a Secret's field.
VALUES = ("before", "value", "asked", "earlier", "text")
# What reading an entry raises that somebody has edited.
UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    RecoveryError,
)
# A digest this long tells fields apart and fits into a key.
DIGITS_OF_FIELD = 16


@dataclasses.dataclass(frozen=True)
class Story:
    """Why a mitigation is in force. Times are in UTC, as ``2026-11-25T03:14:07Z``.

    ``until`` is empty where it does not expire, and ``expires_in`` what was asked for.
    """

    by: str = ""
    incident: str = ""
    reason: str = ""
    at: str = ""
    until: str = ""
    expires_in: str = ""


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of one object: its UID and the way to it; ``place`` where it is in a document."""

    reference: ObjectReference
    uid: str
    tokens: Tokens
    place: Place | None = None

    @property
    def slot(self) -> tuple[str, Tokens]:
        """What entries are stacked on: documents in one key share it."""
        return (self.uid, self.tokens)

    @property
    def path(self) -> str:
        return render_pointer(self.tokens)

    @property
    def is_restart(self) -> bool:
        return self.tokens == RESTART_TOKENS

    @property
    def is_secret(self) -> bool:
        return self.reference.kind == SECRET and self.tokens[0] == "data"

    def key_for(self, mitigation: str) -> str:
        """The ledger's key for what ``mitigation`` does to this field."""
        told = "\n".join((self.uid, self.path, str(self.place or "")))
        digest = hashlib.sha256(told.encode()).hexdigest()[:DIGITS_OF_FIELD]
        return f"{WHAT}.{mitigation}.{digest}"

    def __str__(self) -> str:
        inside = f" ({self.place})" if self.place else ""
        return f"{self.path}{inside} of {self.reference}"


@dataclasses.dataclass(frozen=True)
class Entry:
    """What one mitigation does to one field.

    ``before`` is the field's whole content before it, ``value`` what it sets: the content, or in a
    document the value at its place, where ``text`` is the whole content after it. ``asked`` is
    what the caller asked for, where the server stores that in another way. ``earlier`` is the
    value that this entry set before it was given another one. ``sequence`` orders the entries of
    one field. ``order`` are the names in the list that the field is an element of.
    """

    mitigation: str
    field: Field
    value: t.Any
    before: t.Any = ABSENT
    text: t.Any = ABSENT
    asked: t.Any = ABSENT
    earlier: tuple[t.Any, ...] = ()
    sequence: int = 0
    order: tuple[str, ...] = ()
    story: Story = Story()

    @property
    def key(self) -> str:
        return self.field.key_for(self.mitigation)

    @property
    def wish(self) -> t.Any:
        return self.value if self.asked is ABSENT else self.asked

    @property
    def after(self) -> t.Any:
        """The field's whole content after it."""
        return self.text if self.field.place else self.value

    def on(self, before: t.Any) -> Entry:
        """The entry as it is on top of this content. Raises RecoveryError where it does not fit."""
        if not self.field.place:
            return dataclasses.replace(self, before=before)
        if before == self.before and self.text is not ABSENT:
            return self
        return dataclasses.replace(self, before=before, text=self.edited(before, self.value))

    def inside(self, content: t.Any) -> t.Any:
        """The value at the entry's place in the field's content. Raises RecoveryError."""
        if not self.field.place:
            return content
        return self.field.place.read(self._text_of(content))

    def inside_or_absent(self, content: t.Any) -> t.Any:
        """The same, and ABSENT where there is no such document."""
        try:
            return self.inside(content)
        except RecoveryError:
            return ABSENT

    def edited(self, content: t.Any, value: t.Any) -> t.Any:
        """The content with the value at the entry's place. Raises RecoveryError."""
        if not self.field.place:
            return value
        return self._content_of(self.field.place.write(self._text_of(content), value))

    def copied(self, source: t.Any, content: t.Any) -> t.Any:
        """The content with what ``source`` has at the entry's place. Raises RecoveryError."""
        if not self.field.place:
            return source
        text = self.field.place.copy(self._text_of(source), self._text_of(content))
        return self._content_of(text)

    def _text_of(self, content: t.Any) -> str:
        if not isinstance(content, str):
            raise RecoveryError(str(self.field), "there is no such document", "Check the key")
        if not self.field.is_secret:
            return content
        try:
            return base64.b64decode(content).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RecoveryError(str(self.field), "it is no text", "Set the whole key") from error

    def _content_of(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode() if self.field.is_secret else text


def to_json(entry: Entry) -> tuple[str, str]:
    """The entry as the ledger keeps it, and what of it belongs into a Secret (empty: nothing)."""
    field = entry.field
    values: dict[str, t.Any] = {
        name: getattr(entry, name)
        for name in ("before", "value", "asked", "text")
        if getattr(entry, name) is not ABSENT
    }
    if entry.earlier:
        values["earlier"] = [_boxed(value) for value in entry.earlier]
    noted: dict[str, t.Any] = {
        "what": WHAT,
        "mitigation": entry.mitigation,
        "uid": field.uid,
        "object": {
            "api_version": field.reference.api_version,
            "kind": field.reference.kind,
            "name": field.reference.name,
        },
        "path": field.path,
        "sequence": entry.sequence,
        **{name: told for name, told in dataclasses.asdict(entry.story).items() if told},
    }
    if field.place:
        noted["document"] = {"path": str(field.place), "format": field.place.format}
    if entry.order:
        noted["order"] = list(entry.order)
    if field.is_secret:
        return json.dumps(noted), json.dumps(values)
    return json.dumps({**noted, **values}), ""


def from_json(namespace: str, key: str, text: str, secret: str = "") -> Entry:
    """The entry out of the ledger of a namespace, with its part out of the Secret.

    Raises RecoveryError where it cannot be read: anyone who may edit the ledger may have.
    """
    try:
        noted = json.loads(text)
        field = _field(namespace, noted)
        values = json.loads(secret) if field.is_secret else noted
        entry = Entry(
            mitigation=str(noted["mitigation"]),
            field=field,
            sequence=int(noted["sequence"]),
            order=tuple(str(name) for name in noted.get("order", ())),
            story=Story(**{n: str(noted.get(n, "")) for n in dataclasses.asdict(Story())}),
            earlier=tuple(_unboxed(box) for box in values.get("earlier", ())),
            value=values.get("value", ABSENT),
            **{name: values.get(name, ABSENT) for name in ("before", "asked", "text")},
        )
        if key != entry.key:
            raise ValueError("it is not what was written under this key")
        if field.place and not isinstance(entry.text, str):
            raise ValueError("it lacks the text of the document")
    except UNREADABLE as error:
        raise RecoveryError(
            f"entry {key} of the ledger in {namespace}",
            f"cannot be read ({_reason(error)})",
            "See what it says, put that back by hand, and remove the key",
        ) from error
    return entry


def _field(namespace: str, noted: Mapping[str, t.Any]) -> Field:
    told = noted["object"]
    reference = object_reference(told["kind"], namespace, told["name"], told["api_version"])
    tokens = parse_pointer(noted["path"])
    if tokens != RESTART_TOKENS:
        require_field(reference, tokens)
    place = None
    if "document" in noted:
        document = noted["document"]
        if document["format"] not in FORMATS:
            raise ValueError("the document has no known format")
        place = Place(document["format"], parse_pointer(document["path"]))
    return Field(reference, str(noted["uid"]), tokens, place)


def _boxed(value: t.Any) -> dict[str, t.Any]:
    return {} if value is ABSENT else {"value": value}


def _unboxed(box: Mapping[str, t.Any]) -> t.Any:
    return box.get("value", ABSENT)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return " ".join(str(error).split())[:200]
