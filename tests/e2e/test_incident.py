# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of incidents in the cluster: side by side, cut off, without a right; and a full disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.kubectl import kubectl

from .support.modules import Answer, run_module
from .support.playbooks import play
from .support.proxy import Trouble, proxy_to
from .support.rights import grant, right, rules_of, told


class Records:
    """The records of one namespace, as one user sees them."""

    def __init__(self, kubeconfig: Path, namespace: str, user: str) -> None:
        self._kubeconfig = kubeconfig
        self._options = {"store": "configmap", "namespace": namespace, "impersonate_user": user}

    def run(self, module: str, **options: Any) -> Answer:
        return run_module(module, self._kubeconfig, **{**self._options, **options})

    def events(self, identity: str) -> list[dict[str, Any]]:
        (incident,) = self.run("incident_info", id=identity).result["incidents"]
        assert incident["unreadable"] == 0
        return list(incident["events"])


@pytest.fixture(scope="module")
def records(cluster: Cluster, namespace: str) -> Records:
    user = grant(cluster, namespace, "recorder", rules_of("incident-recorder"))
    return Records(cluster.kubeconfig, namespace, user)


def test_recorder_may_open_append_read_and_close(records: Records) -> None:
    opened = records.run("incident", key="{}:{a}", title="It burns", severity="critical")
    assert opened.changed and not opened.failed, opened.message
    identity = opened.result["incident"]["id"]
    assert not records.run("incident", key="{}:{a}", title="It burns", severity="critical").changed
    event = records.run(
        "incident_event",
        id=identity,
        type="decision",
        text="roll back, password=s3cret",
        evidence=[{"name": "web.log", "content": "one\ntwo"}],
    )
    assert event.changed and not event.failed, event.message
    closed = records.run("incident", id=identity, state="closed")
    assert closed.result["incident"]["status"] == "closed"
    answer = records.run("incident_info", key="{}:{a}", evidence_content=True)
    (incident,) = answer.result["incidents"]
    types = [event["type"] for event in incident["events"]]
    assert types == ["opened", "decision", "milestone", "closed"]
    assert incident["evidence"] == [
        {"name": "web.log", "bytes": 8, "path": None, "content": "one\ntwo\n"}
    ]
    assert "s3cret" not in json.dumps(incident)


def test_writers_at_the_same_time_lose_nothing(records: Records) -> None:
    with ThreadPoolExecutor(4) as executor:
        opened = list(executor.map(lambda _n: records.run("incident", key="burst"), range(4)))
        assert not [answer.message for answer in opened if answer.failed]
        (identity,) = {answer.result["incident"]["id"] for answer in opened}
        assert sum(answer.result["created"] for answer in opened) == 1
        texts = [f"event {number}" for number in range(12)]
        written = executor.map(
            lambda text: records.run("incident_event", id=identity, text=text), texts
        )
        assert not [answer.message for answer in written if answer.failed]
    found = [event["text"] for event in records.events(identity) if event["type"] == "note"]
    assert sorted(found) == sorted(texts)


def test_answer_that_is_lost_makes_no_event_twice(
    cluster: Cluster, namespace: str, records: Records
) -> None:
    records.run("incident", id="INC-lost")
    lost: list[str] = []

    def lose_first(method: str, path: str) -> Trouble | None:
        if method != "PATCH" or lost:
            return None
        lost.append(path)
        return Trouble.RESET_AFTER

    with proxy_to(cluster.kubeconfig, lose_first) as host:
        answer = records.run("incident_event", id="INC-lost", text="once", host=host)
    assert lost
    assert answer.changed and not answer.failed, answer.message
    assert [event["text"] for event in records.events("INC-lost")][1:] == ["once"]


def test_check_mode_asks_the_server_and_stores_nothing(
    cluster: Cluster, namespace: str, records: Records
) -> None:
    tried = records.run("incident", id="INC-tried", check=True)
    assert tried.changed and not tried.failed, tried.message
    assert records.run("incident_info", id="INC-tried").result["incidents"] == []


RIGHTS = rules_of("incident-recorder")


