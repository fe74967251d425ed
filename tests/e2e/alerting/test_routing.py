# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Alertmanager tells the right people and the automation, and nobody else."""

from __future__ import annotations

import datetime
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.playbooks import play
from tests.e2e.support.prometheus import Certificates
from tests.e2e.support.workloads import wait_until

from .inbox import MAIL_PASSWORD, MAIL_USER, Inbox, mail_server, web_server
from .playbook import render
from .servers import alertmanager, ask

SECRETS = {
    "routing_key": "s3cret-routing-key",
    "api_key": "s3cret-api-key",
    "access_key": "AKIAS3CRET",
    "secret_key": "s3cret-secret-key",
    "token": "s3cret-token",
    "auth_password": MAIL_PASSWORD,
    "api_url": "/slack/s3cret-webhook",
}
ALWAYS = {"name": "always", "time_intervals": [{"years": ["2020:2100"]}]}
NEVER = {"name": "never", "time_intervals": [{"years": ["2020"]}]}


def variables(folder: Path, mail: str, web: str) -> dict[str, Any]:
    """All that the role can do, with the shortest times."""
    return {
        "alert_routing_path": str(folder / "alertmanager.yml"),
        "alert_routing_validate": "amtool check-config %s",
        "alert_routing_smtp": {
            "smarthost": mail,
            "from": "alertmanager@shop.example",
            "auth_username": MAIL_USER,
            "auth_password": SECRETS["auth_password"],
        },
        "alert_routing_receivers": [
            {"name": "mail", "email": [{"to": "oncall@shop.example"}]},
            {
                "name": "pager",
                "pagerduty": [{"routing_key": SECRETS["routing_key"], "url": f"{web}/pagerduty"}],
                "opsgenie": [
                    {"api_key": SECRETS["api_key"], "api_url": f"{web}/opsgenie/", "team": "shop"}
                ],
                "sns": [
                    {
                        "phone_number": "+491701234567",
                        "region": "eu-central-1",
                        "api_url": f"{web}/sns",
                        "access_key": SECRETS["access_key"],
                        "secret_key": SECRETS["secret_key"],
                    }
                ],
            },
            {"name": "chat", "slack": [{"api_url": web + SECRETS["api_url"], "channel": "#shop"}]},
            {"name": "robot", "webhook": [{"url": f"{web}/robot", "token": SECRETS["token"]}]},
        ],
        "alert_routing_default_receiver": "mail",
        "alert_routing_automation_receiver": "robot",
        "alert_routing_automation_group_interval": "1s",
        "alert_routing_group_wait": "1s",
        "alert_routing_group_interval": "1s",
        "alert_routing_time_intervals": [ALWAYS, NEVER],
        "alert_routing_on_call": [
            {"team": "shop", "severity": ["critical"], "receivers": ["pager", "chat"]},
            {
                "team": "shop",
                "severity": "warning",
                "receivers": ["pager"],
                "during": "never",
                "otherwise": ["chat"],
            },
            {"team": "silent", "receivers": ["chat"], "mute": ["always"]},
        ],
    }


@dataclass(frozen=True)
class Site:
    """A running Alertmanager, what it was made from, and what came from it."""

    url: str
    inbox: Inbox
    folder: Path
    variables: dict[str, Any]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, inbox = tmp_path_factory.mktemp("routing"), Inbox()
    certificates = Certificates.made_in(folder)
    with mail_server(inbox, certificates) as mail, web_server(inbox) as web:
        wanted = variables(folder, mail, web)
        done = render(folder, **wanted)
        assert done.returncode == 0, done.stdout + done.stderr
        environment = {
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "secrets" / "aws_credentials"),
            "SSL_CERT_FILE": str(certificates.authority),
        }
        with alertmanager(folder, folder / "alertmanager.yml", environment) as url:
            yield Site(url, inbox, folder, wanted)


def alert(name: str, signal: str = "error_rate", **changes: str) -> dict[str, Any]:
    """An alert about the workload ``name``, as the rules of the other role make them."""
    labels = {
        "alertname": f"Alert-{signal}",
        "namespace": "shop",
        "kind": "Deployment",
        "name": name,
        "signal": signal,
        "severity": "critical",
        "team": "shop",
        "playbook": "oncall.recovery.rollback",
        **changes,
    }
    return {
        "labels": labels,
        "annotations": {
            "summary": f"Deployment shop/{name}: 50% of requests failed",
            "runbook_url": "https://runbooks.example/error-rate",
        },
    }


def send(site: Site, *alerts: dict[str, Any]) -> None:
    ask(f"{site.url}/api/v2/alerts", list(alerts))


