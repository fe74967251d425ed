# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the client whose answers the test writes down beforehand."""

from __future__ import annotations

import datetime
import threading
import typing as t
from collections.abc import Callable, Iterable, Iterator

Object = dict[str, t.Any]
Event = tuple[str, Object]
# What one watch does: it yields these events, then ends, or fails, or stays silent.
Watch = list["Event | Exception | Silence"]


class Silence:
    """A watch that says nothing more until the test is over."""


class ScriptedClient:
    """Answers LISTs by path, GETs, PATCHes and WATCHes in the order of the script.

    ``lists``: objects by path, or a list of such answers, one for each time it is asked (the
    last is repeated). An exception as an answer is raised.
    """

    def __init__(
        self,
        lists: dict[str, t.Any],
        *,
        watches: dict[str, list[Watch]] | None = None,
        gets: Iterable[t.Any] = (),
        patches: Iterable[t.Any] = (),
    ) -> None:
        self._lists = lists
        self._watches = watches or {}
        self._gets = iter(gets)
        self._patches = iter(patches)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.listed: list[tuple[str, str, str]] = []
        self.patience: list[float | None] = []
        self.watched: list[tuple[str, str]] = []
        self.patched: list[tuple[str, t.Any, bool]] = []

    def stop(self) -> None:
        """Let the silent watches end."""
        self._over.set()

    def list_objects(
        self,
        path: str,
        *,
        subject: str,
        label_selector: str = "",
        field_selector: str = "",
        patience: float | None = None,
        **_: t.Any,
    ) -> tuple[list[Object], str]:
        with self._lock:
            self.patience.append(patience)
            times = sum(1 for listed in self.listed if listed[0] == path)
            self.listed.append((path, label_selector, field_selector))
        answer = self._lists.get(path, [])
        if answer and isinstance(answer[0], list | Exception):
            answer = answer[min(times, len(answer) - 1)]
        return list(_given(answer)), str(1000 + times)

    def watch(
        self, path: str, *, resource_version: str, seconds: float, **_: t.Any
    ) -> Iterator[Event]:
        with self._lock:
            times = sum(1 for watched in self.watched if watched[0] == path)
            self.watched.append((path, resource_version))
        script = self._watches.get(path, [])
        for step in script[times] if times < len(script) else [Silence()]:
            if isinstance(step, Silence):
                self._over.wait(seconds)
            else:
                yield _given(step)

    def get(self, path: str, *, subject: str) -> Object:
        return t.cast(Object, _given(next(self._gets)))

    def patch(
        self, path: str, patch: t.Any, *, subject: str, dry_run: bool = False, **_: t.Any
    ) -> Object:
        self.patched.append((path, patch, dry_run))
        return t.cast(Object, _given(next(self._patches)))

    def served_version(self, group: str) -> str:
        return "v1alpha1"

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc)

    def side_by_side(self, work: Callable[[t.Any], t.Any], items: Iterable[t.Any]) -> list[t.Any]:
        return [work(item) for item in items]


def _given(answer: t.Any) -> t.Any:
    if isinstance(answer, Exception):
        raise answer
    return answer
