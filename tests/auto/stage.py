# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that stands between a failing request and its rollback, on real parts.

Prometheus and Alertmanager are configured by the playbook ``alerting`` and the rulebook by a file
of variables, as the README does it, with short times.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import kubectl
from tests.cluster.shop.manifests import Shop
from tests.e2e.alerting.inbox import MAIL_PASSWORD, MAIL_USER, Inbox, mail_server
from tests.e2e.alerting.playbook import render
from tests.e2e.alerting.servers import alertmanager, ask, prometheus
from tests.e2e.support.rulebook import Rulebook, running_rulebook

from .rights import ACCOUNT, rights_of_the_examples

PLAYBOOK = "oncall.recovery.rollback"
ONCALL = "oncall@shop.example"
# Prometheus looks and judges every second, over what the last seconds were like.
QUICK = {"for": "0s", "window": "5s"}
_ACTED = re.compile(rf"{PLAYBOOK} for .*, received at (\S+)$")
_WRITES = {"create", "update", "patch", "delete", "deletecollection"}


class AuditLog:
    """What the API server notes from now on; other suites may fill the log meanwhile."""

    def __init__(self, cluster: Cluster) -> None:
        if cluster.audit_log is None:
            raise ClusterError("the cluster shows no audit log", "use one of provider debian")
        self._file = cluster.audit_log
        self._read_to = self._file.stat().st_size
        self._kept: list[str] = []

    def lines_about(self, text: str) -> list[str]:
        """All whole lines with ``text`` in them; it has to be the same at each call."""
        with self._file.open("rb") as stream:
            stream.seek(self._read_to)
            new = stream.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        self._kept += [line for line in whole.decode().splitlines() if text in line]
        return list(self._kept)


@dataclass
class Stage:
    """What one shop is watched by. ``blind`` ends Prometheus, and may be called once."""

    cluster: Cluster
    shop: Shop
    folder: Path
    rulebook: Rulebook
    inbox: Inbox
    audit: AuditLog
    prometheus: str = ""
    managers: list[str] = field(default_factory=list)
    _eyes: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def blind(self) -> None:
        self._eyes.close()

    def alerts(self, state: str = "firing") -> list[dict[str, Any]]:
        """What Prometheus says about the shop."""
        told = ask(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"]
        return [alert for alert in told if alert["state"] == state]

    def firing_since(self) -> float:
        """In Unix time."""
        return min(unix_time(alert["activeAt"]) for alert in self.alerts())

    def subjects(self) -> list[str]:
        """Of the mails to the person on call."""
        return [str(mail["Subject"]) for mail in list(self.inbox.mails)]

    def received(self) -> list[float]:
        """When, in Unix time, alerts came in that the rulebook then acted on."""
        found = (_ACTED.search(line) for line in self.rulebook.lines(PLAYBOOK))
        return [unix_time(match[1]) for match in found if match]

    def accepted(self) -> list[float]:
        """When, in Unix time, the API server had accepted a change of the shop's template by us."""
        return [
            unix_time(entry["stageTimestamp"])
            for entry in self._audited()
            if entry["objectRef"]["resource"] == "deployments"
            and entry["responseStatus"]["code"] == 200
        ]

    def _audited(self) -> Iterator[dict[str, Any]]:
        """Writes in the shop's namespace by the rulebook's account, without dry runs."""
        account = ACCOUNT.format(namespace=self.shop.namespace)
        for line in self.audit.lines_about(account):
            entry = json.loads(line)
            if (
                entry.get("objectRef", {}).get("namespace") == self.shop.namespace
                and entry["verb"] in _WRITES
                and "dryRun" not in entry["requestURI"]
                and entry.get("impersonatedUser", {}).get("username") == account
            ):
                yield entry

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.cluster.kubeconfig, "--namespace", self.shop.namespace, *arguments)