def test_page_reaches_everybody_who_is_on_call_and_the_automation(site: Site) -> None:
    send(site, alert("paged"))
    to = site.inbox.to
    paths = ("/pagerduty", "/opsgenie/v2/alerts", "/sns/", SECRETS["api_url"], "/robot")
    wait_until(lambda: all(to(path, "paged") for path in paths), "all are told")
    assert not site.inbox.mails_about("paged")

    (event,) = to("/pagerduty", "paged")
    assert event["routing_key"] == SECRETS["routing_key"]
    assert event["event_action"] == "trigger"
    payload = event["payload"]
    assert payload["summary"] == "[FIRING] Deployment shop/paged: Alert-error_rate"
    assert payload["severity"] == "critical"
    assert (payload["group"], payload["component"]) == ("shop", "paged")
    details = payload["custom_details"]
    assert "Deployment shop/paged: 50% of requests failed" in details["text"]
    assert details["playbook"] == "oncall.recovery.rollback"

    (issue,) = to("/opsgenie/v2/alerts", "paged")
    assert issue["message"] == "[FIRING] Deployment shop/paged: Alert-error_rate"
    assert issue["priority"] == "P1"
    assert issue["responders"] == [{"name": "shop", "type": "team"}]
    assert issue["tags"] == ["error_rate", "shop", "paged"]

    (text,) = to("/sns/", "paged")
    assert text["PhoneNumber"] == "+491701234567"
    assert text["Message"] == (
        "[FIRING] Deployment shop/paged: Alert-error_rate."
        " Deployment shop/paged: 50% of requests failed"
    )

    (message,) = to(SECRETS["api_url"], "paged")
    assert message["channel"] == "#shop"
    (attachment,) = message["attachments"]
    assert attachment["color"] == "danger"
    assert attachment["title"] == "[FIRING] Deployment shop/paged: Alert-error_rate"
    assert "critical: Deployment shop/paged: 50% of requests failed" in attachment["text"]
    assert "run: oncall.recovery.rollback" in attachment["text"]

    (job,) = to("/robot", "paged")
    assert (job["status"], job["version"], job["truncatedAlerts"]) == ("firing", "4", 0)
    assert job["groupLabels"] == {"namespace": "shop", "kind": "Deployment", "name": "paged"}
    assert job["alerts"][0]["labels"] == alert("paged")["labels"]

    sent = {delivery.path: delivery.headers for delivery in site.inbox.deliveries}
    assert sent["/robot"]["Authorization"] == f"Bearer {SECRETS['token']}"
    assert sent["/opsgenie/v2/alerts"]["Authorization"] == f"GenieKey {SECRETS['api_key']}"
    assert f"Credential={SECRETS['access_key']}/" in sent["/sns/"]["Authorization"]


def test_nobodys_alert_is_mailed(site: Site) -> None:
    send(site, alert("mailed", team="others"))
    wait_until(lambda: bool(site.inbox.mails_about("mailed")), "a mail comes")
    (mail,) = site.inbox.mails_about("mailed")
    assert mail["To"] == "oncall@shop.example"
    assert mail["Subject"] == "[FIRING] Deployment shop/mailed: Alert-error_rate"
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    for line in (
        "Deployment shop/mailed: 50% of requests failed",
        "run: oncall.recovery.rollback",
        "read: https://runbooks.example/error-rate",
    ):
        assert line in text.splitlines()


def test_alerts_of_a_workload_come_as_one_message_and_tell_when_they_resolve(site: Site) -> None:
    alerts = [alert("grouped"), alert("grouped", "cpu"), alert("grouped", "target_absent")]
    send(site, *alerts)
    wait_until(lambda: bool(site.inbox.to("/pagerduty", "grouped")), "a page comes")
    (event,) = site.inbox.to("/pagerduty", "grouped")
    assert event["payload"]["summary"] == "[FIRING] Deployment shop/grouped: 3 alerts"
    assert event["payload"]["custom_details"]["text"].count("FIRING critical") == 3

    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    send(site, *({**one, "endsAt": now} for one in alerts))
    wait_until(lambda: len(site.inbox.to("/pagerduty", "grouped")) > 1, "the end is told")
    assert site.inbox.to("/pagerduty", "grouped")[-1]["event_action"] == "resolve"
    wait_until(
        lambda: site.inbox.to("/robot", "grouped")[-1]["status"] == "resolved", "automation hears"
    )


