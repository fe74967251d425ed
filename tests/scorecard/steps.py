# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen in a scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .scenario import ScenarioError, Users
from .stage import Stage


def deploy(stage: Stage, options: Any) -> None:
    """Apply an installation as a CI job would, and go on when that has asked the cluster for it."""
    stage.install(options, wait=False)


def rollout(stage: Stage, options: Any) -> None:
    """The same, and wait until it is complete."""
    stage.install(options)


def configure(stage: Stage, options: Any) -> None:
    stage.configure(options)


def inject(stage: Stage, options: Any) -> None:
    stage.inject(options)


def crowd(stage: Stage, options: Any) -> None:
    stage.crowd(Users(**options))


def wait(_stage: Stage, options: Any) -> None:
    time.sleep(float(options))


def blind(stage: Stage, _options: Any) -> None:
    stage.blind()


def kubectl(stage: Stage, options: Any) -> None:
    stage.kubectl(*map(str, options))


STEPS: Mapping[str, Callable[[Stage, Any], None]] = {
    "deploy": deploy,
    "rollout": rollout,
    "configure": configure,
    "inject": inject,
    "crowd": crowd,
    "wait": wait,
    "blind": blind,
    "kubectl": kubectl,
}


def take(stage: Stage, step: Mapping[str, Any]) -> None:
    ((name, options),) = step.items()
    if name not in STEPS:
        raise ScenarioError(f"there is no step {name}; use {', '.join(STEPS)}")
    STEPS[name](stage, options)
