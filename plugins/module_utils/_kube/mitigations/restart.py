# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which workloads start anew because configuration that their pods read has changed.

Pods read their environment when they start, so a changed key needs new pods. They come by an
annotation of the pod template whose value is a token. It is an entry of the ledger like any other:
put back, the template is the old one byte for byte.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    STATEFUL_SET,
    Kind,
    collection_path,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import (
    RESTART_TOKENS,
    Entry,
    Field,
    Story,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    CONFIG_MAP,
    SECRET,
    ObjectReference,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.stack import (
    Step,
    content,
    put_on,
    renew,
    take_off,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.plan import (
        Plan,
        Work,
    )

    Object = Mapping[str, t.Any]

# What brings new pods when its template changes.
ROLLING = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
AUTO, NEVER, ALWAYS = "auto", "never", "always"
BYTES_OF_TOKEN = 4


@dataclasses.dataclass(frozen=True)
class Source:
    """A key of a ConfigMap or Secret; all of its keys where ``key`` is empty."""

    kind: str
    name: str
    key: str = ""

    def is_read_by(self, other: Source) -> bool:
        same = (self.kind, self.name) == (other.kind, other.name)
        return same and (not self.key or not other.key or self.key == other.key)


class Tokens:
    """One new token per workload and run, however often the run plans anew."""

    def __init__(self, name: str) -> None:
        self._name = name or "put-back"
        self._tokens: dict[str, str] = {}

    def for_workload(self, uid: str) -> str:
        return self._tokens.setdefault(uid, f"{self._name}.{secrets.token_hex(BYTES_OF_TOKEN)}")


def changed_sources(
    works: Iterable[Work], namespace: str, found: Callable[[Work], t.Any]
) -> set[Source]:
    """What changes in a namespace of what pods may have in their environment.

    ``found`` tells what a field held before this run.
    """
    sources = set()
    for work in works:
        reference, tokens = work.field.reference, work.field.tokens
        is_here = reference.namespace == namespace and reference.is_configuration
        if is_here and tokens[0] in ("data", "binaryData") and found(work) != work.target:
            sources.add(Source(reference.kind, reference.name, tokens[1] if tokens[1:] else ""))
    return sources


def workloads_in(client: Client, namespace: str) -> list[dict[str, t.Any]]:
    """All Deployments, StatefulSets and DaemonSets of a namespace, by one LIST per kind."""

    def listed(kind: Kind) -> list[dict[str, t.Any]]:
        path, subject = collection_path(kind.plural, namespace), f"{kind.plural} in {namespace}"
        items, _version = client.list_objects(path, subject=subject)
        return [{**item, "kind": kind.name} for item in items]

    return [workload for batch in client.side_by_side(listed, ROLLING) for workload in batch]


def reads(workload: Object, changed: Collection[Source], *, mounted: bool) -> bool:
    """Whether its pods have one of these in their environment, or (``mounted``) in a volume."""
    spec = workload["spec"]["template"]["spec"]
    used = set(_in_environment(spec))
    if mounted:
        used.update(_in_volumes(spec))
    return any(source.is_read_by(other) for source in changed for other in used)


def plan_restart(plan: Plan, workload: Object, mitigation: str, token: str, story: Story) -> None:
    """Have the pods of a workload start anew, for a mitigation that changes what they read."""
    field = restart_field(workload)
    plan.require_no_overlap(field)
    work = plan.work(field, workload)
    own = next((entry for entry in work.stack if entry.mitigation == mitigation), None)
    if own is None or own is work.stack[-1]:
        wanted = Entry(mitigation, field, token, story=story)
        step = put_on(work.stack, wanted, work.target, force=True)
    else:
        # One above has the field, so its token is what has to change.
        step = _with_token(work, token)
    work.stack, work.target = step.stack, step.live


def finish_restart(plan: Plan, workload: Object, mitigation: str) -> None:
    """Bring about a restart that an earlier run wrote down and may not have done."""
    work = plan.work(restart_field(workload), workload)
    own = next(entry for entry in work.stack if entry.mitigation == mitigation)
    step = put_on(work.stack, own, work.target, force=True)
    work.stack, work.target = step.stack, step.live


def plan_restart_back(
    plan: Plan, workload: Object, keys: Collection[str], token: str, *, is_needed: bool
) -> None:
    """Put the annotation back for these entries of a workload.

    Where one above stays, it gets a new token, if ``is_needed``: pods have to read what changed.
    """
    work = plan.work(restart_field(workload), workload)
    was_on_top = work.stack[-1].key in keys
    if keys:
        step = take_off(work.stack, keys, work.target, force=True)
        work.stack, work.target = step.stack, step.live
    if is_needed and not was_on_top:
        step = _with_token(work, token)
        work.stack, work.target = step.stack, step.live


def is_expected_to_change(work: Work) -> bool:
    """Whether the ledger says another content now, whatever the live value is."""
    base = work.was[0].before
    return bool(content(work.was, base) != content(work.stack, base))


def restart_field(workload: Object) -> Field:
    metadata = workload["metadata"]
    reference = ObjectReference(
        "apps/v1", workload["kind"], metadata["namespace"], metadata["name"]
    )
    return Field(reference, metadata["uid"], RESTART_TOKENS)


def _with_token(work: Work, token: str) -> Step:
    if work.stack[-1].value == token:
        return Step(work.stack, token)
    return renew(work.stack, token)


def _in_environment(spec: Object) -> Iterator[Source]:
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        for source in container.get("envFrom") or []:
            yield from _named(CONFIG_MAP, source.get("configMapRef"))
            yield from _named(SECRET, source.get("secretRef"))
        for variable in container.get("env") or []:
            source = variable.get("valueFrom") or {}
            yield from _named(CONFIG_MAP, source.get("configMapKeyRef"))
            yield from _named(SECRET, source.get("secretKeyRef"))


def _in_volumes(spec: Object) -> Iterator[Source]:
    for volume in spec.get("volumes") or []:
        projected = (volume.get("projected") or {}).get("sources") or []
        for source in [volume, *projected]:
            yield from _named(CONFIG_MAP, source.get("configMap"))
            yield from _named(SECRET, source.get("secret"))


def _named(kind: str, source: Object | None) -> Iterator[Source]:
    name = (source or {}).get("name") or (source or {}).get("secretName")
    if source and name:
        yield Source(kind, name, source.get("key") or "")
