# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Alertmanager is told to do. Whether it does, tests/e2e/alerting asks a real one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oncall.recovery.plugins.module_utils._alerting.routing import (
    alertmanager_config,
)
from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

FOLDER = "/etc/alertmanager/secrets"
MAIL = {"name": "mail", "email": [{"to": "a@b.example"}]}
CHAT = {"name": "chat", "slack": [{"api_url": "https://hooks.example/s3cret"}]}
ROBOT = {"name": "robot", "webhook": [{"url": "https://eda.example", "token": "s3cret"}]}
SMS = {"phone_number": "+49170", "region": "eu-central-1"}
KEYS = {"access_key": "AKIA", "secret_key": "s3cret"}


def made_of(*receivers: Any, **inputs: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration, and the contents of the files with secrets by their names."""
    config, secrets = alertmanager_config(
        list(receivers) or [MAIL, CHAT, ROBOT],
        secrets_path=FOLDER,
        templates=["/etc/alertmanager/oncall-recovery.tmpl"],
        default_receiver=inputs.get("default_receiver", "mail"),
        on_call=inputs.get("on_call", []),
        automation={
            "receiver": inputs.get("automation", ""),
            "matchers": inputs.get("matchers", ['playbook!=""']),
            "group_wait": "0s",
            "group_interval": "10s",
        },
        grouping={
            "group_by": inputs.get("group_by", ["namespace", "name"]),
            "group_wait": inputs.get("group_wait", "30s"),
            "group_interval": "5m",
            "repeat_interval": "4h",
        },
        time_intervals=inputs.get("time_intervals", [{"name": "office", "time_intervals": []}]),
        inhibit_rules=[],
        smtp=inputs.get("smtp", {"smarthost": "m:25", "from": "a@b"}),
    )
    return config, {secret.name: secret.content for secret in secrets}


def people(*on_call: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes of the entries."""
    route = made_of(on_call=list(on_call))[0]["route"]["routes"][-1]
    assert route["receiver"] == "mail"
    routes: list[dict[str, Any]] = route["routes"]
    return routes


def test_automation_is_told_beside_the_people() -> None:
    routes = made_of(automation="robot")[0]["route"]["routes"]
    assert routes == [
        {
            "receiver": "robot",
            "matchers": ['playbook!=""'],
            "group_wait": "0s",
            "group_interval": "10s",
            "continue": True,
        },
        {"receiver": "mail", "routes": []},
    ]


@pytest.mark.parametrize(
    ("entry", "matchers"),
    [
        ({"team": "shop"}, ['team="shop"']),
        ({"team": 'a"b\\'}, ['team="a\\"b\\\\"']),
        ({"severity": "critical"}, ['severity=~"critical"']),
        ({"severity": ["critical", "warning"]}, ['severity=~"critical|warning"']),
        ({"matchers": ['cluster="eu"'], "team": "shop"}, ['cluster="eu"', 'team="shop"']),
        ({}, []),
    ],
    ids=["team", "hostile team", "severity", "severities", "others", "everything"],
)
def test_entry_is_about_a_team_and_severities(entry: dict[str, Any], matchers: list[str]) -> None:
    (route,) = people({**entry, "receivers": ["chat"]})
    assert route["matchers"] == matchers


@pytest.mark.parametrize(
    ("times", "told", "otherwise"),
    [
        ({}, {}, None),
        ({"mute": ["office"]}, {"mute_time_intervals": ["office"]}, None),
        ({"during": "office"}, {"active_time_intervals": ["office"]}, None),
        (
            {"during": "office", "otherwise": "mail"},
            {"active_time_intervals": ["office"]},
            {"mute_time_intervals": ["office"]},
        ),
    ],
    ids=["always", "muted", "at times", "others at other times"],
)
def test_entry_tells_at_its_times(
    times: dict[str, Any], told: dict[str, Any], otherwise: dict[str, Any] | None
) -> None:
    (route,) = people({"receivers": ["chat"], **times})
    leaves = [{"receiver": "chat", "continue": True, **told}]
    if otherwise:
        leaves.append({"receiver": "mail", "continue": True, **otherwise})
    assert route["routes"] == leaves


def test_secrets_become_files() -> None:
    config, secrets = made_of(
        MAIL,
        CHAT,
        ROBOT,
        {
            "name": "pager",
            "pagerduty": [{"routing_key": "s3cret"}, {"routing_key_file": "/run/key"}],
            "opsgenie": [{"api_key": "s3cret"}],
            "sns": [{**SMS, **KEYS}, {**SMS, "profile": "prod"}, SMS],
        },
        smtp={"smarthost": "m:25", "from": "a@b", "auth_password": "s3cret"},
    )
    assert "s3cret" not in str(config)
    pager = config["receivers"][3]
    assert [one["routing_key_file"] for one in pager["pagerduty_configs"]] == [
        f"{FOLDER}/pager.pagerduty.0.routing_key",
        "/run/key",
    ]
    assert [one["sigv4"].get("profile") for one in pager["sns_configs"]] == [
        "pager-sns-0",
        "prod",
        None,
    ]
    assert secrets == {
        "chat.slack.0.api_url": "https://hooks.example/s3cret",
        "robot.webhook.0.token": "s3cret",
        "pager.pagerduty.0.routing_key": "s3cret",
        "pager.opsgenie.0.api_key": "s3cret",
        "aws_credentials": "[pager-sns-0]\naws_access_key_id = AKIA\n"
        "aws_secret_access_key = s3cret\n",
        "smtp.auth_password": "s3cret",
    }


def test_webhook_shows_its_token_and_trusts_an_authority() -> None:
    webhook = {**ROBOT["webhook"][0], "ca_file": "/ca.pem", "max_alerts": "5"}
    (receiver,) = made_of({"name": "mail", "webhook": [webhook]})[0]["receivers"]
    assert receiver["webhook_configs"] == [
        {
            "url": "https://eda.example",
            "max_alerts": 5,
            "http_config": {
                "authorization": {"credentials_file": f"{FOLDER}/mail.webhook.0.token"},
                "tls_config": {"ca_file": "/ca.pem"},
            },
            "send_resolved": True,
        }
    ]


@pytest.mark.parametrize(
    ("receiver", "words"),
    [
        ({"name": "../x"}, "'../x' is no name"),
        ({"name": "a.b"}, "'a.b' is no name"),
        ({}, "None is no name"),
        ("x", "None is no name"),
        ({"name": "mail", "fax": [{}]}, "there is no kind 'fax'. Use email, opsgenie"),
        ({"name": "mail", "email": {"to": "x"}}, "receiver mail: email: has to be a list"),
        ({"name": "mail", "email": ["x"]}, "email[0]: has to be a dictionary"),
        ({"name": "mail", "email": [{}]}, "email[0]: to is missing"),
        ({"name": "mail", "email": [{"to": "a\nb"}]}, "email[0].to: 'a\\nb' is not allowed here"),
        ({"name": "mail", "email": [{"to": "a", "cc": "b"}]}, "no option 'cc'. Use send_resolved"),
        ({"name": "mail", "email": [{"to": "a", "send_resolved": 1}]}, "true or false"),
        ({"name": "mail", "slack": [{}]}, "api_url or api_url_file is missing"),
        ({"name": "mail", "slack": [{"api_url": "a", "api_url_file": "b"}]}, "exclude each other"),
        ({"name": "mail", "pagerduty": [{"routing_key": "s3cret x"}]}, "is not one word"),
        ({"name": "mail", "sns": [{"region": "x"}]}, "either phone_number or topic_arn"),
        ({"name": "mail", "sns": [{**SMS, "access_key": "s3cret"}]}, "together"),
        ({"name": "mail", "sns": [{**SMS, **KEYS, "profile": "x"}]}, "or profile"),
        ({"name": "mail", "webhook": [{"url": "eda"}]}, "'eda' is not allowed here"),
        (
            {"name": "mail", "pagerduty": [{"routing_key_file": f"{FOLDER}/mail.pagerduty.0.key"}]},
            f"routing_key_file: '{FOLDER}/mail.pagerduty.0.key' lies in {FOLDER}",
        ),
        (
            {
                "name": "mail",
                "webhook": [{"url": "https://a", "ca_file": f"{FOLDER}/../secrets/a"}],
            },
            "which is the role's own. Put it elsewhere",
        ),
        ({"name": "mail", "slack": [{"api_url_file": "secrets/url"}]}, f"lies in {FOLDER}"),
        ({"name": "mail", "webhook": [{"url": "https://a", "max_alerts": "x"}]}, "is no number"),
    ],
)
def test_receiver_that_cannot_be_told_is_refused(receiver: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made_of(receiver)
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"default_receiver": "x"}, "default_receiver: there is no receiver 'x'. Use chat, mail"),
        ({"automation": "x"}, "automation_receiver: there is no receiver 'x'"),
        ({"automation": "robot", "matchers": ["x"]}, "automation_matchers: 'x' is no matcher"),
        ({"on_call": [{"receivers": ["x"]}]}, "on_call[0].receivers: there is no receiver 'x'"),
        ({"on_call": [{"receivers": []}]}, "on_call[0].receivers: there are none"),
        ({"on_call": [{"receiver": "mail"}]}, "on_call[0]: there is no 'receiver'"),
        ({"on_call": ["mail"]}, "on_call[0]: has to be a dictionary"),
        (
            {"on_call": [{"receivers": "mail", "during": "night"}]},
            "on_call[0].during: there is no time interval 'night'",
        ),
        (
            {"on_call": [{"receivers": "mail", "otherwise": "chat"}]},
            "otherwise is given without during",
        ),
        ({"on_call": [{"receivers": "mail", "severity": "page"}]}, "severity: 'page' is none"),
        ({"on_call": [{"receivers": "mail", "severity": 1}]}, "is no list of names"),
        ({"group_by": ["a-b"]}, "group_by: 'a-b' is no name of a label"),
        ({"group_wait": "soon"}, "group_wait: 'soon' is no duration"),
        ({"time_intervals": [{}]}, "time_intervals: {} has no name"),
        ({"smtp": {}}, "smtp: is missing, and a receiver has email"),
        ({"smtp": {"from": "a@b"}}, "smtp: smarthost is missing"),
        (
            {"smtp": {"smarthost": "m:25", "from": "a@b", "auth_password_file": f"{FOLDER}/x"}},
            f"smtp.auth_password_file: '{FOLDER}/x' lies in {FOLDER}",
        ),
        ({"smtp": {"smarthost": "m:25", "from": "a@b", "require_tls": "no"}}, "true or false"),
    ],
)
def test_plan_that_does_not_work_out_is_refused(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made_of(**inputs)
    assert words in caught.value.message


def test_receivers_are_named_once_and_at_all() -> None:
    with pytest.raises(InvalidInput, match="receiver mail: is there twice"):
        made_of(MAIL, MAIL)
    with pytest.raises(InvalidInput, match="there are none"):
        alertmanager_config(
            [],
            secrets_path=FOLDER,
            templates=[],
            default_receiver="mail",
            on_call=[],
            automation={},
            grouping={},
            time_intervals=[],
            inhibit_rules=[],
            smtp={},
        )
