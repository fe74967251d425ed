# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs against a server in memory: killed at every write, overtaken, and put back."""

from __future__ import annotations

import contextlib
import random
import typing as t

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations import (
    applying,
    put_back,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.change import (
    changes_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import Story
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.filter import (
    Filter,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.outcome import (
    Outcome,
)

from .api_server import ApiServer
from .test_change import option

Object = dict[str, t.Any]

SHOP = "/namespaces/shop"
CONFIG_MAP, SECRET = f"/api/v1{SHOP}/configmaps/web", f"/api/v1{SHOP}/secrets/web"
DEPLOYMENT, MOUNTER = f"/apis/apps/v1{SHOP}/deployments/web", f"/apis/apps/v1{SHOP}/deployments/job"
SETTINGS = "payments:\n  timeout: 30  # seconds\n"
URL = {"key": "URL", "value": "http://fallback"}
TIMEOUT = {"key": "settings.yaml", "path": "/payments/timeout", "value": 5}
PASSWORD = {"kind": "Secret", "key": "PASSWORD", "value": "new"}
VARIABLE = {"kind": "Deployment", "container": "web", "env": "A", "value": "2"}
REMOVED = {"kind": "Deployment", "container": "web", "env": "B", "remove": True}
ALL = (URL, TIMEOUT, PASSWORD, VARIABLE, REMOVED)


class Killed(BaseException):
    """The process is gone; nothing that it would have done after this happens."""


def deployment(**container: t.Any) -> Object:
    containers = [{"name": "web", **container}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    return {"kind": "Deployment", "spec": {"template": template}}


@pytest.fixture
def server() -> ApiServer:
    variables = [{"name": name, "value": "1"} for name in "ABC"]
    reader = deployment(env=variables, envFrom=[{"configMapRef": {"name": "web"}}])
    return ApiServer(
        (CONFIG_MAP, {"kind": "ConfigMap", "data": {"URL": "http://a", "settings.yaml": SETTINGS}}),
        (SECRET, {"kind": "Secret", "data": {"PASSWORD": "b2xk"}}),
        (DEPLOYMENT, reader),
        (MOUNTER, deployment()),
    )


@pytest.fixture(autouse=True)
def no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (applying, put_back):
        monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)


def apply(server: ApiServer, name: str, *changes: Object, **request: t.Any) -> Outcome:
    wanted = changes_from([option(**change) for change in changes], "shop")
    request = {"story": Story(), **request}
    return applying.apply_mitigation(
        t.cast("t.Any", server), applying.Request(name, wanted, **request)
    )


def revert(server: ApiServer, name: str = "", **request: t.Any) -> Outcome:
    chosen = request.pop("chosen", Filter(name=name))
    return put_back.put_back(t.cast("t.Any", server), put_back.Request(chosen, "shop", **request))


def killing(number: int, *, stored: bool) -> t.Callable[[int, str, bool], None]:
    def hook(write: int, _path: str, is_stored: bool) -> None:
        if (write, is_stored) == (number, stored):
            raise Killed

    return hook


def states(outcome: Outcome) -> list[str]:
    return [mitigation["state"] for mitigation in outcome.as_result()["mitigations"]]


def token(server: ApiServer, path: str = DEPLOYMENT) -> str:
    metadata = server.objects[path]["spec"]["template"].get("metadata", {})
    return str(metadata.get("annotations", {}).get("oncall.recovery/restarted-for", ""))


def test_all_kinds_of_changes_are_applied_once_and_put_back(server: ApiServer) -> None:
    original = server.content()
    outcome = apply(server, "m", *ALL)
    assert (states(outcome), outcome.failure) == (["applied"], "")
    assert server.objects[CONFIG_MAP]["data"]["URL"] == "http://fallback"
    assert token(server) and not token(server, MOUNTER)
    written = len(server.writes)
    again = apply(server, "m", *ALL)
    assert states(again) == ["already"] and not again.as_result()["changed"]
    assert len(server.writes) == written
    assert states(revert(server, "m")) == ["reverted"]
    assert server.content() == original
    assert server.ledger() == {} == server.ledger("secrets")
    assert states(revert(server, "m")) == ["none"]


def test_ledger_is_written_before_the_change_and_the_restart_after_it(server: ApiServer) -> None:
    apply(server, "m", URL, PASSWORD)
    names = [path.split("/shop/")[1] for path in server.writes]
    assert names == [
        "secrets/oncall-recovery-ledger",
        "configmaps/oncall-recovery-ledger",
        "configmaps/web",
        "secrets/web",
        "deployments/web",
    ]


def test_check_mode_writes_nothing_and_predicts_all(server: ApiServer) -> None:
    original = server.content()
    tried = apply(server, "m", *ALL, dry_run=True)
    assert states(tried) == ["applied"] and tried.as_result()["changed"]
    assert (server.content(), server.writes) == (original, [])
    apply(server, "m", *ALL)
    written, applied = len(server.writes), server.content()
    assert states(revert(server, "m", dry_run=True)) == ["reverted"]
    assert (len(server.writes), server.content()) == (written, applied)


@pytest.mark.parametrize("stored", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("write", range(1, 6))
@pytest.mark.parametrize("finish", ["apply", "put back"])
def test_run_that_is_killed_while_applying_is_finished(
    server: ApiServer, write: int, stored: bool, finish: str
) -> None:
    original = server.content()
    server.hook = killing(write, stored=stored)
    with contextlib.suppress(Killed):
        apply(server, "m", *ALL)
    server.hook = lambda *_: None
    if finish == "apply":
        assert apply(server, "m", *ALL).failure == ""
        assert server.objects[SECRET]["data"]["PASSWORD"] == "bmV3"
        assert token(server)
    assert revert(server, "m").failure == ""
    assert server.content() == original
    assert server.ledger() == {}


@pytest.mark.parametrize("stored", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("write", range(1, 6))
@pytest.mark.parametrize("finish", ["apply", "put back"])
def test_run_that_is_killed_while_putting_back_is_finished(
    server: ApiServer, write: int, stored: bool, finish: str
) -> None:
    original = server.content()
    apply(server, "below", URL)
    apply(server, "m", *ALL)
    applied = server.content()
    server.hook = killing(len(server.writes) + write, stored=stored)
    try:
        revert(server, "m")
    except Killed:
        server.hook = lambda *_: None
        if finish == "apply":
            assert apply(server, "m", *ALL).failure == ""
            now = server.content()
            for content in (now, applied):
                content[DEPLOYMENT]["spec"]["template"].pop("metadata")
            assert now == applied
    server.hook = lambda *_: None
    assert revert(server, "m").failure == ""
    assert revert(server, "below").failure == ""
    assert server.content() == original
    assert server.ledger() == {}


def test_lower_of_two_restarts_the_workload_that_both_restarted(server: ApiServer) -> None:
    original = server.content()
    apply(server, "lower", URL)
    apply(server, "upper", {"key": "NEW", "value": "1"})
    before = token(server)
    assert [w.name for w in revert(server, "lower").rollouts.restarted] == ["web"]
    assert token(server) not in ("", before)
    revert(server, "upper")
    assert server.content() == original


def test_lower_of_two_that_shows_nowhere_restarts_nothing(server: ApiServer) -> None:
    apply(server, "lower", URL)
    apply(server, "upper", {"key": "URL", "value": "http://other"})
    before = token(server)
    assert revert(server, "lower").rollouts.restarted == []
    assert token(server) == before


@pytest.mark.parametrize("write", range(1, 5))
def test_killed_while_the_lower_is_put_back_the_workload_still_restarts(
    server: ApiServer, write: int
) -> None:
    original = server.content()
    apply(server, "lower", URL)
    apply(server, "upper", {"key": "NEW", "value": "1"})
    before = token(server)
    server.hook = killing(len(server.writes) + write, stored=False)
    with pytest.raises(Killed):
        revert(server, "lower")
    server.hook = lambda *_: None
    assert revert(server, "lower").failure == ""
    assert token(server) not in ("", before)
    assert revert(server, "upper").failure == ""
    assert server.content() == original


def test_edit_between_reading_and_changing_is_what_goes_back(server: ApiServer) -> None:
    def edit(_write: int, path: str, is_stored: bool) -> None:
        if path == CONFIG_MAP and not is_stored:
            server.hook = lambda *_: None
            server.edit(CONFIG_MAP, lambda live: live["data"].update(URL="http://by-hand"))

    server.hook = edit
    outcome = apply(server, "m", URL)
    assert outcome.failure == ""
    assert outcome.as_result()["mitigations"][0]["fields"][0]["before"] == "http://by-hand"
    revert(server, "m")
    assert server.objects[CONFIG_MAP]["data"]["URL"] == "http://by-hand"


@pytest.mark.parametrize("is_stored", [False, True], ids=["not done", "done"])
def test_lost_answer_is_looked_into(server: ApiServer, is_stored: bool) -> None:
    original = server.content()

    def lose(_write: int, path: str, stored: bool) -> None:
        if path == CONFIG_MAP and stored == is_stored:
            server.hook = lambda *_: None
            raise Unanswered("ConfigMap shop/web", "no answer")

    server.hook = lose
    outcome = apply(server, "m", URL)
    assert states(outcome) == ["applied"] and outcome.failure == ""
    server.hook = lose
    assert states(revert(server, "m")) == ["reverted"]
    assert server.content() == original


def test_ledger_that_another_run_changed_is_read_anew(server: ApiServer) -> None:
    apply(server, "first", TIMEOUT)

    def interfere(_write: int, path: str, is_stored: bool) -> None:
        if path.endswith("ledger") and not is_stored:
            server.hook = lambda *_: None
            apply(server, "other", {"key": "OTHER", "value": "1"})

    server.hook = interfere
    assert states(apply(server, "m", URL)) == ["applied"]
    for name in ("first", "other", "m"):
        assert states(revert(server, name)) == ["reverted"]
    assert server.ledger() == {}


def test_refused_change_leaves_no_entry(server: ApiServer) -> None:
    def refuse(_write: int, path: str, _is_stored: bool) -> None:
        if path == CONFIG_MAP:
            raise ApiError("ConfigMap shop/web", 403, "Forbidden", "not now")

    server.hook = refuse
    outcome = apply(server, "m", URL)
    assert states(outcome) == ["failed"]
    assert "not now" in outcome.failure
    assert server.ledger() == {}


def test_refused_change_of_what_is_gone_since_is_said(server: ApiServer) -> None:
    def delete(_write: int, path: str, _is_stored: bool) -> None:
        if path == CONFIG_MAP:
            del server.objects[CONFIG_MAP]
            raise ApiError("ConfigMap shop/web", 422, "Invalid", "testing failed")

    server.hook = delete
    outcome = apply(server, "m", URL)
    assert states(outcome) == ["failed"]
    assert "testing failed" in outcome.failure


def test_entry_that_cannot_be_withdrawn_does_not_hide_what_was_changed(server: ApiServer) -> None:
    original = server.content()

    def refuse(_write: int, path: str, is_stored: bool) -> None:
        if path == SECRET and not is_stored:
            raise ApiError("Secret shop/web", 403, "Forbidden", "not now")
        if path.endswith("ledger") and server.objects[CONFIG_MAP]["data"]["URL"] != "http://a":
            raise ApiError("ConfigMap shop/oncall-recovery-ledger", 403, "Forbidden", "no more")

    server.hook = refuse
    outcome = apply(server, "m", URL, PASSWORD)
    assert "not now" in outcome.failure
    assert [f.field.reference.kind for f in outcome.fields if f.is_changed] == ["ConfigMap"]
    assert any("no more" in warning for warning in outcome.warnings)
    server.hook = lambda *_: None
    assert revert(server, "m").failure == ""
    assert server.content() == original


def test_restart_that_failed_is_due_at_the_next_try(server: ApiServer) -> None:
    original = server.content()
    apply(server, "m", URL)

    def refuse(_write: int, path: str, _is_stored: bool) -> None:
        if path == DEPLOYMENT:
            raise ApiError("Deployment shop/web", 403, "Forbidden", "not now")

    server.hook = refuse
    assert "not now" in revert(server, "m").failure
    server.hook = lambda *_: None
    assert [w.name for w in revert(server, "m").rollouts.restarted] == ["web"]
    assert server.content() == original


def test_one_conflict_does_not_keep_the_rest_from_being_put_back(server: ApiServer) -> None:
    apply(server, "m", URL, VARIABLE)
    server.edit(CONFIG_MAP, lambda live: live["data"].update(URL="http://by-hand"))
    outcome = revert(server, "m")
    assert states(outcome) == ["conflict"]
    assert server.objects[CONFIG_MAP]["data"]["URL"] == "http://by-hand"
    (container,) = server.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"]
    assert container["env"][0] == {"name": "A", "value": "1"}
    assert states(revert(server, "m", force=True)) == ["reverted"]
    assert server.objects[CONFIG_MAP]["data"]["URL"] == "http://a"
    assert server.ledger() == {}


def test_only_what_is_over_is_put_back(server: ApiServer) -> None:
    apply(server, "short", URL, seconds=60, story=Story(expires_in="1m"))
    apply(server, "long", TIMEOUT, seconds=7200, story=Story(expires_in="2h"))
    apply(server, "for-ever", VARIABLE)
    server.time += applying.datetime.timedelta(minutes=5)
    over = revert(server, chosen=Filter(expired=True))
    assert [name for name, _namespace in over.names] == ["short"]


def test_overlapping_fields_are_refused(server: ApiServer) -> None:
    apply(server, "m", VARIABLE)
    whole = {"kind": "Deployment", "pointer": "/spec/template/spec/containers", "value": []}
    outcome = apply(server, "other", whole)
    assert states(outcome) == ["failed"]
    assert "which mitigation m changes" in outcome.failure


def test_value_that_the_server_writes_in_another_way_is_known_again(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = server.patch

    def normalizing(path: str, steps: t.Any, **more: t.Any) -> Object:
        for step in steps if isinstance(steps, list) else ():
            if step["op"] != "test" and step.get("value") == "1000m":
                step["value"] = "1"
        return patch(path, steps, **more)

    monkeypatch.setattr(server, "patch", normalizing)
    original = server.content()
    cpu = {"kind": "Deployment", "pointer": "/spec/cpu", "value": "1000m"}
    assert states(apply(server, "m", cpu)) == ["applied"]
    assert states(apply(server, "m", cpu)) == ["already"]
    assert revert(server, "m").failure == ""
    assert server.content() == original


@pytest.mark.parametrize("seed", range(6))
def test_twenty_in_random_order_with_kills_end_where_they_began(
    server: ApiServer, seed: int
) -> None:
    chance = random.Random(seed)
    original = server.content()
    names = [f"m{number}" for number in range(20)]
    for number, name in enumerate(names):
        change = dict(chance.choice(ALL))
        if "value" in change:
            change["value"] = number if "path" in change else str(number)
        interrupted(server, chance, lambda n=name, c=change: apply(server, n, c))
        assert apply(server, name, change).failure == ""
    chance.shuffle(names)
    for name in names:
        interrupted(server, chance, lambda n=name: revert(server, n))
        assert revert(server, name).failure == ""
    assert server.content() == original
    assert server.ledger() == {}
    # Values that a killed run left behind go with the next ones, once nobody may need them.
    server.time += applying.datetime.timedelta(minutes=11)
    apply(server, "last", PASSWORD)
    revert(server, "last")
    assert server.ledger("secrets") == {}


def interrupted(server: ApiServer, chance: random.Random, run: t.Callable[[], object]) -> None:
    write = len(server.writes) + chance.randint(1, 6)
    server.hook = killing(write, stored=chance.random() < 0.5)
    try:
        run()
    except Killed:
        pass
    finally:
        server.hook = lambda *_: None
