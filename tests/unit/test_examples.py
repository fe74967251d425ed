# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in examples/ is what servers accept, and starts the playbook as the tests do."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.splitter import parse_kv

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CI, AWX = CHECKOUT / "examples" / "ci", CHECKOUT / "examples" / "awx"
ROLE = CHECKOUT / "roles" / "hotfix_release"
TARGET = CHECKOUT / "tests" / "integration" / "targets" / "role_hotfix_release"
COMMAND = re.compile(r"ansible-playbook (oncall\.recovery\.\S+) -e @(?:\S*/)?hotfix\.yml")
PIPELINES = ["github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"]
INPUTS = {f"HOTFIX_RELEASE_{name}" for name in ("NAME", "COMMITS", "REASON", "VERSION", "FROM_TAG")}
# What lets its holder into the repository or the cluster.
SECRETS = {
    "RECOVERY_GIT_TOKEN",
    "K8S_AUTH_KUBECONFIG",
    "K8S_AUTH_API_KEY",
    "K8S_AUTH_PASSWORD",
}
CLOSES = {")": "(", "]": "[", "}": "{"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def role_options() -> dict[str, dict[str, Any]]:
    return dict(load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"])


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("github-actions.yml", ["vendor.github-workflows"]),
        ("gitlab-ci.yml", ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_pipeline_is_valid_by_the_schema_of_its_server(name: str, schema: list[str]) -> None:
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    done = subprocess.run(
        [program, "--builtin-schema", *schema, str(CI / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_jenkinsfile_closes_what_it_opens() -> None:
    text = re.sub(
        r"//[^\n]*|'''.*?'''|'[^'\n]*'|\"[^\"\n]*\"",
        "",
        (CI / "Jenkinsfile").read_text(),
        flags=re.S,
    )
    opened: list[str] = []
    for character in re.findall(r"[][(){}]", text):
        if character in CLOSES:
            assert opened.pop() == CLOSES[character]
        else:
            opened.append(character)
    assert not opened
    for section in ("agent", "parameters", "options", "environment", "stages", "post"):
        assert re.search(rf"^    {section} ", text, re.MULTILINE)


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_runs_the_command_that_the_tests_run(name: str) -> None:
    tested = COMMAND.search((TARGET / "vars" / "main.yml").read_text())
    assert tested
    assert COMMAND.findall((CI / name).read_text()) == [tested[1]]


@pytest.mark.parametrize("name", PIPELINES)
def test_inputs_reach_the_command_by_the_environment_and_no_other_way(name: str) -> None:
    text = (CI / name).read_text()
    assert set(re.findall(r"HOTFIX_RELEASE_[A-Z_]+", text)) == INPUTS
    defaults = (ROLE / "defaults" / "main.yml").read_text()
    assert set(re.findall(r"'(HOTFIX_RELEASE_[A-Z_]+)'", defaults)) == INPUTS
    scripts = re.findall(r"(?:run: |- )[^\n]*ansible-playbook[^\n]*|sh '''.*?'''", text, re.DOTALL)
    assert scripts
    for script in scripts:
        assert "${{" not in script
        assert not any(name in script for name in INPUTS)


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize(
    ("answer", "added"),
    [("", []), ("yes", ["--check"]), ("-e @/etc/passwd; id", ["--check"])],
    ids=["for real", "tried", "hostile"],
)
def test_answer_whether_to_try_it_only_adds_one_option_and_nothing_else(
    name: str, answer: str, added: list[str]
) -> None:
    command = re.search(r"ansible-playbook [^\n]*", (CI / name).read_text())
    assert command
    shown = command[0].replace("ansible-playbook", r"printf '%s\n'", 1)
    done = subprocess.run(
        ["sh", "-c", shown],
        env={"HOTFIX_CHECK": answer},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[3:] == added


def test_secrets_have_no_other_name_that_the_commands_of_a_team_would_see() -> None:
    """GitLab shows all variables of a project to all that a job runs."""
    text = (CI / "gitlab-ci.yml").read_text()
    given = set(re.findall(r"^#   ([A-Z0-9_]+) ", text, re.MULTILINE))
    assert given == {"RECOVERY_GIT_TOKEN", "K8S_AUTH_KUBECONFIG"}
    assert not given & set(load(CI / "gitlab-ci.yml")["hotfix"]["variables"])
    blanked = load(ROLE / "vars" / "main.yml")["__hotfix_release_environment"]
    assert {name for name, value in blanked.items() if value == ""} == SECRETS


def test_pipelines_need_no_more_than_their_image_has() -> None:
    """The jobs' images have no docker, so another pipeline builds."""
    settings = load(CI / "hotfix.yml")
    assert settings["hotfix_release_wait_for_image"] is True
    assert "hotfix_release_build_command" not in settings


@pytest.mark.parametrize("name", ["README.md", "docs/docsite/rst/guide_hotfix.rst"])
def test_pasted_command_says_what_it_seems_to_say(name: str) -> None:
    """Ansible splits ``-e name=value`` at spaces again, whatever backslashes stand before them."""
    text = (CHECKOUT / name).read_text().replace("\\\n", " ")
    commands = re.findall(r"\$ (ansible-playbook oncall\.recovery\.hotfix_release [^\n]*)", text)
    assert len(commands) > 1
    given: dict[str, Any] = {}
    for command in commands:
        words = shlex.split(command)
        for option in (words[at + 1] for at, word in enumerate(words) if word == "-e"):
            if option.startswith("{"):
                given.update(json.loads(option))
            elif not option.startswith("@"):
                assert "\\" not in option
                values = parse_kv(option)
                assert len(values) == 1
                given.update(values)
    assert set(given) <= set(role_options())
    assert given["hotfix_release_test_command"] == "make test"
    assert given["hotfix_release_build_command"] == "make image"


def test_settings_of_a_team_are_options_of_the_role() -> None:
    names = {name for name in load(CI / "hotfix.yml") if not name.startswith("recovery_git_")}
    assert names <= set(role_options())


def test_survey_asks_for_options_of_the_role() -> None:
    (play,) = load(AWX / "hotfix_release_job_template.yml")
    template = next(task for task in play["tasks"] if "awx.awx.job_template" in task)
    options = template["awx.awx.job_template"]
    assert (AWX / options["playbook"]).exists()
    questions = options["survey_spec"]["spec"]
    asked = {question["variable"] for question in questions}
    assert asked <= set(role_options())
    assert {name.lower() for name in INPUTS} <= asked
    # The clones outlive the job, or a hotfix that stopped half way would start over.
    assert options["extra_vars"]["recovery_git_clones"] == "{{ awx_git_clones }}"
    for question in questions:
        # What AWX refuses a survey without.
        assert {"question_name", "variable", "type", "required"} <= set(question)
        assert question["type"] in {"text", "textarea", "multiplechoice"}


def test_playbook_of_the_project_starts_ours() -> None:
    imported = [
        play.get("ansible.builtin.import_playbook") for play in load(AWX / "hotfix_release.yml")
    ]
    assert "oncall.recovery.hotfix_release" in imported
    assert (CHECKOUT / "playbooks" / "hotfix_release.yml").exists()
