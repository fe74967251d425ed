# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A patch that does not go as it should: what is looked at, sent again, or given up."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube import patching
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
    Unreachable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.json_patch import holds
from ansible_collections.oncall.recovery.plugins.module_utils._kube.patching import (
    Patched,
    patch_as_decided,
)

from .builders import workload
from .scripted import ScriptedClient

Object = dict[str, t.Any]

REFUSED = ApiError("Deployment shop/web", 422, "Invalid", "the request is invalid")
CONFLICT = ApiError("Deployment shop/web", 409, "Conflict", "the object has been modified")
FORBIDDEN = ApiError("Deployment shop/web", 403, "Forbidden", "no")
OVERLOADED = ApiError("Deployment shop/web", 429, "TooManyRequests", "later")
BROKEN = ApiError("Deployment shop/web", 500, "InternalError", "etcd is not there")
LOST = Unanswered("Deployment shop/web", "no whole answer")
AWAY = Unreachable("Deployment shop/web", "no connection")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "SECONDS_BETWEEN_ATTEMPTS", 0.0)


def having(replicas: int) -> Object:
    return workload(spec={"replicas": replicas})


def to_five(live: Object, _maybe_done: bool) -> list[Object]:
    before = live["spec"]["replicas"]
    if before == 5:
        return []
    return [
        {"op": "test", "path": "/spec/replicas", "value": before},
        {"op": "add", "path": "/spec/replicas", "value": 5},
    ]


def patch(patches: list[t.Any], reads: list[t.Any]) -> tuple[Patched, ScriptedClient]:
    client = ScriptedClient({}, gets=reads, patches=patches)
    server = t.cast(t.Any, client)
    done = patch_as_decided(server, having(3), to_five, path="/web", subject="web")
    return done, client


def test_patch_that_goes_well_is_sent_once() -> None:
    done, client = patch([having(5)], [])
    assert (done.is_changed, len(client.patched)) == (True, 1)


@pytest.mark.parametrize("error", [OVERLOADED, BROKEN, LOST, AWAY, CONFLICT])
def test_trouble_that_passes_is_outlasted(error: Exception) -> None:
    done, client = patch([error, error, having(5)], [having(3)] * 2)
    assert (done.is_changed, len(client.patched)) == (True, 3)


@pytest.mark.parametrize("error", [BROKEN, LOST])
def test_change_that_is_there_after_a_lost_answer_is_taken_for_our_own(error: Exception) -> None:
    assert patch([error], [having(5)])[0].is_changed


@pytest.mark.parametrize("error", [REFUSED, OVERLOADED, AWAY])
def test_change_that_is_there_and_cannot_be_ours_is_not_claimed(error: Exception) -> None:
    assert not patch([error], [having(5)])[0].is_changed


def test_patch_is_decided_anew_on_what_others_made_of_the_object() -> None:
    _done, client = patch([REFUSED, having(5)], [having(4)])
    assert [sent[0]["value"] for _path, sent, _dry in client.patched] == [3, 4]


@pytest.mark.parametrize("error", [REFUSED, FORBIDDEN])
def test_refusal_of_what_is_as_it_was_is_passed_on(error: ApiError) -> None:
    with pytest.raises(ApiError) as raised:
        patch([error], [having(3)])
    assert raised.value is error


def test_answers_that_stay_lost_are_told_as_not_known() -> None:
    with pytest.raises(RecoveryError, match="whether it is as asked is not known after 4 attempts"):
        patch([LOST] * 4, [having(3)] * 4)


def test_last_attempt_is_looked_at_too() -> None:
    assert patch([LOST] * 4, [*[having(3)] * 3, having(5)])[0].is_changed


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("/spec/replicas", 3, True),
        ("/spec/replicas", 4, False),
        ("/metadata/annotations/a~1b", "c", True),
        ("/metadata/labels/a", "c", False),
        ("/no/such/path", 1, False),
    ],
)
def test_patch_holds_where_its_tests_do(path: str, value: t.Any, expected: bool) -> None:
    live = workload(annotations={"a/b": "c"})
    assert holds([{"op": "test", "path": path, "value": value}], live) is expected
