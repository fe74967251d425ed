# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario: a small file that says what breaks, and what the right answer is.

The format is described in ``tests/e2e/scenarios/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.shop.manifests import Shop

CATALOGUE = Path(__file__).parent.parent / "e2e" / "scenarios"
WEB = "web"


class ScenarioError(ValueError):
    """A file that is no scenario; says which, and what is wrong."""


@dataclass(frozen=True)
class Users:
    """How many come to which page, and for how many seconds they wait for it."""

    rate: float = 8.0
    path: str = "/"
    patience: float = 2.0


@dataclass(frozen=True)
class Alert:
    """What starts the incident.

    :param by_hand: why a person or a job starts it, where no alert of Prometheus does.
    :param within: seconds after the last step that an alert of Prometheus may take.
    """

    by_hand: str = ""
    within: float = 60.0


@dataclass(frozen=True)
class Expected:
    """The right answer.

    :param decided: the action of recovery_decision.
    :param acted: what is done; by default what is decided, unless that is no action.
    :param served: whether users can be served again without a person.
    :param version: that runs in the end, where it matters.
    """

    decided: str
    acted: str | None = None
    served: bool = True
    version: str = ""

    @property
    def action(self) -> str:
        if self.acted is not None:
            return self.acted
        return "" if self.decided in ("none", "investigate") else self.decided


@dataclass(frozen=True)
class Scenario:
    """One file.

    :param quick: whether it is one of those that the tests tell every time.
    :param shop: the installation that users come to, as keyword arguments of ``Shop``.
    :param beside: other installations, which come first.
    :param before: seconds that users are served before the first step.
    :param baseline: whether a run that finds nothing wrong comes before the first step.
    :param steps: what happens, each a dictionary of one step's name and its options.
    :param variables: of the role ``incident_response``.
    """

    name: str
    description: str
    expected: Expected
    quick: bool = False
    shop: Mapping[str, Any] = field(default_factory=dict)
    beside: Sequence[Mapping[str, Any]] = ()
    users: Users = field(default_factory=Users)
    before: float = 25.0
    baseline: bool = False
    steps: Sequence[Mapping[str, Any]] = ()
    alert: Alert = field(default_factory=Alert)
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path) -> Scenario:
        content = yaml.safe_load(path.read_text())
        if not isinstance(content, dict):
            raise ScenarioError(f"{path}: it holds no dictionary")
        content = {"name": path.stem.replace("_", "-"), **content}
        try:
            nested = {"expected": Expected, "users": Users, "alert": Alert}
            for key, kind in nested.items():
                if key in content:
                    content[key] = _from(kind, content[key], f"{path}: {key}")
            return _from(cls, content, str(path))
        except TypeError as error:
            raise ScenarioError(f"{path}: {error}") from None

    def installation(self, namespace: str, options: Mapping[str, Any]) -> Shop:
        return Shop(**{"name": WEB, "namespace": namespace, "replicas": 2, **options})


def _from(kind: Any, options: Any, subject: str) -> Any:
    if not isinstance(options, dict):
        raise ScenarioError(f"{subject}: it holds no dictionary")
    known = {one.name for one in fields(kind)}
    if unknown := options.keys() - known:
        raise ScenarioError(
            f"{subject}: there is no {', '.join(sorted(unknown))}; use {', '.join(sorted(known))}"
        )
    return kind(**options)


def scenarios_in(folder: Path) -> Iterator[Scenario]:
    """Those of a folder, in the order of their files' names."""
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise ScenarioError(f"{folder}: there is no *.yml in it")
    for path in paths:
        yield Scenario.from_file(path)
