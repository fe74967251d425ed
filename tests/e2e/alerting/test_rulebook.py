# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-rulebook acts on alerts that it may act on, once, and on nothing else."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.rulebook import (
    CHECKOUT,
    INVENTORY,
    Rulebook,
    rulebook_command,
    rulebook_environment,
    running_rulebook,
    write_variables,
)
from tests.e2e.support.workloads import wait_until

from .alerts import RECORDING, alert, message

MOST_SECONDS_OF_A_RUN = 60.0
NAMES = (f"web-{number}" for number in count())


@dataclass(frozen=True)
class Site:
    """A rulebook, and the folder in which each run of the stand-in leaves a file."""

    rulebook: Rulebook
    recordings: Path

    def recorded(self, name: str) -> list[dict[str, Any]]:
        """What the playbook was started with for the workload, run by run."""
        found = [json.loads(file.read_text()) for file in sorted(self.recordings.glob("*.json"))]
        return [run for run in found if run["rollback_workloads"][0]["name"] == name]

    def started(self, name: str) -> int:
        """How many runs it said that it starts for the workload."""
        return len(
            [line for line in self.rulebook.lines(f"/{name}, alert") if "ignored" not in line]
        )

    def all_recorded(self) -> int:
        return len(list(self.recordings.glob("*.json")))

    def wait_for(self, name: str, runs: int = 1) -> list[dict[str, Any]]:
        wait_until(
            lambda: len(self.recorded(name)) >= runs,
            f"{runs} runs for {name}, see {self.rulebook.log}",
            MOST_SECONDS_OF_A_RUN,
        )
        return self.recorded(name)

    def judge_another(self) -> None:
        """Have one more message judged, so that all before it are."""
        name = next(NAMES)
        self.rulebook.send(message(alert(name, _status="resolved")))
        self.wait_for_line(f"/{name}", "resolved, and nothing was known")

    def wait_for_line(self, *parts: str) -> str:
        """The only line of the log that has all the parts in it."""

        def lines() -> list[str]:
            return [line for line in self.rulebook.lines(parts[0]) if all(p in line for p in parts)]

        wait_until(lambda: bool(lines()), f"{parts} in {self.rulebook.log}")
        (line,) = lines()
        return line


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("rulebook")
    recordings = folder / "recordings"
    recordings.mkdir()
    with running_rulebook(
        folder,
        env={"RECORDINGS": str(recordings)},
        alert_response_namespaces=["shop", "billing"],
        alert_response_playbooks=[str(RECORDING)],
    ) as rulebook:
        yield Site(rulebook, recordings)


def test_playbook_is_started_with_what_was_checked_and_nothing_else(site: Site) -> None:
    name = next(NAMES)
    assert site.rulebook.send(message(alert(name))) == 200
    (run,) = site.wait_for(name)
    eda = run.pop("ansible_eda")
    assert run == {
        "rollback_workloads": [{"kind": "Deployment", "namespace": "shop", "name": name}],
        "rollback_target": "last_good",
        "rollback_automatic": True,
        "rollback_deployed_within": 3600,
        "rollback_incident": f"alert-20261125T140000Z-shop-deployment-{name}",
        "rollback_reason": "alert error_rate since 2026-11-25 14:00:00 UTC",
    }
    assert "lookup" not in json.dumps(eda)
    assert "ErrorRateHigh" not in json.dumps(eda)


def test_message_without_the_token_is_refused(site: Site) -> None:
    name = next(NAMES)
    for token in ("", "wrong", site.rulebook.token + "x", f"{site.rulebook.token} x"):
        assert site.rulebook.send(message(alert(name)), token=token) == 401
    # One more that is taken, so that those before would have been, too.
    site.judge_another()
    nothing_happens(site, name)


def test_message_without_tls_is_refused(site: Site) -> None:
    plain = Rulebook(
        site.rulebook.url.replace("https:", "http:"),
        site.rulebook.token,
        site.rulebook.certificates,
        site.rulebook.log,
    )
    with pytest.raises((OSError, urllib.error.URLError)):
        plain.send(message(alert(next(NAMES))))


def test_fifty_messages_about_a_group_start_one_playbook_until_it_is_resolved(site: Site) -> None:
    name = next(NAMES)
    with ThreadPoolExecutor(10) as senders:
        answers = senders.map(site.rulebook.send, [message(alert(name))] * 50)
        assert set(answers) == {200}
    site.wait_for(name)
    assert site.started(name) == len(site.recorded(name)) == 1
    assert len(site.rulebook.lines(f"shop/{name} ({RECORDING}): acted on already")) == 49

    assert site.rulebook.send(message(alert(name, _status="resolved"), status="resolved")) == 200
    site.wait_for_line("resolved:", f"shop/{name}:")
    # What an Alertmanager that is late still says of the alert that is over.
    site.rulebook.send(message(alert(name)))
    site.wait_for_line(f"shop/{name}", "its end was told since")

    site.rulebook.send(message(alert(name, _starts_at="2026-11-25T15:30:00Z")))
    first, second = sorted(run["rollback_incident"] for run in site.wait_for(name, runs=2))
    assert (first[:21], second[:21]) == ("alert-20261125T140000", "alert-20261125T153000")


