# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting back what was there before mitigations: changed first, then crossed out in the ledger.

A run that is killed on the way is finished by the next. What somebody else changed meanwhile is
left as it is, and reported.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.applying import (
    MOST_ATTEMPTS,
    SECONDS_BETWEEN_ATTEMPTS,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import (
    crossed_out,
    update_book,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.filter import (
    Filter,
    read_ledgers,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    Resources,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.outcome import (
    CONFLICT,
    FAILED,
    REVERTED,
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
    Tokens,
    is_expected_to_change,
    plan_restart_back,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.sending import (
    Sent,
    send,
    wait_for,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import (
    Conflict,
    take_off,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.suspensions import (
    resume_owners,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.record import TIME_FORMAT

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.book import Book
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
        Entry,
    )

    Object = Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Request:
    """What to put back: everything that ``chosen`` matches in a namespace, or (None) in all."""

    chosen: Filter
    namespace: str | None
    force: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0


def put_back(client: Client, request: Request) -> Outcome:
    """Put mitigations back. Raises RecoveryError where the ledgers cannot be read."""
    run = _Run(client, request)
    for attempt in range(MOST_ATTEMPTS):
        time.sleep(SECONDS_BETWEEN_ATTEMPTS * attempt)
        outcome = run.attempt()
        if outcome:
            return outcome
    raise RecoveryError(
        f"mitigation {request.chosen.name}".rstrip(),
        f"whether all is put back is not known after {MOST_ATTEMPTS} attempts",
        "Look at its objects, then run again",
    )


class _Run:
    """One run, which plans anew whenever somebody else was faster."""

    def __init__(self, client: Client, request: Request) -> None:
        self._client = client
        self._request = request
        self._resources = Resources(client)
        self._tokens = Tokens(request.chosen.name)
        self._found: dict[t.Any, t.Any] = {}

    def attempt(self) -> Outcome | None:
        """Plan and do it; None where it has to be planned anew."""
        request = self._request
        plan = Plan(read_ledgers(self._client, request.namespace))
        now = self._client.now().strftime(TIME_FORMAT)
        chosen = [
            entry
            for book in plan.books.values()
            for entry in book.entries.values()
            if request.chosen.matches(entry, now)
        ]
        conflicts, gone = self._take_off_all(plan, chosen)
        patches, failures = plan.patches()
        for slot, work in plan.works.items():
            self._found.setdefault(slot, work.found)
        if not request.dry_run:
            self._write_renewed(plan)
        sent = send(self._client, self._resources, plan, patches, dry_run=request.dry_run)
        if sent.is_overtaken:
            return None
        sent.failures.update(failures)
        # A restart that failed is due as long as the entries are there that it is for.
        failed = {_group(entry) for entry in chosen if entry.field.uid in sent.failures}
        done = [
            entry for entry in chosen if entry.key not in conflicts and _group(entry) not in failed
        ]
        if not request.dry_run:
            self._cross_out(done)
        return self._outcome(plan, chosen, done, conflicts, sent, gone)

    def _take_off_all(
        self, plan: Plan, chosen: Sequence[Entry]
    ) -> tuple[dict[str, RecoveryError], set[str]]:
        """Plan it; what has to stay and why, by key, and the keys whose object is gone."""
        references = {entry.field.reference for entry in chosen}
        lives = read_objects(self._client, self._resources, references)
        conflicts: dict[str, RecoveryError] = {}
        gone: set[str] = set()
        # Whether pods start anew depends on what became of all else.
        in_turn = sorted(chosen, key=lambda entry: entry.field.is_restart)
        for slot in dict.fromkeys(entry.field.slot for entry in in_turn):
            entries = [entry for entry in chosen if entry.field.slot == slot]
            keys = {entry.key for entry in entries}
            field, live = entries[0].field, lives[entries[0].field.reference]
            trouble = _trouble(entries[0], live)
            if not trouble and field.is_restart:
                self._take_off_restart(plan, entries, t.cast("Object", live), conflicts)
            elif not trouble:
                work = plan.work(field, t.cast("Object", live))
                step = take_off(work.stack, keys, work.target, force=self._request.force)
                work.stack, work.target = step.stack, step.live
                conflicts.update(step.conflicts)
            elif isinstance(trouble, Conflict) and (self._request.force or field.is_restart):
                gone |= keys
            else:
                conflicts.update(dict.fromkeys(keys, trouble))
        return conflicts, gone

    def _take_off_restart(
        self,
        plan: Plan,
        entries: Sequence[Entry],
        live: Object,
        conflicts: dict[str, RecoveryError],
    ) -> None:
        """Put the annotation back for mitigations of which nothing else has to stay."""
        reference = entries[0].field.reference
        staying = {
            entry.mitigation: conflicts[key]
            for key, entry in plan.books[reference.namespace].entries.items()
            if key in conflicts
        }
        names = {entry.mitigation for entry in entries}
        is_needed = any(
            is_expected_to_change(work)
            for work in plan.works.values()
            if work.field.reference.is_configuration
            and names & {entry.mitigation for entry in work.was}
        )
        keys = {entry.key for entry in entries if entry.mitigation not in staying}
        token = self._tokens.for_workload(entries[0].field.uid)
        plan_restart_back(plan, live, keys, token, is_needed=is_needed)
        for entry in entries:
            if entry.mitigation in staying:
                conflicts[entry.key] = staying[entry.mitigation]

    def _write_renewed(self, plan: Plan) -> None:
        """Write down the new tokens of mitigations that stay, before they are set."""
        for namespace in plan.books:
            renewed = {
                key: entry
                for key, entry in plan.entries(namespace).items()
                if entry.field.is_restart
                and entry.value != plan.books[namespace].entries[key].value
            }
            if renewed:
                update_book(
                    self._client, namespace, functools.partial(_with_tokens, renewed=renewed)
                )

    def _resumed(self, plan: Plan) -> list[FieldOutcome]:
        """What a rollback suspended for the incident comes with all that was applied for it."""
        chosen = self._request.chosen
        if chosen.name or chosen.expired:
            return []
        return [
            outcome
            for book in plan.books.values()
            for outcome in resume_owners(
                self._client, book, chosen.incident, dry_run=self._request.dry_run
            )
        ]

    def _cross_out(self, done: Iterable[Entry]) -> None:
        by_namespace: dict[str, set[str]] = {}
        for entry in done:
            by_namespace.setdefault(entry.field.reference.namespace, set()).add(entry.key)
        for namespace, keys in by_namespace.items():
            update_book(self._client, namespace, functools.partial(crossed_out, keys=keys))

    def _outcome(
        self,
        plan: Plan,
        chosen: Sequence[Entry],
        done: Sequence[Entry],
        troubles: Mapping[str, RecoveryError],
        sent: Sent,
        gone: set[str],
    ) -> Outcome:
        for slot, work in plan.works.items():
            work.found = self._found[slot]
        changed = [
            work
            for work in plan.works.values()
            if work.is_changed and work.field.uid not in sent.failures
        ]
        seconds = 0 if self._request.dry_run else self._request.wait_seconds
        resumed = self._resumed(plan)
        fields = resumed + [
            _field_outcome(
                entry,
                plan.works.get(entry.field.slot),
                troubles.get(entry.key) or sent.failures.get(entry.field.uid),
                entry.key in gone,
                self._request.dry_run,
            )
            for entry in chosen
        ]
        names = {field.group for field in fields}
        if not names and self._request.namespace and self._request.chosen.name:
            names = {(self._request.chosen.name, self._request.namespace)}
        return Outcome(
            names=sorted(names),
            fields=fields,
            works=changed,
            rollouts=wait_for(self._client, changed, seconds),
            is_ledger_changed=bool(done) or any(f.state == REVERTED for f in resumed),
            warnings=[e.message for book in plan.books.values() for e in book.unreadable],
        )


def _group(entry: Entry) -> tuple[str, str]:
    return (entry.mitigation, entry.field.reference.namespace)


def _with_tokens(book: Book, renewed: Mapping[str, Entry]) -> dict[str, Entry | None]:
    return {
        key: dataclasses.replace(old, value=renewed[key].value, earlier=(old.value,))
        for key, old in book.entries.items()
        if key in renewed and old.value != renewed[key].value
    }


def _trouble(entry: Entry, live: Object | RecoveryError | None) -> RecoveryError | None:
    """What keeps an entry from being put back on this object."""
    if isinstance(live, RecoveryError):
        return live
    was = "" if live is None else " and made anew"
    if live is None or live["metadata"]["uid"] != entry.field.uid:
        return Conflict(
            str(entry.field),
            f"{entry.field.reference} was deleted{was} after mitigation {entry.mitigation}",
            "See that it is as it should be; force crosses the mitigation out",
        )
    return None


def _field_outcome(
    entry: Entry, work: Work | None, error: RecoveryError | None, is_gone: bool, is_dry: bool
) -> FieldOutcome:
    would = "would be " if is_dry else ""
    is_changed = bool(work and work.is_changed and not error)
    message = f"{entry.field}: {would}put back"
    if error:
        message = error.message
    elif is_gone:
        message = f"{entry.field}: {would}crossed out, since its object is gone"
    elif not is_changed:
        message = f"{entry.field}: {would}crossed out; its value stays as it is"
    state = CONFLICT if isinstance(error, Conflict) else FAILED if error else REVERTED
    return FieldOutcome(
        entry.mitigation,
        entry.field,
        state,
        message,
        is_changed=is_changed,
        **values_of(entry),
    )
