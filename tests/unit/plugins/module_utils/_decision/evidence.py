# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence as signal_info and k8s_triage_info give it; times are seconds before now."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

from ansible_collections.oncall.recovery.plugins.module_utils._decision.options import case_from
from ansible_collections.oncall.recovery.plugins.module_utils._decision.tree import decide

NOW = datetime.datetime(2026, 11, 25, 18, 40, 0, tzinfo=datetime.timezone.utc)
STEP = 10
WEB = {"kind": "Deployment", "namespace": "shop", "name": "web"}

DEFAULTS: dict[str, Any] = {
    "symptoms": [],
    "dependencies": [],
    "load": [],
    "saturation": [],
    "memory": [],
    "platform": [],
    "triage": None,
    "workload": None,
    "onset": None,
    "now": None,
    "window": "1h",
    "settle": "2m",
    "proving_time": "10m",
    "tolerance": "5s",
    "unready_for": "30s",
    "crashed_within": "10m",
    "flaps": 3,
    "load_factor": 2.0,
    "scale_factor_max": 3.0,
    "saturated_share": 0.8,
    "memory_share": 0.9,
    "neighbour_share": 0.5,
    "least_confidence": "medium",
    "gitops": "refuse",
    "approved_by": None,
    "reversible_migrations": [],
    "held": [],
}


def decided(**options: Any) -> dict[str, Any]:
    """The result of the module for these options, at NOW."""
    return decide(case_from({**DEFAULTS, **options}, NOW.timestamp())).as_result()


def ago(seconds: float) -> str:
    """That long before now, as the API server writes times."""
    return (NOW - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def signal(
    name: str = "share of failing requests",
    *,
    bad_since: float | None = None,
    looked_for: float = 1800,
    verdict: str = "",
    pods: dict[str, bool] | None = None,
    threshold: float = 0.05,
) -> dict[str, Any]:
    """A signal with a history of ``looked_for`` seconds, good until ``bad_since`` ago.

    ``pods`` says for each pod whether its newest value is bad.
    """
    is_bad = bad_since is not None or verdict == "unhealthy"
    history = []
    for before in range(int(looked_for), -1, -STEP):
        bad_now = bad_since is not None and before <= bad_since
        history.append(sample(before, 0.4 if bad_now else 0.0, bad=bad_now))
    return {
        "name": name,
        "source": "promql",
        "verdict": verdict or ("unhealthy" if is_bad else "healthy"),
        "reason": "0.4 > 0.05" if is_bad else "0 is not > 0.05",
        "comparison": ">",
        "threshold": threshold,
        "agreed": 1,
        "worst": None,
        "values": [value(pod, bad=bad) for pod, bad in (pods or {}).items()],
        "trend": "unknown",
        "history": history,
    }


def sample(before: float, number: float | None, *, bad: bool = False) -> dict[str, Any]:
    verdict = "unhealthy" if bad else "healthy"
    if number is None:
        verdict = "unknown"
    return {"time": ago(before), "verdict": verdict, "value": number, "reason": ""}


def value(pod: str, *, bad: bool, before: float = 0) -> dict[str, Any]:
    number = 0.4 if bad else 0.0
    return {
        "labels": {"pod": pod},
        "value": number,
        "text": str(number),
        "time": ago(before),
        "detail": "",
    }


def unknown(name: str = "share of failing requests") -> dict[str, Any]:
    return {**signal(name), "verdict": "unknown", "reason": "no data", "history": []}


def line(name: str, numbers: dict[float, float], *, verdict: str = "healthy") -> dict[str, Any]:
    """A signal whose history goes through these values, by seconds before now."""
    points = sorted(numbers.items(), reverse=True)
    history = []
    for (start, first), (end, last) in itertools.pairwise(points):
        for before in range(int(start), int(end), -STEP):
            share = (start - before) / (start - end)
            history.append(sample(before, first + (last - first) * share))
    history.append(sample(points[-1][0], points[-1][1]))
    return {**signal(name), "verdict": verdict, "history": history}


def dependency(name: str, kind: str, *signals: dict[str, Any], **options: Any) -> dict[str, Any]:
    given = {"mitigation": None, "measured_at": "service", "since": None, **options}
    return {"name": name, "kind": kind, "signals": list(signals), **given}


def revision(number: int, began: float, **fields: Any) -> dict[str, Any]:
    """A revision that was rolled out ``began`` seconds ago."""
    return {
        "revision": number,
        "hash": f"hash{number}",
        "images": {"web": f"web:{number}"},
        "created": ago(began),
        "began": ago(began),
        "current": False,
        "is_restart": False,
        "mark": "",
        "migration": "",
        "references": [],
        **fields,
    }


def workload(*revisions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Deployment shop/web with these revisions, the newest first; that one is the current one."""
    shown = [{**one, "current": index == 0} for index, one in enumerate(revisions)]
    return {
        **WEB,
        "paused": False,
        "verdict": "complete",
        "message": "all 3 pods run it",
        "counts": {"desired": 3},
        "managed_by": [],
        "rolled_back": None,
        **fields,
        "revisions": shown,
    }


def pod(name: str, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "namespace": "shop",
        "name": name,
        "workload": WEB,
        "revision": number,
        "node": "node-1",
        "phase": "Running",
        "ready": True,
        "created": ago(7200),
        "reasons": [],
        "containers": [container()],
        **fields,
    }


def container(**fields: Any) -> dict[str, Any]:
    return {
        "name": "web",
        "state": "running",
        "reason": "",
        "message": "",
        "restarts": 0,
        "last": None,
        "usage": {},
        **fields,
    }


def waiting(why: str, message: str = "", **last: Any) -> dict[str, Any]:
    return container(state="waiting", reason=why, message=message, last=last or None)


def crashing(name: str, number: int, reason: str = "Error", code: int = 1) -> dict[str, Any]:
    looping = waiting("CrashLoopBackOff", reason=reason, exit_code=code, finished=ago(20))
    return pod(name, number, ready=False, containers=[looping])


def leaking(name: str, number: int) -> dict[str, Any]:
    """A pod that was killed for want of memory and runs again."""
    last = {"reason": "OOMKilled", "exit_code": 137, "finished": ago(60), "started": ago(600)}
    return pod(name, number, containers=[container(restarts=1, last=last)])


def triage(*workloads: dict[str, Any], **fields: Any) -> dict[str, Any]:
    pods = [
        pod(f"web-hash{w['revisions'][0]['revision']}-{n}", w["revisions"][0]["revision"])
        for w in workloads
        for n in range(3)
    ]
    return {"at": ago(0), "workloads": list(workloads), "pods": pods, **fields}


def changed(kind: str, name: str, before: float, **fields: Any) -> dict[str, Any]:
    return {
        "at": ago(before),
        "kind": kind,
        "namespace": "shop",
        "name": name,
        "what": "changed",
        "workloads": [WEB],
        "revert": [],
        "held_by": "",
        **fields,
    }


OLD = revision(1, 90000)
GOOD = triage(workload(OLD))
DEPLOYED = triage(workload(revision(2, 120), OLD))
"""Revision 2 was rolled out two minutes ago, and all is up."""
