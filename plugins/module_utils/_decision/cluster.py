# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``k8s_triage_info`` found, as the decision needs it.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._decision.reading import seconds_at
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Key = tuple[str, str, str]

OOM_KILLED = "OOMKilled"
# The kubelet's words for what only another image or another specification mends.
BAD_IMAGE = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
    | {"ImageInspectError"}
)
BAD_SPECIFICATION = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
CRASH_LOOP = "CrashLoopBackOff"
FAILED_ROLLOUTS = frozenset({"failed", "stalled"})


@dataclasses.dataclass(frozen=True)
class Revision:
    """One revision of a workload. ``began`` is when it was last rolled out (Unix time)."""

    number: int
    hash: str
    began: float
    created: float
    is_current: bool
    is_restart: bool
    mark: str
    migration: str
    images: Mapping[str, str]
    references: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        images = ", ".join(sorted(set(self.images.values())))
        return f"revision {self.number} ({images})" if images else f"revision {self.number}"


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What is wrong with a pod. ``since`` is the Unix time, where it is known.

    ``ran_for`` is for how many seconds the container ran before it ended.
    """

    reason: str
    text: str
    since: float | None = None
    ran_for: float | None = None


@dataclasses.dataclass(frozen=True)
class Pod:
    """One pod; ``troubles`` are all that is wrong with it now or was within the window."""

    name: str
    revision: int | None
    node: str
    cpu_share: float | None
    memory_share: float | None
    troubles: Sequence[Trouble]


@dataclasses.dataclass(frozen=True)
class Workload:
    """A workload with its revisions (newest first) and pods."""

    key: Key
    verdict: str
    message: str
    is_paused: bool
    revisions: Sequence[Revision]
    pods: Sequence[Pod]
    owners: Sequence[str]
    scaler_at_limit: str
    replicas: int
    rolled_back_to: str

    def __str__(self) -> str:
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}"

    @property
    def current(self) -> Revision | None:
        return next((revision for revision in self.revisions if revision.is_current), None)

    def as_target(self) -> dict[str, t.Any]:
        return dict(zip(("kind", "namespace", "name"), self.key, strict=True))

    def revision_of_pod(self, pod: str) -> int | None:
        """The revision of a pod by its name, also of one that is gone: it has the hash in it."""
        for known in self.pods:
            if known.name == pod:
                return known.revision
        for revision in self.revisions:
            if revision.hash and pod.startswith(f"{self.key[2]}-{revision.hash}-"):
                return revision.number
        return None


@dataclasses.dataclass(frozen=True)
class Change:
    """A ConfigMap or Secret that was changed, the workloads that use it, and how to undo it."""

    at: float
    kind: str
    namespace: str
    name: str
    users: frozenset[Key]
    revert: Sequence[Mapping[str, t.Any]]
    held_by: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """What else is on a node: a pod that takes much of its CPU, or the node's own pressure."""

    node: str
    text: str
    cpu_share: float | None
    since: float | None
    workload: Key | None = None


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All of a triage. ``is_known`` is False where there is none, or no workload could be read."""

    is_known: bool = False
    at: float | None = None
    workloads: Sequence[Workload] = ()
    changes: Sequence[Change] = ()
    neighbours: Sequence[Neighbour] = ()
    refused_credentials: Sequence[str] = ()
    unschedulable: Sequence[str] = ()
    forbidden: Sequence[str] = ()

    @functools.cached_property
    def by_key(self) -> dict[Key, Workload]:
        return {workload.key: workload for workload in self.workloads}


def cluster_from(given: t.Any, *, now: float, crashed_within: float, unready_for: float) -> Cluster:
    """Read the result of ``k8s_triage_info``; raises InvalidInput for anything else.

    ``crashed_within`` says for how many seconds the end of a container that runs again counts,
    ``unready_for`` for how many a pod may be getting ready.
    """
    if not given:
        return Cluster()
    if not isinstance(given, dict) or not isinstance(given.get("workloads"), list):
        raise InvalidInput("triage", "is no triage", "Pass what k8s_triage_info returned")
    try:
        at = seconds_at("triage.at", given["at"]) if given.get("at") else None
        reader = _Reader(given, at or now, crashed_within, unready_for)
        return Cluster(
            is_known=bool(given["workloads"]),
            at=at,
            workloads=tuple(reader.workloads()),
            changes=tuple(reader.changes()),
            neighbours=tuple(reader.neighbours()),
            refused_credentials=tuple(reader.messages("credentials_refused")),
            unschedulable=tuple(reader.messages("unschedulable")),
            forbidden=tuple(
                source["name"]
                for source in given.get("sources") or []
                if source.get("outcome") not in ("read", "absent")
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            "triage",
            f"is not what k8s_triage_info returns ({type(error).__name__}: {error})",
            "Pass its result as it is",
        ) from None


class _Reader:
    """Turns the dictionaries of a triage into the classes above."""

    def __init__(
        self, given: Mapping[str, t.Any], now: float, crashed_within: float, unready_for: float
    ) -> None:
        self._given = given
        self._now = now
        self._crashed_within = crashed_within
        self._unready_for = unready_for

    def messages(self, kind: str) -> Iterator[str]:
        for finding in self._given.get("findings") or []:
            if finding["type"] == kind:
                yield str(finding["message"])

    def workloads(self) -> Iterator[Workload]:
        pods: dict[Key, list[Pod]] = {}
        for pod in self._given.get("pods") or []:
            if pod.get("workload"):
                pods.setdefault(_key(pod["workload"]), []).append(self._pod(pod))
        limits = self._autoscalers_at_their_limit()
        for workload in self._given["workloads"]:
            key = _key(workload)
            revisions = [_revision(revision) for revision in workload.get("revisions") or []]
            revisions.sort(key=lambda revision: -revision.number)
            yield Workload(
                key=key,
                verdict=workload.get("verdict") or "",
                message=workload.get("message") or "",
                is_paused=bool(workload.get("paused")),
                revisions=revisions,
                pods=pods.get(key, []),
                owners=[
                    f"{owner['tool']} {owner['kind']} {owner['name']}"
                    for owner in workload.get("managed_by") or []
                    if owner["tool"] != "HorizontalPodAutoscaler"
                ],
                scaler_at_limit=limits.get(key, ""),
                replicas=int((workload.get("counts") or {}).get("desired") or 0),
                rolled_back_to=str((workload.get("rolled_back") or {}).get("to") or ""),
            )

    def changes(self) -> Iterator[Change]:
        for change in self._given.get("changes") or []:
            # What was made was there for whoever came first; nothing was there before it.
            is_new = change.get("what") == "made"
            if change["kind"] in ("ConfigMap", "Secret") and change.get("at") and not is_new:
                yield Change(
                    at=seconds_at("triage.changes", change["at"]),
                    kind=change["kind"],
                    namespace=change["namespace"],
                    name=change["name"],
                    users=frozenset(_key(user) for user in change.get("workloads") or []),
                    revert=change.get("revert") or [],
                    held_by=change.get("held_by") or "",
                )

    def neighbours(self) -> Iterator[Neighbour]:
        for node in self._given.get("nodes") or []:
            for pressure in node.get("troubles") or []:
                yield Neighbour(node["name"], f"node {node['name']}: {pressure}", None, None)
            for pod in node.get("busiest") or []:
                since = pod.get("started")
                yield Neighbour(
                    node["name"],
                    f"pod {pod['namespace']}/{pod['name']} takes {pod['cpu_share']:.0%} of the CPU "
                    f"of node {node['name']}",
                    float(pod["cpu_share"]),
                    seconds_at("triage.nodes", since) if since else None,
                    _key(pod["workload"]) if pod.get("workload") else None,
                )

    def _pod(self, pod: Mapping[str, t.Any]) -> Pod:
        usages = [container.get("usage") or {} for container in pod.get("containers") or []]
        return Pod(
            name=pod["name"],
            revision=pod.get("revision"),
            node=pod.get("node") or "",
            cpu_share=_greatest(usage.get("cpu_share") for usage in usages),
            memory_share=_greatest(usage.get("memory_share") for usage in usages),
            troubles=tuple(self._troubles(pod)),
        )

    def _troubles(self, pod: Mapping[str, t.Any]) -> Iterator[Trouble]:
        found = list(self._container_troubles(pod))
        yield from found
        created = seconds_at("triage.pods", pod["created"]) if pod.get("created") else None
        is_over = pod.get("phase") in ("Succeeded", "Failed")
        if found or pod.get("ready") or is_over or pod.get("terminating"):
            return
        unready = pod.get("unready_since") or pod.get("created")
        since = seconds_at("triage.pods", unready) if unready else created
        if since is not None and self._now - since >= self._unready_for:
            told = "; ".join(reason["reason"] for reason in pod.get("reasons") or []) or "NotReady"
            seconds = self._now - since
            yield Trouble(
                "NotReady", f"{pod['name']}: not ready for {seconds:.0f} s ({told})", since
            )

    def _container_troubles(self, pod: Mapping[str, t.Any]) -> Iterator[Trouble]:
        for container in pod.get("containers") or []:
            where = f"{pod['name']}/{container['name']}"
            last = container.get("last") or {}
            ended, started = _time(last.get("finished")), _time(last.get("started"))
            ran_for = ended - started if ended is not None and started is not None else None
            reason = container.get("reason") or ""
            if container.get("state") == "waiting" and (
                reason == CRASH_LOOP or reason in BAD_IMAGE | BAD_SPECIFICATION
            ):
                told = container.get("message") or ""
                code = f", exit code {last['exit_code']}" if last.get("exit_code") else ""
                oom = f" after {last['reason']}{code}" if last.get("reason") else ""
                kind = OOM_KILLED if last.get("reason") == OOM_KILLED else reason
                text = f"{where}: {reason}{oom} {told}".strip()
                yield Trouble(kind, text, ended, ran_for)
            elif container.get("state") == "terminated" and container.get("exit_code"):
                finished = _time(container.get("finished"))
                yield Trouble(
                    reason or "Error",
                    f"{where}: ended with {reason or 'Error'}, exit code {container['exit_code']}",
                    finished,
                )
            elif last.get("exit_code") and ended and self._now - ended <= self._crashed_within:
                yield Trouble(
                    last.get("reason") or "Error",
                    f"{where}: ended with {last.get('reason') or 'Error'}, exit code "
                    f"{last['exit_code']}, {container.get('restarts') or 0} restarts",
                    ended,
                    ran_for,
                )

    def _autoscalers_at_their_limit(self) -> dict[Key, str]:
        limits = {}
        for autoscaler in self._given.get("autoscalers") or []:
            target = autoscaler.get("target") or {}
            at_limit = (
                autoscaler.get("desired_replicas", 0) >= autoscaler.get("max_replicas", 0) > 0
            )
            if target and at_limit:
                limits[_key({**target, "namespace": autoscaler["namespace"]})] = (
                    f"HorizontalPodAutoscaler {autoscaler['name']} is at its limit of "
                    f"{autoscaler['max_replicas']}"
                )
        return limits


def _revision(given: Mapping[str, t.Any]) -> Revision:
    created = seconds_at("triage.workloads.revisions", given["created"])
    began = given.get("began")
    return Revision(
        number=int(given["revision"]),
        hash=given.get("hash") or "",
        began=seconds_at("triage.workloads.revisions", began) if began else created,
        created=created,
        is_current=bool(given.get("current")),
        is_restart=bool(given.get("is_restart")),
        mark=given.get("mark") or "",
        migration=given.get("migration") or "",
        images=given.get("images") or {},
        references=frozenset((r["kind"], r["name"]) for r in given.get("references") or []),
    )


def _key(given: Mapping[str, t.Any]) -> Key:
    return str(given["kind"]), str(given["namespace"]), str(given["name"])


def _time(text: t.Any) -> float | None:
    return seconds_at("triage.pods", text) if text else None


def _greatest(numbers: t.Iterable[t.Any]) -> float | None:
    known = [float(number) for number in numbers if number is not None]
    return max(known, default=None)