def test_every_group_has_one_action_also_in_one_message(site: Site) -> None:
    names = [next(NAMES) for _number in range(4)]
    site.rulebook.send(message(alert(names[0]), alert(names[1]), alert(names[0], signal="latency")))
    site.rulebook.send(message(alert(names[2], namespace="billing", kind="StatefulSet")))
    site.rulebook.send(message(alert(names[3]), alert(next(NAMES), _status="resolved")))
    for name in names:
        site.wait_for(name)
        assert site.started(name) == len(site.recorded(name)) == 1
    assert site.recorded(names[0])[0]["rollback_reason"].startswith(
        "alert error_rate, latency since"
    )
    assert site.recorded(names[2])[0]["rollback_workloads"] == [
        {"kind": "StatefulSet", "namespace": "billing", "name": names[2]}
    ]


def test_group_is_open_until_its_last_alert_is_resolved(site: Site) -> None:
    name = next(NAMES)
    errors = {"_fingerprint": "00000000000000aa"}
    latency = {"_fingerprint": "00000000000000bb", "signal": "latency"}
    site.rulebook.send(message(alert(name, **errors), alert(name, **latency)))
    site.wait_for(name)
    site.rulebook.send(message(alert(name, **errors, _status="resolved"), alert(name, **latency)))
    site.wait_for_line(f"shop/{name}", "not all of its alerts are resolved")
    site.rulebook.send(message(alert(name, **latency, _status="resolved"), status="resolved"))
    site.wait_for_line("resolved:", f"shop/{name}:")
    assert site.started(name) == len(site.recorded(name)) == 1


IGNORED: dict[str, tuple[dict[str, Any], str]] = {
    "resolved": ({"_status": "resolved"}, "resolved, and nothing was known to fire"),
    "foreign namespace": ({"namespace": "kube-system"}, "not in alert_response_namespaces"),
    "namespace with a listed one in it": ({"namespace": "shop-2"}, "alert_response_namespaces"),
    "foreign playbook": ({"playbook": "oncall.recovery.mitigation"}, "alert_response_playbooks"),
    "foreign cluster": ({"cluster": "eu-west"}, "its label cluster is not alert_response_cluster"),
}


@pytest.mark.parametrize(("changes", "why"), IGNORED.values(), ids=IGNORED)
def test_what_it_may_not_act_on_is_ignored_with_a_reason(
    site: Site, changes: dict[str, Any], why: str
) -> None:
    name = next(NAMES)
    assert site.rulebook.send(message(alert(name, **changes))) == 200
    site.wait_for_line(f"/{name}", why)
    nothing_happens(site, name)