@pytest.mark.parametrize(
    ("name", "cause", "symptom", "silenced"),
    [
        ("dependency", {"signal": "dependency_timeouts"}, {"signal": "error_rate"}, True),
        ("rollout", {"signal": "rollout_failed"}, {"signal": "latency"}, True),
        ("oom", {"signal": "oom_kill"}, {"signal": "crash_loop"}, True),
        ("severe", {"signal": "latency"}, {"signal": "latency", "severity": "warning"}, True),
        ("mild", {"signal": "crash_loop", "severity": "warning"}, {"signal": "error_rate"}, False),
        ("alone", {"signal": "error_rate"}, {"signal": "cpu", "severity": "warning"}, False),
        # Those of other people's rules, which tell no signal, or no workload.
        ("foreign", {"signal": ""}, {"signal": "", "severity": "warning"}, False),
        ("", {"signal": "latency"}, {"signal": "latency", "severity": "warning"}, False),
        ("", {"signal": "oom_kill"}, {"signal": "crash_loop"}, False),
    ],
)
def test_cause_silences_its_symptoms(
    name: str, cause: dict[str, str], symptom: dict[str, str], silenced: bool, site: Site
) -> None:
    case = f"{name}-{cause['signal']}"
    send(site, alert(name, **cause, case=case), alert(name, **symptom, case=case))
    url = f'{site.url}/api/v2/alerts?filter=case="{case}"'

    def states() -> dict[tuple[str, str], bool]:
        return {
            (one["labels"].get("signal", ""), one["labels"]["severity"]): bool(
                one["status"]["inhibitedBy"]
            )
            for one in ask(url)
        }

    told = {
        (cause["signal"], cause.get("severity", "critical")): False,
        (symptom["signal"], symptom.get("severity", "critical")): silenced,
    }
    wait_until(lambda: states() == told, "the symptom is or is not silenced", 10)


def test_cause_does_not_silence_other_workloads(site: Site) -> None:
    send(site, alert("one", "dependency_timeouts"), alert("two", "error_rate"))
    wait_until(lambda: bool(site.inbox.to("/pagerduty", "shop/two")), "the other is paged")


def test_people_are_told_at_their_times(site: Site) -> None:
    send(site, alert("timed", severity="warning"), alert("muted", team="silent"))
    chat = SECRETS["api_url"]
    wait_until(lambda: bool(site.inbox.to(chat, "timed")), "the chat is told")
    # Automation is told at once, so the message about the muted one would have come with it.
    wait_until(lambda: bool(site.inbox.to("/robot", "muted")), "automation is told")
    time.sleep(2)
    assert not site.inbox.to("/pagerduty", "timed")
    assert not site.inbox.to(chat, "muted")
    assert not site.inbox.mails_about("muted")


def test_automation_does_not_hear_of_what_it_can_do_nothing_about(site: Site) -> None:
    send(site, alert("mild-one", severity="warning"), alert("manual", playbook=""))
    wait_until(lambda: bool(site.inbox.to("/pagerduty", "manual")), "people are told")
    wait_until(lambda: bool(site.inbox.to(SECRETS["api_url"], "mild-one")), "people are told")
    assert not site.inbox.to("/robot", "manual") + site.inbox.to("/robot", "mild-one")


