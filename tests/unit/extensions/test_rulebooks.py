# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebooks are valid by ansible-rulebook's own schema, and start what they say."""

from __future__ import annotations

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
RULEBOOKS = sorted((CHECKOUT / "extensions" / "eda" / "rulebooks").glob("*.yml"))
# Where the schema is, without the import of the package, which wants Java.
SCHEMA = importlib.resources.files("ansible_rulebook") / "schema" / "ruleset_schema.json"
ACTIONS = {"run_playbook", "run_job_template"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def rules_of(path: Path) -> list[dict[str, Any]]:
    (ruleset,) = load(path)
    return list(ruleset["rules"])


def action_of(path: Path) -> dict[str, Any]:
    """The only thing that a rulebook does beside talking."""
    actions = [a for rule in rules_of(path) for a in rule.get("actions", [rule.get("action")])]
    (found,) = (body for a in actions for name, body in a.items() if name in ACTIONS)
    return dict(found)


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_rulebook_is_valid_by_the_schema_of_ansible_rulebook(path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(load(path), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{**load(path)[0], "unheard_of": 1}], schema)


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_rulebook_uses_of_an_event_only_what_the_filter_has_checked(path: Path) -> None:
    (ruleset,) = load(path)
    assert [source["filters"] for source in ruleset["sources"]] == [
        [{"oncall.recovery.alert_groups": None}]
    ]
    used = set(re.findall(r"\bevents?\.[\w.]+", json.dumps(ruleset["rules"])))
    checked = {
        "cluster",
        "incident",
        "kind",
        "name",
        "namespace",
        "playbook",
        "reason",
        "state",
        "workload",
    }
    # ansible-rulebook's own word, which it adds after the filter.
    assert used <= {f"event.alert.{part}" for part in checked} | {"event.meta.received_at"}


def test_rulebooks_differ_in_nothing_but_what_they_start() -> None:
    playbook, job = RULEBOOKS
    assert (playbook.stem, job.stem) == ("alert_response", "alert_response_job_template")
    assert load(playbook)[0]["sources"] == load(job)[0]["sources"]
    assert [rule["condition"] for rule in rules_of(playbook)] == [
        rule["condition"] for rule in rules_of(job)
    ]
    assert action_of(playbook)["extra_vars"] == action_of(job)["job_args"]["extra_vars"]


def test_rollback_knows_every_variable_that_it_is_given() -> None:
    specs = load(CHECKOUT / "roles" / "rollback" / "meta" / "argument_specs.yml")
    options = specs["argument_specs"]["main"]["options"]
    assert action_of(RULEBOOKS[0])["extra_vars"].keys() <= options.keys()