JINJA = "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"
HOSTILE: dict[str, dict[str, Any]] = {
    "jinja in the name": {"name": JINJA},
    "jinja in the namespace": {"namespace": JINJA},
    "jinja in the kind": {"kind": JINJA},
    "jinja in the playbook": {"playbook": JINJA},
    "jinja in the signal": {"signal": JINJA},
    "jinja in the cluster": {"cluster": JINJA},
    "jinja after a good name": {"name": "web{% raw %}"},
    "shell": {"name": "web; touch pwned"},
    "shell in backquotes": {"name": "`touch pwned`"},
    "option": {"name": "--all"},
    "path": {"name": "../web"},
    "newline at the end": {"name": "web\n"},
    "line of a log": {"name": "web\n2026-11-25 oncall.recovery - resolved: all is well"},
    "escape sequence": {"name": "web\x1b[2J\x1b]0;pwned\x07"},
    "zero byte": {"namespace": "shop\x00"},
    "bidirectional text": {"name": "web\u202ebew"},
    "letters that only look like ours": {"name": "w\u0435b"},
    "long text": {"name": "a" * 100_000},
    "long name": {"name": "a" * 254},
    "capital letters": {"namespace": "SHOP"},
    "another kind": {"kind": "Pod"},
    "kind in small letters": {"kind": "deployment"},
    "number": {"name": 7},
    "list": {"namespace": ["shop"]},
    "object": {"name": {"$ne": ""}},
    "null": {"kind": None},
    "boolean": {"playbook": True},
    "labels are no object": {"_labels": {}},
    "state": {"_status": JINJA},
    "state is a list": {"_status": ["firing"]},
    "fingerprint": {"_fingerprint": JINJA},
    "start": {"_starts_at": JINJA},
    "start that is no time": {"_starts_at": "2026-13-45T99:00:00Z"},
    "start before time": {"_starts_at": "0001-01-01T00:00:00+23:59"},
    "start is a number": {"_starts_at": 1},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_hostile_parts_are_ignored_and_stay_text(site: Site, changes: dict[str, Any]) -> None:
    before, recorded = len(site.rulebook.said()), site.all_recorded()
    hostile = alert("web", **changes)
    if changes == {"_labels": {}}:
        hostile["labels"] = "namespace=shop"
    assert site.rulebook.send(message(hostile)) == 200
    wait_until(lambda: "ignored: " in site.rulebook.said()[before:], "it says so")
    said = site.rulebook.said()[before:]
    assert said.count("\n") == 1
    assert said[:-1].isprintable()
    assert said.isascii()
    assert len(said) < 400
    assert site.all_recorded() == recorded
    assert_not_pwned(site)


@pytest.mark.parametrize("label", ["namespace", "kind", "name", "playbook", "signal"])
def test_alert_without_a_label_is_ignored(site: Site, label: str) -> None:
    lacking = alert("web")
    del lacking["labels"][label]
    before = len(site.rulebook.said())
    assert site.rulebook.send(message(lacking)) == 200
    wait_until(lambda: f"without the label {label}\n" in site.rulebook.said()[before:], "says so")


STRANGE: dict[str, tuple[Any, int]] = {
    "no JSON": (b"{", 400),
    "nothing": (b"", 400),
    "list": ([1, 2], 200),
    "text": ("{{ 1 }}", 200),
    "null": (None, 200),
    "no alerts": ({"status": "firing"}, 200),
    "alerts are no list": (message(alerts={"0": {}}), 200),
    "alerts are texts": (message("{{ 1 }}", None, 3, []), 200),
    "large": (message(*[alert("a" * 500)] * 3000), 413),
}


@pytest.mark.parametrize(("body", "status"), STRANGE.values(), ids=STRANGE)
def test_strange_messages_do_not_stop_it(site: Site, body: Any, status: int) -> None:
    assert site.rulebook.send(body) == status
    site.judge_another()


def test_log_of_a_message_with_thousands_of_bad_alerts_stays_short(site: Site) -> None:
    before = len(site.rulebook.said())
    assert site.rulebook.send(message(*[alert("web!")] * 1500)) == 200
    wait_until(lambda: "1480 more in this message" in site.rulebook.said()[before:], "says so")
    assert site.rulebook.said()[before:].count("\n") == 21


def test_secrets_and_foreign_text_are_nowhere_in_the_log(site: Site) -> None:
    said = site.rulebook.said()
    assert site.rulebook.token not in said
    assert "Traceback" not in said
    assert "\x1b[2J" not in said


def test_client_without_a_certificate_is_refused_where_there_is_an_authority(
    tmp_path: Path,
) -> None:
    with running_rulebook(tmp_path, alert_response_client_ca=str(tmp_path / "ca.pem")) as rulebook:
        with pytest.raises((ssl.SSLError, urllib.error.URLError, ConnectionError)):
            rulebook.send(message(), shows_certificate=False)
        assert rulebook.send(message()) == 200
        assert rulebook.send(message(), token="") == 401


def test_it_listens_on_loopback_and_starts_nothing_unless_told(tmp_path: Path) -> None:
    with running_rulebook(tmp_path) as rulebook:
        port = int(rulebook.url.rpartition(":")[2].partition("/")[0])
        assert listening_addresses(port) == {"0100007F"}
        assert rulebook.send(message(alert("web"))) == 200
        wait_until(lambda: bool(rulebook.lines("not in alert_response_namespaces")), "says so")


@pytest.mark.parametrize("missing", ["namespaces", "playbooks", "cluster"])
def test_it_does_not_start_without_a_list_of_what_it_may_do(tmp_path: Path, missing: str) -> None:
    variables: dict[str, Any] = {
        "alert_response_namespaces": ["shop"],
        "alert_response_playbooks": [str(RECORDING)],
        "alert_response_cluster": "",
    }
    del variables[f"alert_response_{missing}"]
    done = subprocess.run(
        rulebook_command("alert_response", write_variables(tmp_path, variables)),
        cwd=tmp_path,
        env={**rulebook_environment(tmp_path), "alert_response_token": "token"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert f"alert_response_{missing}" in done.stderr


def listening_addresses(port: int) -> set[str]:
    """Local addresses that the kernel has a listener for, as in /proc/net/tcp; tcp6 too."""
    lines = [
        line.split()
        for file in ("tcp", "tcp6")
        for line in Path("/proc/net", file).read_text().splitlines()[1:]
    ]
    ends = [fields[1].split(":") for fields in lines if fields[3] == "0A"]
    return {address for address, hexadecimal in ends if int(hexadecimal, 16) == port}


def nothing_happens(site: Site, name: str) -> None:
    assert not site.started(name)
    assert not site.recorded(name)
    assert_not_pwned(site)


def assert_not_pwned(site: Site) -> None:
    for folder in (site.recordings.parent, RECORDING.parent, INVENTORY.parent, CHECKOUT, Path()):
        assert not list(folder.glob("pwned*"))