@contextlib.contextmanager
def staged(
    cluster: Cluster, shop: Shop, folder: Path, *, managers: int = 1, deployed_within: int = 3600
) -> Iterator[Stage]:
    """Watch the shop, tell a person's mailbox and the rulebook, and let the rulebook act.

    :param managers: how many Alertmanagers there are that know nothing of each other.
    :param deployed_within: seconds, as alert_response_deployed_within.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inbox = Inbox()
    with contextlib.ExitStack() as stack:
        stack.enter_context(rights_of_the_examples(cluster, shop.namespace))
        rulebook = stack.enter_context(
            running_rulebook(
                folder / "rulebook",
                env={
                    "K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig),
                    "K8S_AUTH_IMPERSONATE_USER": ACCOUNT.format(namespace=shop.namespace),
                    "ANSIBLE_NOCOLOR": "1",
                },
                alert_response_namespaces=[shop.namespace],
                alert_response_playbooks=[PLAYBOOK],
                alert_response_deployed_within=deployed_within,
            )
        )
        stage = Stage(cluster, shop, folder, rulebook, inbox, AuditLog(cluster))
        mail = stack.enter_context(mail_server(inbox, rulebook.certificates))
        configure(stage, mail)
        trusted = {"SSL_CERT_FILE": str(rulebook.certificates.authority)}
        for number in range(managers):
            own = folder / f"alertmanager-{number}"
            url = stack.enter_context(alertmanager(own, folder / "alertmanager.yml", trusted))
            stage.managers.append(url)
        stack.callback(stage.blind)
        stage.prometheus = stage._eyes.enter_context(
            prometheus(folder / "prometheus", folder / "rules.yml", _what_to_scrape(stage))
        )
        yield stage


def configure(stage: Stage, smarthost: str) -> None:
    """Write Prometheus' rules and Alertmanager's routes, as the README says."""
    shop, folder, rulebook = stage.shop, stage.folder, stage.rulebook
    done = render(
        folder,
        alert_rules_path=str(folder / "rules.yml"),
        alert_rules_validate="promtool check rules %s",
        alert_rules_services=[
            {"namespace": shop.namespace, "kind": shop.kind, "name": shop.name, "team": "shop"}
        ],
        alert_rules_signals={"error_rate": QUICK, "latency": {"enabled": False}},
        alert_routing_path=str(folder / "alertmanager.yml"),
        alert_routing_validate="amtool check-config %s",
        alert_routing_smtp={
            "smarthost": smarthost,
            "from": "alertmanager@shop.example",
            "auth_username": MAIL_USER,
            "auth_password": MAIL_PASSWORD,
        },
        alert_routing_receivers=[
            {"name": "oncall", "email": [{"to": ONCALL}]},
            {
                "name": "automation",
                "webhook": [
                    {
                        "url": rulebook.url,
                        "token": rulebook.token,
                        "ca_file": str(rulebook.certificates.authority),
                    }
                ],
            },
        ],
        alert_routing_default_receiver="oncall",
        alert_routing_automation_receiver="automation",
        alert_routing_automation_group_interval="1s",
        alert_routing_group_wait="0s",
        alert_routing_group_interval="1s",
    )
    if done.returncode:
        raise ClusterError("the playbook alerting failed", done.output)


def _what_to_scrape(stage: Stage) -> dict[str, Any]:
    addon = stage.cluster.prometheus
    if addon is None:
        raise ClusterError("the cluster has no Prometheus, whose list of pods is used", "add it")
    only_the_shop = {
        "source_labels": ["namespace"],
        "regex": stage.shop.namespace,
        "action": "keep",
    }
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "pods",
                "file_sd_configs": [{"files": [str(addon.config.with_name("pods.json"))]}],
                "relabel_configs": [only_the_shop],
            }
        ],
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [url.removeprefix("http://")]}]}
                for url in stage.managers
            ]
        },
    }


def unix_time(text: str) -> float:
    """Of a time in UTC, as ISO 8601 has it, with or without fractions of any length."""
    whole, _dot, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return seconds.timestamp() + float(f"0.{fraction or 0}")
