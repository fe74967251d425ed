# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following workloads until each is as wanted: one WATCH per kind and namespace, no polling.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import queue
import threading
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import remaining
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.place import (
    Place,
    Source,
    places_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

    Object = Mapping[str, t.Any]

SECONDS_BETWEEN_LISTS = 0.5
# The caller's time is over by then.
SECONDS_FOR_A_LAST_LOOK = 2.0
# A client takes none at all for as long as it likes to wait for an answer.
SHORTEST_PATIENCE_SECONDS = 0.1
# A server, or a proxy before it, that ends watches at once must not be asked without a pause.
SHORTEST_WATCH_SECONDS = 1.0

Judgement = t.TypeVar("Judgement")


@dataclasses.dataclass(frozen=True)
class Followed(t.Generic[Judgement]):
    """The last judgement on a workload, whether it is final, and the seconds until then.

    ``trouble`` is what kept a judgement that is not final from being newer, or empty; the
    judgement is None where nothing could be read at all.
    """

    judgement: Judgement | None
    is_final: bool
    seconds: float
    trouble: str = ""


def look_once(
    client: Client,
    workloads: Iterable[Object],
    judge: Callable[[View], Judgement],
    *,
    patience: float | None = None,
) -> dict[str, Judgement]:
    """Judge the workloads as they are now; by UID. Three LISTs per kind and namespace.

    ``patience``: seconds after which each LIST is given up.
    """
    judgements: dict[str, Judgement] = {}
    for place in places_of(workloads):
        listed = client.side_by_side(
            lambda source: _list(client, source, patience)[0], place.sources
        )
        for source, objects in zip(place.sources, listed, strict=True):
            place.replace_all(source.what, objects)
        judgements.update({uid: judge(place.view(uid)) for uid in place.workloads})
    return judgements


def follow(
    client: Client,
    workloads: Iterable[Object],
    judge: Callable[[View], tuple[Judgement, bool]],
    *,
    seconds: float,
    with_pods: bool = True,
) -> dict[str, Followed[Judgement]]:
    """Judge the workloads again whenever something of theirs changes; by UID.

    ``judge`` returns its judgement and whether it is final. Returns when all are final or after
    ``seconds``, whichever comes first; before it gives up, it looks once more, for a watch may have
    been silent because its connection was dead. Returns something for every workload. Raises
    RecoveryError where the objects may not be read; trouble that may pass is waited out.
    """
    started = time.monotonic()
    places = places_of(workloads, with_pods=with_pods)
    waiting = {uid for place in places for uid in place.workloads}
    results: dict[str, Followed[Judgement]] = {}

    def judge_again(place: Place, uids: set[str]) -> None:
        for uid in uids & waiting if place.is_complete else ():
            judgement, is_final = judge(place.view(uid))
            results[uid] = Followed(judgement, is_final, time.monotonic() - started)
            if is_final:
                waiting.discard(uid)

    with Newsroom(client, places, started + seconds) as newsroom:
        while waiting:
            dirty = newsroom.next_changes()
            if dirty is None:
                break
            for place, uids in dirty.items():
                judge_again(place, uids)
    unsure = [place for place in places if waiting & place.workloads.keys()]
    last_look = time.monotonic() + SECONDS_FOR_A_LAST_LOOK
    troubles = client.side_by_side(lambda place: _look_again(client, place, last_look), unsure)
    for place, trouble in zip(unsure, troubles, strict=True):
        judge_again(place, set(place.workloads))
        for uid in waiting & place.workloads.keys():
            last = results.get(uid, Followed(None, False, time.monotonic() - started))
            results[uid] = dataclasses.replace(last, trouble=trouble)
    return results


def _look_again(client: Client, place: Place, deadline: float) -> str:
    """List everything once more; the trouble in words, or nothing."""
    try:
        for source in place.sources:
            patience = max(remaining(deadline), SHORTEST_PATIENCE_SECONDS)
            place.replace_all(source.what, _list(client, source, patience)[0])
    except RecoveryError as error:
        return error.message
    return ""


class Newsroom:
    """Runs one watching thread per source and hands what they report to the one who asks."""

    def __init__(self, client: Client, places: Iterable[Place], deadline: float) -> None:
        self._client = client
        self._places = places
        self._deadline = deadline
        self._stopped = threading.Event()
        self._reports: queue.Queue[tuple[Place, Callable[[], set[str]]]] = queue.Queue()

    def __enter__(self) -> Newsroom:
        for place in self._places:
            for source in place.sources:
                threading.Thread(target=self._watch, args=(place, source), daemon=True).start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._stopped.set()

    def next_changes(self) -> dict[Place, set[str]] | None:
        """Wait for news, take all there are in; UIDs to judge by place, None at the deadline."""
        try:
            reports = [self._reports.get(timeout=remaining(self._deadline))]
        except queue.Empty:
            return None
        while not self._reports.empty():
            reports.append(self._reports.get_nowait())
        dirty: dict[Place, set[str]] = {}
        for place, take_in in reports:
            dirty.setdefault(place, set()).update(take_in())
        return dirty

    def _watch(self, place: Place, source: Source) -> None:
        """Body of a thread: list, then watch; list again where the watch cannot go on."""
        while self._goes_on():
            try:
                objects, version = _list(self._client, source, remaining(self._deadline))
                self._report(place, place.replace_all, source.what, objects)
                self._watch_from(version, place, source)
            except RecoveryError as error:
                if not (is_passing(error) or _is_expired(error)):
                    self._report(place, _raise, error)
                    return
            self._rest()

    def _watch_from(self, version: str, place: Place, source: Source) -> None:
        """Report events from ``version`` on; a watch that the server ends is taken up again."""
        while self._goes_on():
            opened = time.monotonic()
            events = self._client.watch(
                source.path,
                subject=str(source),
                resource_version=version,
                seconds=remaining(self._deadline) + 1,
                label_selector=source.label_selector,
                field_selector=source.field_selector,
            )
            for event, changed in events:
                if not self._goes_on():
                    return
                version = changed["metadata"]["resourceVersion"]
                if event != "BOOKMARK":
                    self._report(place, place.take, source.what, event, changed)
            if time.monotonic() - opened < SHORTEST_WATCH_SECONDS:
                self._rest()

    def _rest(self) -> None:
        self._stopped.wait(min(SECONDS_BETWEEN_LISTS, remaining(self._deadline)))

    def _goes_on(self) -> bool:
        return not self._stopped.is_set() and remaining(self._deadline) > 0

    def _report(self, place: Place, take_in: Callable[..., set[str]], *news: t.Any) -> None:
        """Hand over news; the one who asks takes them in, so that no lock is needed."""
        self._reports.put((place, functools.partial(take_in, *news)))


def _list(
    client: Client, source: Source, patience: float | None = None
) -> tuple[list[dict[str, t.Any]], str]:
    return client.list_objects(
        source.path,
        subject=str(source),
        label_selector=source.label_selector,
        field_selector=source.field_selector,
        patience=patience,
    )


def _is_expired(error: RecoveryError) -> bool:
    """True where the version to watch from is too old, which a fresh list mends."""
    return isinstance(error, ApiError) and error.status == 410


def _raise(error: RecoveryError) -> t.NoReturn:
    raise error
