# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API server does with objects, in memory: enough to interrupt a run at every write."""

from __future__ import annotations

import copy
import datetime
import itertools
import json
import typing as t
from collections.abc import Callable, Iterable

from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import ApiError

Object = dict[str, t.Any]
# Called with the number of the write (from 1), its path and whether it is stored yet.
Hook = Callable[[int, str, bool], None]
MERGE_PATCH = "application/merge-patch+json"
NOON = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)


class ApiServer:
    """Keeps objects by path, with UIDs, versions and JSON patches that test what they change."""

    def __init__(self, *objects: tuple[str, Object]) -> None:
        self._versions = itertools.count(1)
        self.objects: dict[str, Object] = {}
        self.writes: list[str] = []
        self.hook: Hook = lambda _number, _path, _is_stored: None
        self.time = NOON
        for path, content in objects:
            self.create(path, content)

    def create(self, path: str, content: Object) -> None:
        metadata = {"uid": f"uid-{next(self._versions)}", **content.get("metadata", {})}
        metadata["name"] = path.rpartition("/")[2]
        metadata["namespace"] = path.split("/namespaces/")[1].partition("/")[0]
        self._store(path, {**content, "metadata": metadata})

    def edit(self, path: str, change: Callable[[Object], None]) -> None:
        """What a person does meanwhile."""
        edited = copy.deepcopy(self.objects[path])
        change(edited)
        self._store(path, edited)

    def content(self) -> dict[str, Object]:
        """All objects but ledgers, without what the server keeps itself."""
        shown = copy.deepcopy(self.objects)
        for path, found in list(shown.items()):
            found["metadata"].pop("resourceVersion")
            if path.endswith("oncall-recovery-ledger"):
                del shown[path]
        return shown

    def ledger(self, plural: str = "configmaps") -> Object:
        found = self.objects.get(f"/api/v1/namespaces/shop/{plural}/oncall-recovery-ledger")
        return (found or {}).get("data") or {}

    # What follows is the part of the client that mitigations use.

    def get(self, path: str, *, subject: str) -> Object:
        if path not in self.objects:
            raise ApiError(subject, 404, "NotFound", f"{path} not found")
        return copy.deepcopy(self.objects[path])

    def list_objects(self, path: str, *, subject: str, **_: t.Any) -> tuple[list[Object], str]:
        found = [o for p, o in sorted(self.objects.items()) if p.rpartition("/")[0] == path]
        return copy.deepcopy(found), "1"

    def post(self, path: str, body: Object, *, subject: str, dry_run: bool = False) -> Object:
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            raise ApiError(subject, 409, "AlreadyExists", "it exists")
        self._written(where, lambda: self.create(where, body))
        return self.objects[where]

    def patch(
        self,
        path: str,
        patch: t.Any,
        *,
        subject: str,
        content_type: str = "",
        dry_run: bool = False,
        **_: t.Any,
    ) -> Object:
        def patched() -> Object:
            live = self.get(path, subject=subject)
            if content_type == MERGE_PATCH:
                return _merged(subject, live, patch)
            return _without_empty(_patched(subject, live, patch))

        if dry_run:
            return patched()
        self._written(path, lambda: self._store(path, patched()))
        return self.objects[path]

    def now(self) -> datetime.datetime:
        return self.time

    def side_by_side(self, work: Callable[[t.Any], t.Any], items: Iterable[t.Any]) -> list[t.Any]:
        return [work(item) for item in items]

    def _written(self, path: str, store: Callable[[], None]) -> None:
        self.writes.append(path)
        number = len(self.writes)
        self.hook(number, path, False)
        store()
        self.hook(number, path, True)

    def _store(self, path: str, content: Object) -> None:
        stored = copy.deepcopy(content)
        stored["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[path] = stored


def _merged(subject: str, live: Object, patch: Object) -> Object:
    if patch["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
        raise ApiError(subject, 409, "Conflict", "it has been modified")
    data = {**(live.get("data") or {}), **patch["data"]}
    return {**live, "data": {key: text for key, text in data.items() if text is not None}}


def _patched(subject: str, live: Object, patch: list[Object]) -> Object:
    for step in patch:
        tokens = [t_.replace("~1", "/").replace("~0", "~") for t_ in step["path"][1:].split("/")]
        node: t.Any = live
        for token in tokens[:-1]:
            node = node[int(token) if isinstance(node, list) else token]
        last: t.Any = int(tokens[-1]) if isinstance(node, list) else tokens[-1]
        if step["op"] == "test":
            if json.dumps(node[last], sort_keys=True) != json.dumps(step["value"], sort_keys=True):
                raise ApiError(subject, 422, "Invalid", f"testing {step['path']} failed")
        elif step["op"] == "remove":
            del node[last]
        elif isinstance(node, list) and step["op"] == "add":
            node.insert(last, step["value"])
        else:
            node[last] = step["value"]
    return live


def _without_empty(node: t.Any) -> t.Any:
    """Kubernetes leaves empty mappings and lists out."""
    if isinstance(node, dict):
        inner = {key: _without_empty(value) for key, value in node.items()}
        return {key: value for key, value in inner.items() if value not in ({}, [])}
    return node
