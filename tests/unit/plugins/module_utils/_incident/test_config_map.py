# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in ConfigMaps: others who write, answers that are lost, a record that is full."""

from __future__ import annotations

import base64
import copy
import gzip
import random
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident import config_map as module
from ansible_collections.oncall.recovery.plugins.module_utils._incident.config_map import (
    ConfigMapStore,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import (
    Event,
    new_event,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import Incident
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    Change,
    NotRecorded,
    Record,
    UnknownIncident,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.room import MOST_BYTES
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    Unanswered,
)

PATH = "/api/v1/namespaces/oncall/configmaps"
FORBIDDEN = ApiError("ConfigMap", 403, "Forbidden", "cannot patch")


class ConfigMaps:
    """The API server's ConfigMaps, as far as the store uses them: with resource versions.

    ``troubles`` are raised by the next writes in turn; lost answers only after it was done.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, t.Any]] = {}
        self.troubles: list[Exception] = []
        self.version = 0
        self._lock = threading.Lock()

    def get(self, path: str, *, subject: str) -> dict[str, t.Any]:
        with self._lock:
            if path not in self.objects:
                raise ApiError(subject, 404, "NotFound", "not found")
            return copy.deepcopy(self.objects[path])

    def list_objects(
        self, path: str, *, subject: str, label_selector: str
    ) -> tuple[list[dict[str, t.Any]], str]:
        label, value = label_selector.split("=")
        live = self.objects.values()
        return [o for o in live if o["metadata"]["labels"].get(label) == value], "1"

    def post(self, path: str, body: t.Any, *, subject: str, dry_run: bool) -> None:
        with self._lock:
            where = f"{path}/{body['metadata']['name']}"
            if where in self.objects:
                raise ApiError(subject, 409, "AlreadyExists", "already exists")
            self._store(where, body, dry_run)

    def patch(
        self, path: str, patch: t.Any, *, subject: str, content_type: str, dry_run: bool
    ) -> None:
        assert content_type == "application/merge-patch+json"
        with self._lock:
            live = copy.deepcopy(self.objects[path])
            if live["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"]:
                raise ApiError(subject, 409, "Conflict", "has been modified")
            for part in ("data", "binaryData"):
                merged = {**live.get(part, {}), **patch[part]}
                live[part] = {key: value for key, value in merged.items() if value is not None}
            self._store(path, live, dry_run)

    def _store(self, path: str, live: t.Any, dry_run: bool) -> None:
        troubles, self.troubles = self.troubles[:1], self.troubles[1:]
        for trouble in troubles:
            if not isinstance(trouble, Unanswered):
                raise trouble
        if not dry_run:
            self.version += 1
            live["metadata"]["resourceVersion"] = str(self.version)
            self.objects[path] = copy.deepcopy(live)
        for trouble in troubles:
            raise trouble


@pytest.fixture
def server() -> ConfigMaps:
    return ConfigMaps()


@pytest.fixture
def store(server: ConfigMaps) -> ConfigMapStore:
    made = ConfigMapStore(t.cast("t.Any", server), "oncall")
    assert made.create(Incident(id="INC-1"), [new_event(type="opened", text="begun")])
    return made


def append(store: ConfigMapStore, text: str, kind: str = "note", **more: t.Any) -> t.Any:
    event = new_event(type=kind, text=text, **more)
    return store.update("INC-1", lambda record: Change(events=[event]))


def read(store: ConfigMapStore) -> Record:
    record = store.read("INC-1")
    assert record is not None
    return record


def texts_in(store: ConfigMapStore) -> list[str]:
    return [event.text for event in read(store).events]


def test_record_is_read_as_it_was_written(store: ConfigMapStore, server: ConfigMaps) -> None:
    event = new_event(type="evidence", text="logs", evidence=("web.log",))
    store.update("INC-1", lambda record: Change(events=[event], evidence=[("web.log", "Grüße")]))
    assert texts_in(store) == ["begun", "logs"]
    assert [(kept.name, kept.bytes) for kept in read(store).evidence] == [("web.log", 7)]
    assert store.evidence("INC-1", "web.log") == "Grüße"
    (live,) = server.objects.values()
    assert live["metadata"]["labels"] == {"oncall.recovery/incident-record": "true"}
    assert set(live["binaryData"]) == {"events.jsonl.gz", "evidence.web.log.gz"}


def test_ids_that_differ_in_capitals_only_are_different_records(store: ConfigMapStore) -> None:
    assert store.create(Incident(id="inc-1"), [new_event(type="opened", text="other")])
    assert texts_in(store) == ["begun"]
    assert len(store.incidents()[0]) == 2


@pytest.mark.parametrize("identity", ["a" * 500, "A..B__c", "0", "x." * 100 + "y"])
def test_every_id_has_a_name_that_kubernetes_allows(store: ConfigMapStore, identity: str) -> None:
    name = store.where(identity)["configmap"]
    assert module.require_id(identity)
    assert len(name) <= 253
    assert all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in name)


def test_who_comes_second_does_not_write_over_the_record(store: ConfigMapStore) -> None:
    assert not store.create(Incident(id="INC-1"), [new_event(type="opened", text="again")])
    assert texts_in(store) == ["begun"]


def test_writers_at_the_same_time_lose_nothing(store: ConfigMapStore) -> None:
    with ThreadPoolExecutor(6) as executor:
        list(executor.map(lambda number: append(store, str(number)), range(60)))
    assert sorted(texts_in(store)[1:], key=int) == [str(number) for number in range(60)]


def test_decision_is_made_anew_for_what_another_wrote(
    store: ConfigMapStore, server: ConfigMaps
) -> None:
    asked: list[int] = []

    def decide(record: Record) -> Change:
        asked.append(len(record.events))
        if len(asked) == 1:
            append(store, "of another")
        return Change(events=[new_event(type="note", text="mine")])

    store.update("INC-1", decide)
    assert asked == [1, 2]
    assert texts_in(store) == ["begun", "of another", "mine"]


def test_answer_that_was_lost_makes_no_event_twice(
    store: ConfigMapStore, server: ConfigMaps
) -> None:
    server.troubles = [Unanswered("ConfigMap", "no whole answer")]
    assert append(store, "once").events
    assert texts_in(store) == ["begun", "once"]


def test_answer_to_the_beginning_that_was_lost_is_no_failure(server: ConfigMaps) -> None:
    server.troubles = [Unanswered("ConfigMap", "no whole answer")]
    store = ConfigMapStore(t.cast("t.Any", server), "oncall")
    assert store.create(Incident(id="INC-1"), [new_event(type="opened", text="begun")])


def test_event_that_may_not_be_written_is_told(store: ConfigMapStore, server: ConfigMaps) -> None:
    server.troubles = [FORBIDDEN]
    with pytest.raises(NotRecorded, match=r"cannot patch. Not recorded: note: lost"):
        append(store, "lost")
    assert texts_in(store) == ["begun"]


def filler(number: int) -> str:
    """A text that does not compress."""
    return random.Random(number).randbytes(3000).hex()


def test_full_record_makes_room_and_says_so(store: ConfigMapStore, server: ConfigMaps) -> None:
    events: list[Event] = [new_event(type="decision", text="roll back")]
    events += [new_event(type="note", text=filler(number)) for number in range(80)]
    events += [new_event(type="task", text=filler(1000 + number)) for number in range(80)]
    files = [("old.log", filler(7) * 10), ("new.log", filler(8) * 10)]
    told = new_event(type="evidence", text="logs", evidence=("old.log", "new.log"))
    store.update("INC-1", lambda record: Change(events=[told], evidence=files))
    written = store.update("INC-1", lambda record: Change(events=events))
    assert written.warnings == []
    warnings = []
    for batch in range(10):
        texts = [filler(2000 + 30 * batch + number) for number in range(30)]
        more = Change(events=[new_event(type="note", text=text) for text in texts])
        warnings += store.update("INC-1", lambda record, more=more: more).warnings
    assert "events and" in warnings[0]
    assert "are dropped" in warnings[0]
    record = read(store)
    assert record.incident.dropped["events"] + len(record.events) == 1 + 1 + 161 + 300
    assert record.incident.dropped["evidence"] == 2
    kept = [event.type for event in record.events]
    assert "decision" in kept
    assert "opened" in kept
    assert "task" not in kept
    assert record.events[-1].text == filler(2299)
    (live,) = server.objects.values()
    assert sum(len(base64.b64decode(v)) for v in live["binaryData"].values()) <= MOST_BYTES


def test_event_that_fits_nowhere_is_refused_and_told(store: ConfigMapStore) -> None:
    events = [new_event(type="action", text=filler(number)) for number in range(400)]
    with pytest.raises(RecoveryError, match=r"its record is full: .* \(store: folder"):
        store.update("INC-1", lambda record: Change(events=events))
    assert texts_in(store) == ["begun"]


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"cut off")[:-4], gzip.compress(b"\0" * 70_000_000)],
    ids=["something else", "half", "more than memory should hold"],
)
def test_what_somebody_put_in_place_of_the_events_is_named(
    store: ConfigMapStore, server: ConfigMaps, content: bytes
) -> None:
    (live,) = server.objects.values()
    live["binaryData"]["events.jsonl.gz"] = base64.b64encode(content).decode()
    with pytest.raises(RecoveryError, match=r"events.jsonl.gz cannot be unpacked"):
        texts_in(store)


def test_incident_that_is_not_there_is_named(store: ConfigMapStore) -> None:
    with pytest.raises(UnknownIncident, match="incident INC-9: there is no record of it in names"):
        store.update("INC-9", lambda record: Change())


def test_dry_run_stores_nothing(store: ConfigMapStore, server: ConfigMaps) -> None:
    dry = ConfigMapStore(t.cast("t.Any", server), "oncall", dry_run=True)
    assert append(dry, "tried").events
    assert dry.create(Incident(id="INC-2"), [new_event(type="opened", text="tried")])
    assert texts_in(store) == ["begun"]
    assert len(server.objects) == 1
