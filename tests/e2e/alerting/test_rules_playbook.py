# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules reach a running Prometheus, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .playbook import render
from .servers import ask, prometheus

WEB = {"namespace": "shop", "name": "web"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def path(folder: Path) -> Path:
    return folder / "rules.yml"


@pytest.fixture(scope="module")
def url(folder: Path, path: Path) -> Iterator[str]:
    with prometheus(folder, path) as running:
        yield running


def alerting_rules(url: str) -> dict[str, Any]:
    """What Prometheus made of the rules, by name."""
    groups = ask(f"{url}/api/v1/rules?type=alert")["data"]["groups"]
    return {rule["name"]: rule for group in groups for rule in group["rules"]}


def test_rules_are_written_checked_and_loaded(url: str, path: Path, tmp_path: Path) -> None:
    wanted: dict[str, Any] = {
        "alert_rules_path": str(path),
        "alert_rules_validate": "promtool check rules %s",
        "alert_rules_reload_url": url,
        "alert_rules_services": [WEB],
    }

    tried = render(tmp_path, "--check", "--diff", **wanted)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert '+      - alert: "ErrorRateHigh"' in tried.stdout
    assert not path.exists()

    done = render(tmp_path, **wanted)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = alerting_rules(url)
    assert {"ErrorRateHigh", "LatencyHigh", "RolloutFailed"} < rules.keys()
    assert all(rule["health"] != "err" for rule in rules.values())

    again = render(tmp_path, **wanted)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "changed=0" in again.stdout
    assert "Reload Prometheus" not in again.stdout

    # JSON's escapes for it are none of YAML's.
    wanted["alert_rules_labels"] = {"motto": "\N{FIRE} für alle"}
    labelled = render(tmp_path, **wanted)
    assert labelled.returncode == 0, labelled.stdout + labelled.stderr
    assert alerting_rules(url)["TargetDown"]["labels"]["motto"] == "\N{FIRE} für alle"

    wanted["alert_rules_signals"] = {"latency": {"enabled": False}}
    changed = render(tmp_path, **wanted)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert "LatencyHigh" not in alerting_rules(url)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({**WEB, "name": 'web"} or vector(1) > 0 #'}, "is not allowed"),
        ({"namespace": "shop"}, "missing required arguments: name"),
    ],
    ids=["name", "nothing"],
)
def test_what_is_not_sound_is_explained_and_changes_nothing(
    service: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("groups: []\n")
    done = render(tmp_path, alert_rules_path=str(path), alert_rules_services=[service])
    assert done.returncode != 0
    assert words in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert path.read_text() == "groups: []\n"


def test_rules_that_do_not_pass_the_check_are_not_put_in_place(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("groups: []\n")
    done = render(
        tmp_path,
        alert_rules_path=str(path),
        alert_rules_services=[WEB],
        alert_rules_validate="promtool check config %s",
    )
    assert done.returncode != 0
    assert path.read_text() == "groups: []\n"
