# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of mitigations, as a module returns it: with nothing in it that is a secret.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    Entry,
    Field,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    NAMED,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.sending import (
    Rollouts,
)
from ansible_collections.oncall.recovery.plugins.module_utils._redact import (
    MASK,
    masked_text,
    masked_value,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.plan import Work

APPLIED, ALREADY, REVERTED = "applied", "already", "reverted"
CONFLICT, FAILED, NONE = "conflict", "failed", "none"
# The state of a whole mitigation is the first of these that one of its fields has.
STATES = (FAILED, CONFLICT, APPLIED, REVERTED, ALREADY, NONE)
MOST_TOLD = 3


@dataclasses.dataclass(frozen=True)
class FieldOutcome:
    """What became of one field of a mitigation.

    ``ledger`` is the namespace of its ledger, where that is not the object's.
    """

    mitigation: str
    field: Field
    state: str
    message: str
    before: t.Any = ABSENT
    value: t.Any = ABSENT
    is_changed: bool = False
    ledger: str = ""

    @property
    def group(self) -> tuple[str, str]:
        """The mitigation, and the namespace of its ledger."""
        return (self.mitigation, self.ledger or self.field.reference.namespace)

    def as_result(self) -> dict[str, t.Any]:
        return {
            **field_as_result(self.field),
            "before": shown(self.field, self.before),
            "value": shown(self.field, self.value),
            "state": self.state,
            "changed": self.is_changed,
            "message": self.message,
        }


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of all mitigations of one call.

    ``names`` are the mitigations and namespaces that were asked about, ``works`` the fields for
    the diff.
    """

    names: Sequence[tuple[str, str]]
    fields: Sequence[FieldOutcome]
    works: Sequence[Work] = ()
    rollouts: Rollouts = dataclasses.field(default_factory=Rollouts)
    is_ledger_changed: bool = False
    warnings: Sequence[str] = ()

    @property
    def failure(self) -> str:
        """One message about all that did not go well; nothing where all did."""
        failed = [field.message for field in self.fields if field.state in (FAILED, CONFLICT)]
        unique = list(dict.fromkeys([*failed, *self.rollouts.failures]))
        more = f"; and {len(unique) - MOST_TOLD} more" if len(unique) > MOST_TOLD else ""
        return "; ".join(unique[:MOST_TOLD]) + more

    def as_result(self, *, with_diff: bool = False) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "changed": self.is_ledger_changed or any(field.is_changed for field in self.fields),
            "mitigations": [self._of(name, namespace) for name, namespace in self.names],
            "restarted": self.rollouts.as_result(),
        }
        if with_diff:
            result["diff"] = list(_diffs(self.works))
        return result

    def _of(self, name: str, namespace: str) -> dict[str, t.Any]:
        fields = [field for field in self.fields if field.group == (name, namespace)]
        states = {field.state for field in fields}
        return {
            "name": name,
            "namespace": namespace,
            "state": next((state for state in STATES if state in states), NONE),
            "fields": [field.as_result() for field in fields],
            "message": "; ".join(dict.fromkeys(f.message for f in fields if f.message)),
        }


def field_as_result(field: Field) -> dict[str, t.Any]:
    return {
        **field.reference.as_result(),
        "path": field.path,
        "document_path": str(field.place) if field.place else None,
    }


def values_of(entry: Entry) -> dict[str, t.Any]:
    """What an entry set, and what was there before, as the caller thinks of it."""
    return {"before": entry.inside_or_absent(entry.before), "value": entry.value}


def shown(field: Field, value: t.Any) -> t.Any:
    """A value of the field as people may see it: null where there is none, secrets masked."""
    if value is ABSENT:
        return None
    if field.is_secret:
        return MASK
    if isinstance(value, dict) and NAMED.fullmatch(field.tokens[-1]) and "value" in value:
        value = value["value"]
    return masked_value(_name_of(field), value)


def _name_of(field: Field) -> str:
    last = (field.place.tokens if field.place else field.tokens)[-1]
    name = NAMED.fullmatch(last)
    return name[1] if name else last


def _diffs(works: Iterable[Work]) -> t.Iterator[dict[str, t.Any]]:
    by_object: dict[str, list[Work]] = {}
    for work in works:
        if work.is_changed:
            by_object.setdefault(str(work.field.reference), []).append(work)
    for header, changed in by_object.items():
        yield {
            "before_header": header,
            "before": "".join(_line(work.field, work.found) for work in changed),
            "after_header": header,
            "after": "".join(_line(work.field, work.target, is_new=True) for work in changed),
        }


def _line(field: Field, content: t.Any, *, is_new: bool = False) -> str:
    if content is ABSENT:
        return ""
    if field.is_secret:
        return f"{field.path}: {MASK}{' (changed)' if is_new else ''}\n"
    if isinstance(content, str) and "\n" in content:
        return f"{field.path}:\n{masked_text(content)}\n"
    told = shown(dataclasses.replace(field, place=None), content)
    return f"{field.path}: {json.dumps(told, ensure_ascii=False)}\n"
