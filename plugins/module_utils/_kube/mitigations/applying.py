# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying a mitigation: written down first, then changed, all of it or nothing.

The server tries every patch before anything is written. A run that is killed on the way is
finished by the next: what it did is told by the live values, not by a note.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    bounds_of,
    read_autoscalers,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import (
    ApiError,
    is_passing,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import (
    crossed_out,
    read_book,
    update_book,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    Entry,
    Story,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.floor import (
    CEILING_TOKENS,
    as_floor,
    autoscaler_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    Resources,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.outcome import (
    ALREADY,
    APPLIED,
    CONFLICT,
    FAILED,
    NONE,
    FieldOutcome,
    Outcome,
    values_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.plan import (
    Plan,
    Work,
    read_objects,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.restart import (
    ALWAYS,
    NEVER,
    Tokens,
    changed_sources,
    finish_restart,
    plan_restart,
    reads,
    workloads_in,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.sending import (
    Sent,
    send,
    wait_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import (
    Conflict,
    put_on,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import TIME_FORMAT

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.change import (
        Change,
    )

    Object = Mapping[str, t.Any]

# What others change faster than we can read it is left alone.
MOST_ATTEMPTS = 4
SECONDS_BETWEEN_ATTEMPTS = 0.5


@dataclasses.dataclass(frozen=True)
class Request:
    """A mitigation to apply. ``seconds`` is how long it lasts (0: until it is put back).

    ``restart`` is one of AUTO, NEVER, ALWAYS; ``wait_seconds`` 0 does not wait for the workloads.
    """

    name: str
    changes: Sequence[Change]
    story: Story
    seconds: int = 0
    restart: str = "auto"
    force: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0


def apply_mitigation(client: Client, request: Request) -> Outcome:
    """Apply a mitigation. Raises RecoveryError where ledgers or workloads cannot be read."""
    return _Run(client, request).to_the_end()


class _Run:
    """One run, which plans anew whenever somebody else was faster."""

    def __init__(self, client: Client, request: Request) -> None:
        self._client = client
        self._request = request
        self._resources = Resources(client)
        self._tokens = Tokens(request.name)
        self._found: dict[t.Any, t.Any] = {}
        self._is_noted = False
        self._warnings: list[str] = []

    def to_the_end(self) -> Outcome:
        for attempt in range(MOST_ATTEMPTS):
            time.sleep(SECONDS_BETWEEN_ATTEMPTS * attempt)
            outcome = self._attempt()
            if outcome:
                return outcome
        raise RecoveryError(
            f"mitigation {self._request.name}",
            f"whether it is applied is not known after {MOST_ATTEMPTS} attempts",
            "Look at its objects, then run again",
        )

    def _attempt(self) -> Outcome | None:
        """Plan and do it; None where it has to be planned anew."""
        request = self._request
        plan = Plan({n: read_book(self._client, n) for n in self._namespaces()})
        troubles = self._put_on_all(plan)
        if not troubles and request.restart != NEVER:
            self._plan_restarts(plan)
        if troubles:
            return self._refused(plan, troubles)
        patches, failures = plan.patches()
        if failures:
            return self._refused(plan, self._by_change(plan, failures))
        tried = send(self._client, self._resources, plan, patches, dry_run=True)
        if tried.is_overtaken:
            return None
        if tried.failures:
            return self._refused(plan, self._by_change(plan, tried.failures))
        for uid, answer in tried.answers.items():
            plan.take_over(uid, answer)
        self._note_found(plan)
        if request.dry_run:
            return self._outcome(plan, patches, tried)
        if not self._write_down(plan):
            return None
        done = send(self._client, self._resources, plan, plan.patches()[0])
        if done.refused:
            self._withdraw(plan, done.refused)
        if done.is_overtaken:
            return None
        return self._outcome(plan, patches, done)

    def _namespaces(self) -> list[str]:
        return sorted({change.reference.namespace for change in self._request.changes})

    def _put_on_all(self, plan: Plan) -> dict[int, RecoveryError]:
        """Plan every change; what is in the way of some, by their position."""
        changes = self._request.changes
        lives = read_objects(self._client, self._resources, (c.reference for c in changes))
        troubles: dict[int, RecoveryError] = {}
        for position, change in enumerate(changes):
            live = lives[change.reference]
            try:
                if isinstance(live, RecoveryError):
                    raise live
                if live is None:
                    raise RecoveryError(
                        str(change.reference), "there is no such object", "Check kind and name"
                    )
                self._put_on(plan, change, live)
            except RecoveryError as error:
                troubles[position] = error
        return troubles

    def _put_on(self, plan: Plan, change: Change, live: Object) -> None:
        if change.replicas is not None:
            change, live = self._by_autoscaler(plan, change, live)
        field = change.field(live)
        plan.require_no_overlap(field)
        work = plan.work(field, live)
        entry = Entry(self._request.name, field, change.value, story=self._story())
        entry = dataclasses.replace(entry, order=plan.order_of(field))
        step = put_on(work.stack, entry, work.target, force=self._request.force)
        work.stack, work.target = step.stack, step.live
        work.order = work.order or entry.order

    def _by_autoscaler(self, plan: Plan, change: Change, live: Object) -> tuple[Change, Object]:
        """The change of replicas as one to the autoscaler that decides them, where one does."""
        namespace = change.reference.namespace
        autoscalers = read_autoscalers(self._client, [live])[namespace]
        autoscaler = autoscaler_for(change, live, autoscalers)
        if autoscaler is None:
            return change, live
        ceiling = bounds_of(autoscaler).greatest
        planned = plan.works.get((autoscaler["metadata"]["uid"], CEILING_TOKENS))
        if planned:
            ceiling = planned.target
        floor = as_floor(change, autoscaler, None, ceiling).field(autoscaler)
        own = plan.books[namespace].entries.get(floor.key_for(self._request.name))
        before = own.before if own else None
        return as_floor(change, autoscaler, before, ceiling), autoscaler

    def _plan_restarts(self, plan: Plan) -> None:
        """Have workloads start anew that read what changes, and finish what was begun.

        Raises RecoveryError where workloads cannot be read, or cannot be restarted.
        """
        name, story = self._request.name, self._story()
        for namespace, book in plan.books.items():
            changed = changed_sources(plan.works.values(), namespace, self._found_in)
            begun = {
                entry.field.uid
                for entry in book.entries.values()
                if entry.field.is_restart and entry.mitigation == name
            }
            for workload in workloads_in(self._client, namespace) if changed or begun else ():
                uid = workload["metadata"]["uid"]
                if reads(workload, changed, mounted=self._request.restart == ALWAYS):
                    plan_restart(plan, workload, name, self._tokens.for_workload(uid), story)
                elif uid in begun:
                    finish_restart(plan, workload, name)

    def _found_in(self, work: Work) -> t.Any:
        return self._found.get(work.field.slot, work.found)

    def _story(self) -> Story:
        now = self._client.now()
        seconds = self._request.seconds
        until = (now + datetime.timedelta(seconds=seconds)).strftime(TIME_FORMAT) if seconds else ""
        return dataclasses.replace(self._request.story, at=now.strftime(TIME_FORMAT), until=until)

    def _note_found(self, plan: Plan) -> None:
        """Keep what the first attempt found: what a later one finds may be our own change."""
        for slot, work in plan.works.items():
            self._found.setdefault(slot, work.found)

    def _write_down(self, plan: Plan) -> bool:
        """Write all entries; False where somebody else was faster, or no answer came."""
        for namespace, book in plan.books.items():
            entries = plan.entries(namespace)
            if not entries:
                continue
            try:
                book.save(self._client, entries)
            except RecoveryError as error:
                is_overtaken = isinstance(error, ApiError) and error.status == 409
                if is_overtaken or is_passing(error):
                    return False
                raise
            self._is_noted = True
        return True

    def _withdraw(self, plan: Plan, refused: t.Collection[str]) -> None:
        """Cross out what the server did not do, so that it is planned on what is there now."""
        for uid in refused:
            for work in plan.works_of(uid):
                self._found.pop(work.field.slot, None)
        new = {
            entry.key
            for uid in refused
            for work in plan.works_of(uid)
            for entry in work.stack
            if entry.key not in {old.key for old in work.was}
        }
        namespaces = {plan.reference(uid).namespace for uid in refused}
        for namespace in namespaces if new else ():
            self._cross_out(namespace, new)

    def _cross_out(self, namespace: str, keys: set[str]) -> None:
        try:
            update_book(self._client, namespace, lambda book: crossed_out(book, keys))
        except RecoveryError as error:
            # What was changed has to be told all the same. Putting back crosses these out, too.
            self._warnings.append(f"{error.message}. It still lists what was not done")

    def _by_change(
        self, plan: Plan, failures: Mapping[str, RecoveryError]
    ) -> dict[int, RecoveryError]:
        """Failures by the position of their change; those of no change go to the first."""
        references = {plan.reference(uid): error for uid, error in failures.items()}
        troubles = {
            position: references[change.reference]
            for position, change in enumerate(self._request.changes)
            if change.reference in references
        }
        return troubles or {0: next(iter(failures.values()))}

    def _refused(self, plan: Plan, troubles: Mapping[int, RecoveryError]) -> Outcome:
        """The outcome where nothing was changed, since some of it cannot be."""
        fields = []
        for position, change in enumerate(self._request.changes):
            error = troubles.get(position)
            state = CONFLICT if isinstance(error, Conflict) else FAILED if error else NONE
            message = error.message if error else ""
            name = self._request.name
            fields.append(FieldOutcome(name, change.loose_field(), state, message))
        names = [(self._request.name, namespace) for namespace in self._namespaces()]
        return Outcome(names, fields, is_ledger_changed=self._is_noted)

    def _outcome(self, plan: Plan, patches: t.Collection[str], sent: Sent) -> Outcome:
        works = list(plan.works.values())
        for slot, work in plan.works.items():
            work.found = self._found.get(slot, work.found)
        fields = [
            self._field_outcome(entry, work, sent)
            for work in works
            for entry in work.stack
            if entry.mitigation == self._request.name
        ]
        changed = [work for work in works if work.is_changed]
        seconds = 0 if self._request.dry_run else self._request.wait_seconds
        return Outcome(
            names=[(self._request.name, namespace) for namespace in self._namespaces()],
            fields=fields,
            works=works,
            rollouts=wait_for(self._client, changed, seconds),
            is_ledger_changed=any(plan.entries(n) for n in plan.books) or self._is_noted,
            warnings=[
                *(e.message for book in plan.books.values() for e in book.unreadable),
                *self._warnings,
            ],
        )

    def _field_outcome(self, entry: Entry, work: Work, sent: Sent) -> FieldOutcome:
        error = sent.failures.get(work.field.uid)
        state, message = ALREADY, f"{entry.field}: already as it should be"
        if error:
            state, message = FAILED, error.message
        elif work.is_changed:
            state = APPLIED
            message = f"{entry.field}: {'would be ' if self._request.dry_run else ''}changed"
        elif entry is not work.stack[-1] and not entry.field.place:
            message = f"{entry.field}: mitigation {work.stack[-1].mitigation} covers it"
        return FieldOutcome(
            self._request.name,
            entry.field,
            state,
            message,
            is_changed=work.is_changed and not error,
            **values_of(entry),
        )