def test_hostile_labels_stay_text(site: Site) -> None:
    hostile = alert("hostile", pod="{{ .ExternalURL }}\r\nBcc: x@evil.example")
    hostile["annotations"]["summary"] = "hostile <!channel> & <https://evil.example|click>"
    mailed = alert("hostile", team="others", alertname="{{ 1 }}\r\nBcc: x@evil.example")
    send(site, hostile, mailed)
    chat = SECRETS["api_url"]
    wait_until(lambda: bool(site.inbox.to(chat, "hostile")), "the chat is told")
    (attachment,) = site.inbox.to(chat, "hostile")[0]["attachments"]
    assert "hostile &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in attachment["text"]
    wait_until(lambda: bool(site.inbox.mails_about("shop/hostile")), "a mail comes")
    (mail,) = site.inbox.mails_about("shop/hostile")
    assert mail["Bcc"] is None
    assert "{{ 1 }}" in mail["Subject"]


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("team=shop severity=critical playbook=x", "robot,pager,chat"),
        ("team=shop severity=critical", "pager,chat"),
        ("team=shop severity=warning playbook=x", "pager,chat"),
        ("team=others severity=critical playbook=x", "robot,mail"),
        ("team=silent severity=info", "chat"),
        ("alertname=Watchdog", "mail"),
    ],
)
def test_amtool_agrees_about_the_routes(labels: str, receivers: str, site: Site) -> None:
    tested = subprocess.run(
        [
            *("amtool", "config", "routes", "test", *labels.split()),
            *(
                f"--config.file={site.folder / 'alertmanager.yml'}",
                f"--verify.receivers={receivers}",
            ),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_secrets_are_in_files_that_only_alertmanager_reads(site: Site) -> None:
    written = (site.folder / "alertmanager.yml").read_text()
    assert not [secret for secret in SECRETS.values() if secret in written]
    folder = site.folder / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    content = " ".join(file.read_text() for file in files)
    assert all(secret in content for secret in SECRETS.values())


def test_run_changes_what_has_changed_and_shows_no_secret(tmp_path: Path) -> None:
    path, secrets = tmp_path / "alertmanager.yml", tmp_path / "secrets"
    token = {"url": "http://127.0.0.1:1/robot", "token": "s3cret-token"}
    chat = {"name": "chat", "slack": [{"api_url": "http://127.0.0.1:1/s3cret"}]}
    wanted = {
        "alert_routing_path": str(path),
        "alert_routing_receivers": [{"name": "robot", "webhook": [token]}, chat],
        "alert_routing_default_receiver": "robot",
    }
    assert render(tmp_path, **wanted).returncode == 0

    with alertmanager(tmp_path, path) as url:
        changes = {
            **wanted,
            "alert_routing_reload_url": url,
            "alert_routing_receivers": [
                {"name": "robot", "webhook": [{**token, "token": "s3cret-new-token"}]},
                {"name": "mail", "email": [{"to": "boss@shop.example"}]},
            ],
            "alert_routing_smtp": {"smarthost": "127.0.0.1:1", "from": "a@shop.example"},
        }
        before = path.read_text()
        tried = render(tmp_path, "--check", "--diff", "-vvv", **changes)
        assert tried.returncode == 0, tried.stdout + tried.stderr
        assert "boss@shop.example" in tried.stdout
        assert path.read_text() == before
        assert (secrets / "chat.slack.0.api_url").exists()

        foreign = {"ca.pem", ".keep", "chat.slack.0.api_url.bak", "xsmtp.auth_password.old"}
        for name in foreign:
            (secrets / name).write_text("somebody else's")
        (secrets / "smtp.auth_password").write_text("s3cret-and-used-no-more")
        done = render(tmp_path, "--diff", "-vvv", **changes)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "boss@shop.example" in ask(f"{url}/api/v2/status")["config"]["original"]
        ours = {file.name for file in secrets.iterdir()} - foreign
        assert ours == {"robot.webhook.0.token"}
        assert all((secrets / name).exists() for name in foreign)
        assert (secrets / "robot.webhook.0.token").read_text() == "s3cret-new-token"

    before = path.read_text()
    refused = render(
        tmp_path, "-vvv", **{**changes, "alert_routing_on_call": [{"receivers": ["nobody"]}]}
    )
    assert refused.returncode != 0
    assert "on_call[0].receivers: there is no receiver 'nobody'. Use mail, robot" in refused.stdout
    assert path.read_text() == before
    for run in (tried, done, refused):
        assert "s3cret" not in run.stdout + run.stderr


def test_reload_is_not_lost_when_a_later_task_fails(tmp_path: Path) -> None:
    inbox = Inbox()
    with web_server(inbox) as web:
        failed = render(
            tmp_path,
            alert_rules_path=str(tmp_path / "rules.yml"),
            alert_rules_services=[{"namespace": "shop", "name": "web"}],
            alert_rules_reload_url=f"{web}/prometheus",
            alert_routing_path=str(tmp_path / "alertmanager.yml"),
            alert_routing_receivers=[{"name": "robot", "webhook": [{"url": web, "token": "x"}]}],
            alert_routing_default_receiver="robot",
            alert_routing_reload_url=f"{web}/alertmanager",
            # After the rules, and after the secrets.
            alert_routing_validate="test ! -e %s",
        )
    assert failed.failed
    assert not (tmp_path / "alertmanager.yml").exists()
    reloads = [delivery.path for delivery in inbox.deliveries]
    assert reloads == ["/prometheus/-/reload", "/alertmanager/-/reload"]


def test_each_role_has_its_files_read_before_the_play_goes_on(tmp_path: Path) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        "- hosts: localhost\n"
        "  gather_facts: false\n"
        "  tasks:\n"
        "    - ansible.builtin.include_role: {name: oncall.recovery.alert_rules}\n"
        "    - ansible.builtin.include_role: {name: oncall.recovery.alert_routing}\n"
        "    - ansible.builtin.fail: {msg: too late}\n"
    )
    inbox = Inbox()
    with web_server(inbox) as web:
        failed = play(
            str(playbook),
            cwd=tmp_path,
            alert_rules_path=str(tmp_path / "rules.yml"),
            alert_rules_services=[{"namespace": "shop", "name": "web"}],
            alert_rules_reload_url=f"{web}/prometheus",
            alert_routing_path=str(tmp_path / "alertmanager.yml"),
            alert_routing_receivers=[{"name": "robot", "webhook": [{"url": web}]}],
            alert_routing_default_receiver="robot",
            alert_routing_reload_url=f"{web}/alertmanager",
        )
    assert "too late" in failed.output
    reloads = [delivery.path for delivery in inbox.deliveries]
    assert reloads == ["/prometheus/-/reload", "/alertmanager/-/reload"]
