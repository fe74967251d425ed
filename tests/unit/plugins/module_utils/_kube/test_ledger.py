# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger is written before a change, once, whatever happens beside it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.ledger import LABELS, enter

Object = dict[str, t.Any]

MISSING = ApiError("ConfigMap shop/oncall-recovery-ledger", 404, "NotFound", "not found")
CONFLICT = ApiError("ConfigMap shop/oncall-recovery-ledger", 409, "Conflict", "changed")
ENTRY = {"what": "suspension"}


class Ledgers:
    """Answers reads in the order of the script, writes too; notes what was written."""

    def __init__(self, reads: list[t.Any], writes: list[t.Any] | None = None) -> None:
        self._reads, self._writes = iter(reads), iter(writes or [{}])
        self.written: list[tuple[str, Object, bool]] = []

    def get(self, _path: str, *, subject: str) -> Object:
        return given(next(self._reads))

    def post(self, _path: str, body: Object, *, subject: str, dry_run: bool) -> Object:
        return self._write("post", body, dry_run)

    def patch(self, _path: str, body: Object, *, subject: str, dry_run: bool, **_: t.Any) -> Object:
        return self._write("patch", body, dry_run)

    def _write(self, verb: str, body: Object, dry_run: bool) -> Object:
        self.written.append((verb, body, dry_run))
        return given(next(self._writes))


def given(answer: t.Any) -> Object:
    if isinstance(answer, Exception):
        raise answer
    return t.cast(Object, answer)


def ledger(**data: str) -> Object:
    return {"metadata": {"resourceVersion": "7"}, "data": data}


def entered(ledgers: Ledgers, **options: t.Any) -> list[tuple[str, Object, bool]]:
    enter(t.cast(t.Any, ledgers), "shop", "key", ENTRY, **options)
    return ledgers.written


@pytest.mark.parametrize("dry_run", [False, True])
def test_first_entry_makes_the_ledger(dry_run: bool) -> None:
    ((verb, body, dry),) = entered(Ledgers([MISSING]), dry_run=dry_run)
    assert (verb, dry) == ("post", dry_run)
    assert body["data"] == {"key": json.dumps(ENTRY)}


def test_further_entry_is_refused_where_the_ledger_changed_after_it_was_read() -> None:
    ((verb, body, _dry),) = entered(Ledgers([ledger(other="{}")]))
    assert verb == "patch"
    assert body["metadata"] == {"resourceVersion": "7", "labels": LABELS}
    assert body["data"] == {"key": json.dumps(ENTRY)}


def test_entry_that_is_there_stays_as_it_is() -> None:
    assert entered(Ledgers([ledger(key="{}")])) == []


def test_entry_that_another_writes_meanwhile_is_kept() -> None:
    written = entered(Ledgers([MISSING, ledger(key="{}")], [CONFLICT]))
    assert [verb for verb, _body, _dry in written] == ["post"]


def test_write_is_tried_again_after_a_conflict() -> None:
    written = entered(Ledgers([ledger(), ledger()], [CONFLICT, {}]))
    assert [verb for verb, _body, _dry in written] == ["patch", "patch"]


def test_ledger_that_never_stops_changing_is_given_up() -> None:
    with pytest.raises(RecoveryError, match="others changed it during each of 5 attempts"):
        entered(Ledgers([ledger()] * 5, [CONFLICT] * 5))


def test_refusal_is_passed_on() -> None:
    refused = ApiError("ConfigMap", 403, "Forbidden", "cannot create")
    with pytest.raises(ApiError):
        entered(Ledgers([MISSING], [refused]))
