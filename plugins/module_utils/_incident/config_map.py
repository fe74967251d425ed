# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in the cluster: one ConfigMap for each incident, for where the controller's disk does
not last.

``incident.json`` is plain, events and evidence are compressed. Every write is for the ConfigMap as
it was read, and where somebody else was faster, it is decided anew.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import binascii
import functools
import gzip
import hashlib
import random
import re
import time
import typing as t
import zlib

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import (
    Incident,
    from_json,
    require_id,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import (
    Change,
    Evidence,
    NotRecorded,
    Record,
    UnknownIncident,
    Written,
    named_evidence,
    readable,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.room import (
    Content,
    make_room,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import MERGE_PATCH
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
    may_have_been_done,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    collection_path,
    object_path,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import Event
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    Object = Mapping[str, t.Any]

CORE, PLURAL = "/api/v1", "configmaps"
NAME_PREFIX = "oncall-recovery-incident-"
LABEL = "oncall.recovery/incident-record"
INCIDENT_KEY, EVENTS_KEY = "incident.json", "events.jsonl.gz"
EVIDENCE_PREFIX, EVIDENCE_SUFFIX = "evidence.", ".gz"
# Others may write all the time; each of them gets its turn.
SECONDS_OF_ATTEMPTS = 30.0
LONGEST_PAUSE_SECONDS = 0.5
# A name holds 253 characters, of which a digest tells ids apart that look alike in lower case.
LONGEST_NAME_PART = 180
# What somebody put there who wants to fill our memory is not unpacked.
MOST_BYTES_UNPACKED = 64 * 1024 * 1024


class ConfigMapStore:
    """Records in ConfigMaps of one namespace. A store of :class:`record.Store`'s kind."""

    def __init__(self, client: Client, namespace: str, *, dry_run: bool = False) -> None:
        self._client = client
        self._namespace = namespace
        self._dry_run = dry_run

    def incidents(self, prefix: str = "") -> tuple[list[Incident], list[str]]:
        live, _version = self._client.list_objects(
            collection_path(PLURAL, self._namespace, CORE),
            subject=f"incidents in namespace {self._namespace}",
            label_selector=f"{LABEL}=true",
        )
        found, trouble = readable(_incident_in, live)
        return [incident for incident in found if incident.id.startswith(prefix)], trouble

    def read(self, identity: str) -> Record | None:
        live = self._read(identity)
        return _record_in(live) if live else None

    def create(self, incident: Incident, events: Sequence[Event]) -> bool:
        require_id(incident.id)
        content = Content(incident, events, {})
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": _name_for(incident.id),
                "namespace": self._namespace,
                "labels": {LABEL: "true"},
            },
            **_packed(content),
        }
        try:
            self._client.post(
                collection_path(PLURAL, self._namespace, CORE),
                body,
                subject=self._subject(incident.id),
                dry_run=self._dry_run,
            )
        except RecoveryError as error:
            if isinstance(error, ApiError) and error.status == 409:
                return False
            if may_have_been_done(error) and self._has(incident.id, events):
                return True
            raise _not_recorded(error, events) from error
        return True

    def update(self, identity: str, decide: Callable[[Record], Change]) -> Written:
        deadline = time.monotonic() + SECONDS_OF_ATTEMPTS
        sent: Written | None = None
        attempt = 0
        while True:
            live = self._read(identity)
            if live is None:
                raise UnknownIncident(identity, f"namespace {self._namespace}")
            record = _record_in(live)
            if sent and _all_in(record, sent.events):
                # The answer to the last attempt was lost, and it had been done.
                return sent
            written, content = _planned(record, live, decide(record))
            if content is None:
                return written
            try:
                self._write(identity, live, content)
            except RecoveryError as error:
                is_again = isinstance(error, ApiError) and error.status == 409
                sent = written if may_have_been_done(error) else sent
                if not (is_again or is_passing(error)) or time.monotonic() > deadline:
                    raise _not_recorded(error, written.events) from error
            else:
                return written
            attempt += 1
            # Those who collided do not collide again at once.
            time.sleep(random.uniform(0.01, min(LONGEST_PAUSE_SECONDS, 0.05 * attempt)))

    def evidence(self, identity: str, name: str) -> str:
        live = self._read(identity) or {}
        return _unpacked(live, f"{EVIDENCE_PREFIX}{name}{EVIDENCE_SUFFIX}").decode()

    def where(self, identity: str) -> dict[str, t.Any]:
        place = {"namespace": self._namespace, "configmap": _name_for(identity)}
        return {"store": "configmap", "path": None, **place}

    def _subject(self, identity: str) -> str:
        return f"ConfigMap {self._namespace}/{_name_for(identity)}"

    def _read(self, identity: str) -> Object | None:
        require_id(identity)
        path = object_path(PLURAL, self._namespace, _name_for(identity), CORE)
        try:
            return self._client.get(path, subject=self._subject(identity))
        except ApiError as error:
            if not error.is_not_found:
                raise
            return None

    def _has(self, identity: str, events: Sequence[Event]) -> bool:
        try:
            record = self.read(identity)
        except RecoveryError:
            return False
        return record is not None and _all_in(record, events)

    def _write(self, identity: str, live: Object, content: Content) -> None:
        packed = _packed(content)
        kept = packed["binaryData"]
        gone = {key: None for key in live.get("binaryData") or {} if key not in kept}
        body = {
            "metadata": {
                "resourceVersion": live["metadata"]["resourceVersion"],
                "labels": {LABEL: "true"},
            },
            "data": packed["data"],
            "binaryData": {**kept, **gone},
        }
        self._client.patch(
            object_path(PLURAL, self._namespace, _name_for(identity), CORE),
            body,
            subject=self._subject(identity),
            content_type=MERGE_PATCH,
            dry_run=self._dry_run,
        )


def _planned(record: Record, live: Object, change: Change) -> tuple[Written, Content | None]:
    """What becomes of the record, and the content to write for it; None where nothing changes."""
    if not change:
        return Written(record.incident, record.incident), None
    events, files = named_evidence(change, {kept.name for kept in record.evidence})
    evidence = _packed_evidence(record, live)
    evidence |= {name: gzip.compress(text.encode(), mtime=0) for name, text in files}
    incident = change.incident or record.incident
    content = Content(incident, [*record.events, *events], evidence)
    try:
        kept, dropped = make_room(content, {event.id for event in events})
    except RecoveryError as error:
        raise _not_recorded(error, events) from error
    warnings = [f"incident {incident.id}: {dropped}"] if dropped else []
    told = [Evidence(name, len(text.encode())) for name, text in files if name in kept.evidence]
    return Written(record.incident, kept.incident, events, told, warnings), kept


def _packed_evidence(record: Record, live: Object) -> dict[str, bytes]:
    """The compressed files in the order in which events tell of them, others first."""
    told = [name for event in record.events for name in event.evidence]
    order = {name: number for number, name in enumerate(told)}
    packed = {
        _evidence_name(key): base64.b64decode(text)
        for key, text in (live.get("binaryData") or {}).items()
        if key.startswith(EVIDENCE_PREFIX)
    }
    return dict(sorted(packed.items(), key=lambda file: order.get(file[0], -1)))


def _all_in(record: Record, events: Sequence[Event]) -> bool:
    ids = {event.id for event in record.events}
    return bool(events) and all(event.id in ids for event in events)


def _not_recorded(error: RecoveryError, events: Sequence[Event]) -> NotRecorded:
    return NotRecorded(error.subject, error.cause, error.next_step, events)


def _name_for(identity: str) -> str:
    readable = re.sub(r"[^a-z0-9-]+", "-", identity.lower())[:LONGEST_NAME_PART].strip("-")
    digest = hashlib.sha256(identity.encode()).hexdigest()[:10]
    return f"{NAME_PREFIX}{readable}-{digest}"


def _incident_in(live: Object) -> Incident:
    metadata = live["metadata"]
    subject = f"ConfigMap {metadata['namespace']}/{metadata['name']}"
    return from_json(subject, (live.get("data") or {}).get(INCIDENT_KEY, ""))


def _record_in(live: Object) -> Record:
    evidence = [
        Evidence(_evidence_name(key), len(_unpacked(live, key)))
        for key in sorted(live.get("binaryData") or {})
        if key.startswith(EVIDENCE_PREFIX)
    ]
    lines = functools.partial(_unpacked, live, EVENTS_KEY)
    return Record(_incident_in(live), lines, evidence)


def _evidence_name(key: str) -> str:
    return key.removeprefix(EVIDENCE_PREFIX).removesuffix(EVIDENCE_SUFFIX)


def _packed(content: Content) -> dict[str, dict[str, str]]:
    packed = {EVENTS_KEY: content.packed_events}
    for name, compressed in content.evidence.items():
        packed[f"{EVIDENCE_PREFIX}{name}{EVIDENCE_SUFFIX}"] = compressed
    return {
        "data": {INCIDENT_KEY: content.incident.to_json()},
        "binaryData": {key: base64.b64encode(value).decode() for key, value in packed.items()},
    }


def _unpacked(live: Object, key: str) -> bytes:
    """What is compressed under a key. Raises RecoveryError where it is not."""
    text = (live.get("binaryData") or {}).get(key, "")
    if not text:
        return b""
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        content = unpacker.decompress(base64.b64decode(text), MOST_BYTES_UNPACKED)
        if not unpacker.eof:
            raise ValueError("it is cut off or too large")
    except (zlib.error, binascii.Error, ValueError) as error:
        metadata = live["metadata"]
        raise RecoveryError(
            f"ConfigMap {metadata['namespace']}/{metadata['name']}",
            f"{key} cannot be unpacked ({error})",
            "Keep a copy of it, and remove the key",
        ) from error
    return content