@pytest.mark.parametrize("missing", RIGHTS, ids=[right(rule) for rule in RIGHTS])
def test_missing_right_is_named(
    cluster: Cluster, namespace: str, records: Records, missing: dict[str, Any]
) -> None:
    verb = missing["verbs"][0]
    user = f"without-{verb}"
    grant(cluster, namespace, user, [rule for rule in RIGHTS if rule != missing])
    records.run("incident", id="INC-rights")
    if verb == "list":
        answer = records.run("incident_info", impersonate_user=user)
    elif verb == "create":
        answer = records.run("incident", id="INC-none", impersonate_user=user)
    else:
        answer = records.run("incident_event", id="INC-rights", text="x", impersonate_user=user)
    assert answer.failed
    assert f'User "{user}" cannot {verb} resource "configmaps"' in told(answer)


def test_kubectl_shows_the_incident(cluster: Cluster, namespace: str, records: Records) -> None:
    opened = records.run("incident", id="INC-shown", title="Grüße")
    shown = kubectl(
        cluster.kubeconfig,
        *("get", "configmap", opened.result["incident"]["configmap"], "-n", namespace),
        *("-o", r"jsonpath={.data.incident\.json}"),
    )
    assert json.loads(shown)["title"] == "Grüße"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(place)]
    subprocess.run(command, check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk_is_told_and_leaves_no_half_event(small_disk: Path) -> None:
    options = {"folder": str(small_disk), "id": "INC-1"}
    assert not run_module("incident", None, **options).failed
    written = 0
    for number in range(40):
        text = f"{number} " + "x" * 4000
        answer = run_module("incident_event", None, **options, text=text)
        if answer.failed:
            break
        written += 1
    assert 0 < written < 20
    assert "No space left on device. Not recorded: note: " in answer.message
    assert answer.result["not_recorded"][0]["text"] == text
    (incident,) = run_module("incident_info", None, **options).result["incidents"]
    assert incident["unreadable"] == 0
    assert len(incident["events"]) == 1 + written
    assert (small_disk / "INC-1" / "events.jsonl").read_bytes().endswith(b"}\n")


RUN = """
- name: Recover
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Before it is opened
      ansible.builtin.debug:
    - name: Open it
      oncall.recovery.incident:
        id: INC-run
    - name: Fail in secret
      ansible.builtin.fail:
        msg: s3cret
      no_log: true
      ignore_errors: true # The failure is what is recorded.
    - name: Change something
      ansible.builtin.command: echo
"""


def test_run_puts_its_tasks_on_the_timeline_in_the_cluster(
    cluster: Cluster, namespace: str, records: Records, tmp_path: Path
) -> None:
    (tmp_path / "run.yml").write_text(RUN)
    env = {
        "ANSIBLE_CALLBACKS_ENABLED": "oncall.recovery.incident_timeline",
        "RECOVERY_INCIDENT_STORE": "configmap",
        "RECOVERY_INCIDENT_NAMESPACE": namespace,
        "K8S_AUTH_KUBECONFIG": str(cluster.kubeconfig),
        "K8S_AUTH_IMPERSONATE_USER": "recorder",
    }
    played = play(str(tmp_path / "run.yml"), cwd=tmp_path, env=env)
    assert not played.failed, played.output
    assert "incident_timeline" not in played.output
    events = records.events("INC-run")
    told = [(event["data"]["task"], event["data"]["status"]) for event in events if task_in(event)]
    assert told == [
        ("Before it is opened", "ok"),
        ("Fail in secret", "failed, ignored"),
        ("Change something", "changed"),
    ]
    assert "s3cret" not in json.dumps(events)


def task_in(event: dict[str, Any]) -> bool:
    return event["type"] == "task" and "task" in event["data"]


def test_postmortem_of_a_record_in_the_cluster(
    cluster: Cluster, namespace: str, records: Records, tmp_path: Path
) -> None:
    records.run("incident", id="INC-pm", title="It burns")
    missing = records.run("postmortem", id="INC-pm")
    assert "dest: is missing" in missing.message
    written = records.run("postmortem", id="INC-pm", dest=str(tmp_path))
    assert written.changed and not written.failed, written.message
    assert "# It burns" in (tmp_path / "postmortem.md").read_text()
    assert not records.run("postmortem", id="INC-pm", dest=str(tmp_path)).changed
