# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells one scenario from the alert to the postmortem, and judges what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.shop.load import LoadGenerator
from tests.e2e.support.playbooks import Played, play

from .scenario import WEB, Scenario
from .stage import WINDOW, Stage, staged, wait_until
from .steps import take

CLEAN_SECONDS = 4
SERVED_WITHIN = 40.0


@dataclass(frozen=True)
class Score:
    """What became of a scenario. Times are seconds; None where there is nothing to measure."""

    scenario: str
    expected: str
    decided: str
    acted: str
    wrong_action: bool
    users_served_again: bool
    failing_seconds: int
    time_to_recover: float | None
    time_to_act: float | None
    is_right: bool
    why: str
    postmortem: str

    @classmethod
    def untold(cls, scenario: Scenario, error: Exception) -> Score:
        """Of a scenario that could not be told to its end; that is never right."""
        return cls(
            scenario=scenario.name,
            expected=scenario.expected.decided,
            decided="",
            acted="",
            wrong_action=False,
            users_served_again=False,
            failing_seconds=0,
            time_to_recover=None,
            time_to_act=None,
            is_right=False,
            why=f"it could not be told: {str(error)[:300]}",
            postmortem="",
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def tell(
    cluster: Cluster,
    scenario: Scenario,
    folder: Path,
    namespace: str,
    chapter: Callable[[str], None] = lambda _text: None,
) -> Score:
    """Tell the scenario; what its run said is in the folder, too."""
    with staged(cluster, scenario, folder, namespace) as (stage, load):
        chapter("users come")
        time.sleep(scenario.before)
        if scenario.baseline:
            respond(stage, "baseline", incident_mode="observe")
        for step in scenario.steps:
            chapter(f"{step}")
            take(stage, step)
        alert = _wait_for_the_alert(stage)
        chapter(alert["incident_response_reason"])
        alerted = time.time()
        played = respond(stage, "response", incident_mode="automatic", **alert)
        served = wait_until(lambda: _clean_seconds(load) >= CLEAN_SECONDS, _patience(scenario))
        return _judged(stage, played, load, alerted, served)


def respond(stage: Stage, name: str, **variables: Any) -> Played:
    """Run the playbook as the rulebook does."""
    folder = stage.folder / name
    folder.mkdir(exist_ok=True)
    played = play(
        "oncall.recovery.incident_response",
        cwd=folder,
        env={"ANSIBLE_CALLBACKS_ENABLED": "oncall.recovery.incident_timeline"},
        **{
            "recovery_kubeconfig": str(stage.cluster.kubeconfig),
            "incident_response_namespace": stage.namespace,
            "incident_response_name": WEB,
            "incident_response_kind": stage.shops[WEB].kind,
            "incident_response_prometheus": {"url": stage.prometheus},
            "incident_response_window": WINDOW,
            "incident_response_history": "5m",
            "incident_response_step": "1s",
            "incident_response_interval": 2,
            "incident_response_verify_for": 60,
            "incident_response_soak_for": 8,
            "incident_response_approval_timeout": 3,
            "incident_response_store": "folder",
            "incident_response_folder": str(stage.folder / "incidents"),
            "incident_response_baseline_file": str(stage.folder / "baseline.json"),
            "incident_response_thresholds": {"window": "10m", "unready_for": "10s"},
            "rollback_cooldown": 0,
            **variables,
            **stage.variables(stage.scenario.variables),
        },
    )
    (folder / "output.txt").write_text(played.output)
    return played


def _wait_for_the_alert(stage: Stage) -> dict[str, str]:
    """What the rulebook would hand over, from the alert that fires or from a person."""
    alert = stage.scenario.alert
    if alert.by_hand:
        return {"incident_response_reason": alert.by_hand}
    wait_until(stage.alert, alert.within)
    fires = stage.alert()
    if fires is None:
        return {"incident_response_reason": "no alert fires; it is looked at all the same"}
    return {
        "incident_response_reason": str(fires["annotations"]["summary"]),
        "incident_response_title": str(fires["labels"]["alertname"]),
        "incident_response_severity": str(fires["labels"]["severity"]),
        "incident_response_started": str(fires["activeAt"]),
    }


def _patience(scenario: Scenario) -> float:
    return SERVED_WITHIN if scenario.expected.served else 2.0


def _clean_seconds(load: LoadGenerator) -> int:
    """How many of the last whole seconds had no failure."""
    clean = 0
    for second in reversed(load.report().seconds[:-1]):
        if second.failed or not second.ok:
            break
        clean += 1
    return clean


def _judged(
    stage: Stage, played: Played, load: LoadGenerator, alerted: float, served: bool
) -> Score:
    expected, report = stage.scenario.expected, load.report()
    facts: Mapping[str, Any] = played.statistic("incident_response")
    decided, acted = str(facts["decision"]["action"]), str(facts["acted"])
    first, last = report.first_failing_second, report.last_failing_second
    version = stage.version()
    wrong = [
        f"decided {decided}, not {expected.decided}" * (decided != expected.decided),
        f"did {acted or 'nothing'}, not {expected.action or 'nothing'}"
        * (acted != expected.action),
        f"{version} runs, not {expected.version}"
        * bool(expected.version and version != expected.version),
        "users are not served" * (expected.served and not served),
    ]
    return Score(
        scenario=stage.scenario.name,
        expected=expected.decided,
        decided=decided,
        acted=acted,
        wrong_action=bool(acted) and acted != expected.action,
        users_served_again=served,
        failing_seconds=report.failing_seconds,
        time_to_recover=None if first is None or last is None else float(last + 1 - first),
        time_to_act=None if first is None else round(alerted - report.started_at_unix - first, 1),
        is_right=not any(wrong),
        why="; ".join(text for text in wrong if text) or str(facts["decision"]["summary"]),
        postmortem=str(facts["postmortem"]),
    )
