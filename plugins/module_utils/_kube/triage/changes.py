# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed lately: templates, ConfigMaps, Secrets, autoscalers; and what was there before.

Of Secrets only the metadata is read, so of them nothing but the time is known.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._kube.autoscaler import (
    autoscalers_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.selection import reference_to
from ansible_collections.oncall.recovery.plugins.module_utils._kube.template_references import (
    CONFIG_MAP,
    SECRET,
    references_of,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.history import (
    bounded_diff,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.triage.times import (
    is_within,
    last_change,
)
from ansible_collections.oncall.recovery.plugins.module_utils._redact import (
    MASK,
    masked_value,
)

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ansible_collections.oncall.recovery.plugins.module_utils._kube.rollout import View

    Object = Mapping[str, t.Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HELD_BY_LAST_APPLIED, HELD_BY_BASELINE = "last-applied", "baseline"
# An autoscaler's own status is written by this one, on the oldest servers as if it were a change.
CONTROLLER = "kube-controller-manager"
MOST_CHARACTERS_KEPT = 65536


def rollout_changes(
    workloads: Iterable[Mapping[str, t.Any]], now: datetime.datetime, window: float
) -> Iterator[dict[str, t.Any]]:
    """The rollouts of described workloads that began within ``window`` seconds."""
    for workload in workloads:
        # What a workload was made with followed nothing.
        for revision in workload["revisions"][:-1]:
            if is_within(revision["began"], now, window):
                images = ", ".join(sorted(set(revision["images"].values())))
                what = "restarted" if revision["is_restart"] else "rolled out"
                reference = {name: workload[name] for name in ("kind", "namespace", "name")}
                yield {
                    "at": revision["began"],
                    **reference,
                    "what": f"revision {revision['revision']} {what} ({images})",
                    "workloads": [reference],
                    "diff": revision["diff"],
                    "revert": [],
                    "held_by": "",
                }


def configuration_changes(
    views: Sequence[View],
    config_maps: Iterable[Object],
    secrets: Iterable[Object],
    baseline: Iterable[Mapping[str, t.Any]],
    now: datetime.datetime,
    window: float,
) -> Iterator[dict[str, t.Any]]:
    """ConfigMaps and Secrets in use that were changed within ``window`` seconds."""
    earlier = {(one["namespace"], one["name"]): one for one in baseline}
    for kind, objects in ((CONFIG_MAP, config_maps), (SECRET, secrets)):
        for found in objects:
            metadata = found["metadata"]
            users = users_of(views, kind, metadata["namespace"], metadata["name"])
            at = last_change(metadata)
            if not users or not is_within(at, now, window):
                continue
            made = at == metadata.get("creationTimestamp")
            change: dict[str, t.Any] = {
                "at": at,
                "kind": kind,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "what": "made" if made else "changed",
                "workloads": users,
                "diff": [],
                "revert": [],
                "held_by": "",
            }
            if kind == CONFIG_MAP:
                before = earlier.get((metadata["namespace"], metadata["name"]))
                change.update(_earlier_content(found, before))
            yield change


def autoscaler_changes(
    views: Sequence[View], autoscalers: Iterable[Object], now: datetime.datetime, window: float
) -> Iterator[dict[str, t.Any]]:
    """Autoscalers of these workloads that somebody changed within ``window`` seconds."""
    for autoscaler in autoscalers:
        metadata, spec = autoscaler["metadata"], autoscaler["spec"]
        at = last_change(metadata, without=(CONTROLLER,))
        users = [
            reference_to(view.workload).as_result()
            for view in views
            if view.workload["metadata"]["namespace"] == metadata["namespace"]
            and autoscalers_of(view.workload, [autoscaler])
        ]
        if users and is_within(at, now, window):
            yield {
                "at": at,
                "kind": "HorizontalPodAutoscaler",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "what": f"changed: from {spec.get('minReplicas', 1)} to {spec['maxReplicas']} pods",
                "workloads": users,
                "diff": [],
                "revert": [],
                "held_by": "",
            }


def users_of(views: Iterable[View], kind: str, namespace: str, name: str) -> list[dict[str, str]]:
    """The workloads whose present template names this ConfigMap or Secret."""
    return [
        reference_to(view.workload).as_result()
        for view in views
        if view.workload["metadata"]["namespace"] == namespace
        and any(
            (reference.kind, reference.name) == (kind, name)
            for reference in references_of(view.workload["spec"]["template"], with_optional=True)
        )
    ]


def kept_config_maps(
    views: Sequence[View], config_maps: Iterable[Object]
) -> list[dict[str, t.Any]]:
    """The ConfigMaps in use, to compare with later. What looks like a secret is masked."""
    kept = []
    for found in config_maps:
        metadata = found["metadata"]
        if users_of(views, CONFIG_MAP, metadata["namespace"], metadata["name"]):
            data = found.get("data") or {}
            is_small = sum(len(text) for text in data.values()) <= MOST_CHARACTERS_KEPT
            kept.append(
                {
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "resource_version": metadata["resourceVersion"],
                    "changed": last_change(metadata),
                    "data": masked_value("", data) if is_small else None,
                }
            )
    return kept


def _earlier_content(found: Object, before: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """What a ConfigMap held before, as a diff and as entries for ``k8s_mitigation``."""
    live = found.get("data") or {}
    if before and before.get("data") is not None:
        if masked_value("", live) == before["data"]:
            return {}
        return _reverted(found, before["data"], HELD_BY_BASELINE)
    annotations = found["metadata"].get("annotations") or {}
    try:
        applied = json.loads(annotations.get(LAST_APPLIED) or "").get("data") or {}
    except (ValueError, AttributeError, RecursionError):
        return {}
    # What was applied last is what is live, unless somebody changed it by other means since.
    if not isinstance(applied, dict) or applied == live:
        return {}
    return _reverted(found, applied, HELD_BY_LAST_APPLIED)


def _reverted(found: Object, earlier: Mapping[str, t.Any], held_by: str) -> dict[str, t.Any]:
    live, metadata = found.get("data") or {}, found["metadata"]
    diff: list[str] = []
    revert: list[dict[str, t.Any]] = []
    is_whole = True
    for key in sorted({*live, *earlier}):
        old, new = earlier.get(key), live.get(key)
        shown_old, shown_new = (masked_value(key, text) for text in (old, new))
        if old == new or shown_old == shown_new:
            is_whole = is_whole and old == new
            continue
        lines = bounded_diff(str(shown_old or "").splitlines(), str(shown_new or "").splitlines())
        diff += [f"{key}:", *lines]
        entry = {
            "kind": CONFIG_MAP,
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "key": key,
        }
        if old is None:
            revert.append({**entry, "remove": True})
        elif shown_old == old and MASK not in str(old):
            revert.append({**entry, "value": old})
        else:
            is_whole = False
    # Half of the earlier content may be worse than none of it.
    if not is_whole or not revert:
        return {"diff": diff}
    return {"diff": diff, "revert": revert, "held_by": held_by}
